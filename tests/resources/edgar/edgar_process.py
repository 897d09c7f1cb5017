"""Fetches documents in a separate process: `python edgar_process.py URL ROOT URLS SENDS [GATE]`.

The arguments are the server, the store, a file with one path per line, and the file for the times of the sends. With a
gate the process makes SENDS, to say that it is ready, and waits until there is a file at GATE.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resources.edgar import Request, RetryPolicy, fetch_all
from resources.settings.descriptions import Edgar

QUICK = RetryPolicy(first_wait=0.02, longest_wait=0.1, startup_timeout=10, outage_timeout=10, timeout=10)


class Sends(logging.Handler):
    """Times (`time.monotonic()`) at which httpcore logs that it sends a request, after our hook has let it through."""

    def __init__(self, file: Path | None = None) -> None:
        super().__init__()
        self.at: list[float] = []
        self.file = file

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("send_request_headers.started"):
            self.at.append(time.monotonic())
            if self.file:
                with self.file.open("a") as file:
                    file.write(f"{self.at[-1]!r}\n")


@contextmanager
def recorded(protocol: str = "httpcore.http11", file: Path | None = None) -> Iterator[Sends]:
    """Record the sends of this process while the block runs."""
    log, sends = logging.getLogger(protocol), Sends(file)
    log.addHandler(sends)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    yield sends
    log.removeHandler(sends)
    log.setLevel(logging.NOTSET)
    log.propagate = True


def most_in_a_second(times: list[float]) -> int:
    """Largest number of times in any second, both its ends included."""
    return max(sum(first <= time <= first + 1 for time in times) for first in times)


def settings(url: str) -> Edgar:
    return Edgar(identity="Jane Doe jane@example.com", archive_url=url, data_url=url)


def is_complete(content: bytes) -> bool:
    return content.endswith(b"</SEC-DOCUMENT>")


def start(
    url: str, root: Path, paths: list[str], sends: Path, environment: dict[str, str], gate: Path | None = None
) -> subprocess.Popen[str]:
    """Start such a process."""
    named = sends.with_suffix(".urls")
    named.write_text("\n".join(paths))
    command = [sys.executable, __file__, url, str(root), str(named), str(sends), *([str(gate)] if gate else [])]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


if __name__ == "__main__":
    url, root, paths, sends, *gates = sys.argv[1:]
    asked = [Request(path, complete=is_complete) for path in Path(paths).read_text().splitlines()]
    for gate in gates:
        Path(sends).touch()
        while not Path(gate).exists():
            time.sleep(0.001)
    with recorded(file=Path(sends)):
        fetch_all(settings(url), Path(root), asked, policy=QUICK)
