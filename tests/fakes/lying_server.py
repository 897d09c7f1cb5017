"""A server over real HTTP that sends whatever bytes it is told to: too many, too slowly, or no answer at all."""

import gzip
import itertools
import socket
import socketserver
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

Lie = Callable[[socket.socket], None]
"""Sends an answer over a connection, which is closed after it."""


class LyingServer:
    """Context manager: answers a path with its lie, or with that of `default`. `log` holds path and time of arrival."""

    def __init__(self, lies: Mapping[str, Lie], default: Lie | None = None) -> None:
        self.lies, self.default = dict(lies), default or sends(answer(b"not found", 404))
        self.log: list[tuple[str, float]] = []
        self.stopped = threading.Event()
        self._tcp = _Tcp(self)
        self.url = f"http://127.0.0.1:{self._tcp.server_address[1]}"

    @property
    def paths(self) -> list[str]:
        """Paths in the order of arrival."""
        return [path for path, _ in self.log]

    def __enter__(self) -> Self:
        threading.Thread(target=self._tcp.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopped.set()
        self._tcp.shutdown()
        self._tcp.server_close()


def answer(body: bytes, status: int = 200, **headers: str) -> bytes:
    """A whole answer: status line, headers (with `_` for `-`) and body."""
    named = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


def sends(*parts: bytes) -> Lie:
    """Send these bytes, the same at every request."""
    return lambda connection: [connection.sendall(part) for part in parts] and None


def drips(head: bytes, drop: bytes = b"x", every: float = 0.02) -> Lie:
    """Send a beginning, then a drop at a time for ever: no single read is slow."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(every)

    return drip


def gzip_bomb(size: int) -> bytes:
    """So many zeros, in a thousandth of the bytes."""
    packed = zlib.compressobj(9, wbits=31)
    step = b"\0" * 1_000_000
    return b"".join([*(packed.compress(step) for _ in range(size // len(step))), packed.flush()])


def members(*contents: bytes) -> bytes:
    """One gzip body of several members."""
    return b"".join(gzip.compress(content, 1, mtime=0) for content in contents)


class _Handler(socketserver.BaseRequestHandler):
    server: "_Tcp"

    def handle(self) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (chunk := self.request.recv(65536)):
                return
            received += chunk
        path = received.split(b" ", 2)[1].decode("latin-1")
        liar = self.server.liar
        liar.log.append((path, time.monotonic()))
        try:
            liar.lies.get(path.partition("?")[0], liar.default)(self.request)
        except OSError:  # the client is gone
            return


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, liar: LyingServer) -> None:
        self.liar = liar
        super().__init__(("127.0.0.1", 0), _Handler)


def numbered(*lies: Lie) -> Lie:
    """Another lie at every request, the last one from then on."""
    number = itertools.count()

    def lie(connection: socket.socket) -> None:
        lies[min(next(number), len(lies) - 1)](connection)

    return lie
