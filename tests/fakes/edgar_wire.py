"""HTTP as the fake EDGAR speaks it: keep-alive, gzip, and answers that break off on the wire."""

import gzip
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What goes over the wire, and the fault that spoils its body (see `Faults`)."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    fault: str | None = None


def page(status: int, title: str, heading: str, headers: dict[str, str] | None = None) -> Answer:
    """EDGAR's pages of refusal; that about undeclared tools has the title of that about too many requests."""
    html = f"<html><head><title>SEC.gov | {title}</title></head><body><h1>{heading}</h1></body></html>"
    return Answer(status, html.encode(), {"Content-Type": "text/html", **(headers or {})})


def encoded(answer: Answer, headers: dict[str, str]) -> Answer:
    """The answer as it is sent: cut if it is to be, and compressed where the client takes gzip."""
    body = answer.body[: len(answer.body) // 2] if answer.fault == "cut" else answer.body
    told = answer.headers
    if body and "gzip" in headers.get("accept-encoding", ""):
        body, told = gzip.compress(body, 1, mtime=0), {**told, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if answer.fault == "torn":
        body = body[: len(body) // 2]
    return replace(answer, body=body, headers=told)


class Wire(ThreadingHTTPServer):
    """Server on 127.0.0.1 that sends what `answer` says to a path and headers with names in lower case."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Callable[[str, dict[str, str]], Answer], port: int) -> None:
        self.answer = answer
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_close(self) -> None:
        """Take no more clients, and end the connections that they keep open."""
        super().server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the client was first
                continue

    def shutdown_request(self, request: object) -> None:
        """Close without the polite shutdown before it, which would turn a reset into an end."""
        assert isinstance(request, socket.socket)
        self.connections.discard(request)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go at any time: they stop reading early, or are killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection: socket.socket
    server: Wire

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = encoded(self.server.answer(self.path, headers), headers)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.fault in {"half", "reset"}:
            self._stop_halfway(answer)
        else:
            self.wfile.write(answer.body)

    def _stop_halfway(self, answer: Answer) -> None:
        self.wfile.write(answer.body[: len(answer.body) // 2])
        if answer.fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the log of the fake has it."""
