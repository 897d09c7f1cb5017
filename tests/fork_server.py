"""A Python that has loaded the heavy libraries and forks for every command, which saves seconds a command.

A fork is a process like any other: it has a group of its own, exits with a status and dies of signals. It loads our own
code anew. What it shares with its siblings is the libraries below, their environment when they were loaded (the number
of threads of OpenMP) and the seed of hashes.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

LIBRARIES = (
    *("dagster", "dagster._core.storage.runs", "dagster._core.storage.event_log", "dagster._core.storage.root"),
    *("alembic", "typer", "rich.progress", "httpx", "torch", "transformers", "transformer_lens"),
    *("sklearn.cluster", "scipy.stats", "matplotlib.pyplot"),
)
"""Neither polars, nor what loads it, nor duckdb: they start threads, and a fork has only the thread that forked."""
LARGEST_REQUEST = 1 << 20


class Fork:
    """A running command; has what the tests use of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        self._out, self._err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps([self.args, environment]).encode()
        files = [self._out.fileno(), self._err.fileno(), theirs.fileno()]
        socket.send_fds(_server(), [request], files)
        theirs.close()
        self.pid = int(self._status.recv(32))

    def wait(self, timeout: float | None = None) -> int:
        """Exit status, or minus the signal that ended it; raises TimeoutExpired after so many seconds."""
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                self.returncode = int(self._status.recv(32))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
        return self.returncode

    def poll(self) -> int | None:
        """Exit status, None as long as it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; returns what was written to standard output and standard error."""
        self.wait(timeout)
        said = []
        for file in (self._out, self._err):
            file.seek(0)
            said.append(file.read())
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


@cache
def _server() -> socket.socket:
    """Where requests go; the server ends with the process that started it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    subprocess.Popen(
        [sys.executable, __file__, str(theirs.fileno())],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    return ours


def _serve(requests: socket.socket) -> None:
    """Fork for every request; returns in the fork alone."""
    while True:
        request, files, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 3)
        if not request:
            sys.exit()
        if os.fork() == 0:
            return _run_or_watch(request, *files)
        for file in files:
            os.close(file)


def _run_or_watch(request: bytes, out: int, err: int, status: int) -> None:
    """Fork once more: one becomes the command, the other tells its number and, in the end, its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if child := os.fork():
        told = socket.socket(fileno=status)
        told.send(str(child).encode())
        told.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
        os._exit(0)
    arguments, environment = json.loads(request)
    os.setsid()
    os.dup2(out, 1)
    os.dup2(err, 2)
    for file in (out, err, status):
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir("/")
    sys.argv = ["peerlens", *arguments]


def _main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    sys.path.remove(str(Path(__file__).parent))
    import_module("resources")  # sets switches that torch reads when it is loaded
    for library in LIBRARIES:
        import_module(library)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    _serve(requests)
    requests.close()
    import_module("pipelines.cli").main()


if __name__ == "__main__":
    _main()
