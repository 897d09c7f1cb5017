"""Dagster's UI as a process that ends when it is told to, with all that it started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from pipelines.failures import RefusedError, RunFailedError
from resources.places import ROOT

GRACE_SECONDS = 4.0
"""Dagster gets this long to end by itself; alone it takes up to two minutes."""
POLL_SECONDS = 0.1
DG = Path(sys.executable).with_name("dg")


def serve_ui(host: str, port: int, state: Path) -> None:
    """Run the UI until SIGTERM, SIGINT or SIGHUP; nothing that it started is left then.

    Parameters
    ----------
    host, port : str, int
        Where it listens.
    state : Path
        Dagster's state, in which its databases are ready to be used.

    Raises
    ------
    RefusedError
        Something else listens there.
    RunFailedError
        The UI ended by itself.
    """
    _check_free(host, port)
    command: list[str | Path] = [
        DG,
        "dev",
        "--target-path",
        ROOT,
        "--use-active-venv",
        "--host",
        host,
        "--port",
        str(port),
    ]
    with _received_signals() as received:
        # A session of its own, so that all it starts can be ended at once, and Ctrl-C reaches it through us alone.
        child = subprocess.Popen(command, cwd=state, start_new_session=True)
        try:
            while child.poll() is None and not received:
                time.sleep(POLL_SECONDS)
            if not received:
                raise RunFailedError(f"the UI ended by itself, with exit status {child.returncode}", "")
        finally:
            _end(child)


def _check_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # the rest repeats the address
        raise RefusedError(f"the UI cannot listen on {host}:{port}: {reason}; choose another --port") from error


@contextmanager
def _received_signals() -> Iterator[list[int]]:
    """Yield a list that grows with the signals that arrive.

    What a shell starts in the background ignores SIGINT, and so would all that we start: a handler undoes that, because
    a new program begins with the default where its parent has a handler.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Ask the UI to end, then end whatever is left of it."""
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
