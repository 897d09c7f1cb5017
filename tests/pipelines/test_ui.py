"""The UI ends when it is told to, wherever it was started, and leaves nothing: no process, no file in the checkout."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from peerlens_command import COMMAND, environment, peerlens

from resources.places import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a UI started")
PATIENCE_SECONDS = 300.0
"""A loaded machine takes long to start the UI, and is right all the same."""
DEAF = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""How a shell starts what it puts into the background: deaf to Ctrl-C."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    for process in started(tmp_path / "home"):  # of a test that failed
        os.kill(process, signal.SIGKILL)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    return number


def started(home: Path) -> set[int]:
    """Processes whose lake is this home, in whichever session: a UI and all that it started."""
    found, mark = set(), f"PEERLENS_HOME={home}\0".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.add(int(folder.name))
        except OSError:  # it has ended, or is another user's
            continue
    return found


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=10) as answer:
            return b"dagster_webserver_version" in answer.read()
    except (urllib.error.URLError, OSError):
        return False


def checkout() -> set[str]:
    """What git does not know or ignores in the checkout, without what Python and the tests beside this one write."""
    done = subprocess.run(
        ["git", "status", "--porcelain", "--ignored"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    others = ("__pycache__", ".cache/", ".coverage", ".hypothesis/", "_cache/")
    return {
        line for line in done.stdout.splitlines() if line[:2] in {"??", "!!"} and not any(o in line for o in others)
    }


def start(home: Path, log: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    """Start the UI as a user would whose DAGSTER_HOME is the checkout."""
    told = environment(home) | {"DAGSTER_HOME": str(ROOT)}
    return subprocess.Popen([*DEAF, *command], env=told, cwd=ROOT, stdout=log.open("wb"), stderr=subprocess.STDOUT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_ui_in_the_background_ends_with_all_that_it_started(
    home: Path, port: int, number: int, tmp_path: Path
) -> None:
    before = checkout()
    ui = start(home, tmp_path / "log", COMMAND, "ui", "--port", str(port))
    wait_for(lambda: answers(port) or ui.poll() is not None)
    assert len(started(home)) > 3, (tmp_path / "log").read_text()
    ui.send_signal(number)
    assert ui.wait(PATIENCE_SECONDS) == 0
    assert (started(home), answers(port)) == (set(), False)
    assert checkout() <= before
    assert (home / "dagster" / "schedules" / "schedules.db").is_file()


@pytest.mark.skipif(not (ROOT / ".venv" / "bin" / "peerlens").exists(), reason="make runs what it has set up")
def test_make_passes_the_signal_on(home: Path, port: int, tmp_path: Path) -> None:
    make = ("make", "--assume-old=.venv/demo.stamp", "ui", f"UI=--port {port}")
    ui = start(home, tmp_path / "log", *make)
    wait_for(lambda: answers(port) or ui.poll() is not None)
    ui.send_signal(signal.SIGTERM)
    ui.wait(PATIENCE_SECONDS)
    wait_for(lambda: not started(home))
    assert not answers(port)


def test_a_ui_that_is_told_to_end_while_it_starts_ends(home: Path, port: int, tmp_path: Path) -> None:
    ui = start(home, tmp_path / "log", COMMAND, "ui", "--port", str(port))
    wait_for(lambda: len(started(home)) > 1)
    ui.send_signal(signal.SIGTERM)
    # Told before it listens to signals, it ends as any program does.
    assert ui.wait(PATIENCE_SECONDS) in (0, -signal.SIGTERM)
    assert started(home) == set()


def test_a_port_that_is_taken_is_one_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = peerlens(home, "ui", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"peerlens: the UI cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port\n"
    )
