"""The real `peerlens` command, run as a user would, on a lake of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from fork_server import Fork

from resources.places import ROOT

COMMAND = Path(sys.executable).with_name("peerlens")
Running = Fork | subprocess.Popen[str]


def environment(home: Path) -> dict[str, str]:
    """Environment of a user whose lake is at `home`: this checkout's code, as many threads as the tests, no more."""
    ours = ("PEERLENS", "DAGSTER", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PEERLENS_HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def start(home: Path, *arguments: str) -> Running:
    """Start the command in a process group of its own."""
    if sys.platform == "linux":  # elsewhere the libraries do not stand a fork
        return Fork(arguments, environment(home))
    return start_anew(home, *arguments)


def start_anew(home: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start the command as a shell does, libraries and all, with more environment variables."""
    return subprocess.Popen(
        [COMMAND, *arguments],
        env=environment(home) | variables,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def peerlens(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, whatever its exit status."""
    return finished(start(home, *arguments))


def peerlens_anew(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The same, started as a shell does."""
    return finished(start_anew(home, *arguments, **variables))


def finished(process: Running) -> subprocess.CompletedProcess[str]:
    """What it said, once it has ended."""
    out, err = process.communicate(timeout=600)
    assert process.returncode is not None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def refreshed(home: Path, profile: str) -> list[str]:
    """Refresh; returns the labels of the bodies that ran, as the command prints them."""
    done = peerlens(home, "refresh", "--profile", profile)
    assert done.returncode == 0, done.stderr
    return [line.split(" s  ")[1].split(":")[0] for line in done.stderr.splitlines() if " s  " in line]


def artefacts(lake: Path) -> dict[str, str]:
    """Digest of every artefact of a lake: 'activations/2004' -> digest."""
    manifests = sorted(lake.glob("*/*/manifest.json"))
    return {str(m.parent.relative_to(lake)): json.loads(m.read_text(encoding="utf-8"))["digest"] for m in manifests}
