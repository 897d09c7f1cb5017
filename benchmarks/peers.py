"""What the benchmarks with peers share: a peer's virtual environment, its process, and the jobs that it answers.

A peer's script is run by the peer's python and imports this file, which therefore needs nothing but the standard
library.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

Job = dict[str, Any]


class Worker:
    """A process that answers jobs, one JSON object a line; it waits on its input while others are measured.

    Parameters
    ----------
    name : for messages
    python : of its virtual environment; another's does not see our packages
    script : what it runs; it calls `serve`
    threads : of torch
    """

    def __init__(self, name: str, python: Path, script: Path, threads: int) -> None:
        self._name, self._log = name, tempfile.TemporaryFile("w+")  # noqa: SIM115 - open for as long as the process
        ours = () if python == Path(sys.executable) else ("PYTHONPATH",)
        environment = {key: value for key, value in os.environ.items() if key not in ours}
        environment |= {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log}
        self._process = subprocess.Popen([python, script], env=environment, text=True, **pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def ask(self, job: Job) -> Job:
        """Have a job done."""
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(job), file=self._process.stdin, flush=True)
        if not (line := self._process.stdout.readline()):
            self._log.seek(0)
            raise SystemExit(f"{self._name} failed:\n{self._log.read()[-2000:]}")
        return json.loads(line)


def serve(answer: Callable[[Job], Job]) -> None:
    """Do all jobs; what is printed on the way goes to stderr."""
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            found = answer(json.loads(line))
        print(json.dumps(found), flush=True)


def peer_python(venv: Path, name: str, pinned: Sequence[str], as_ours: Sequence[str]) -> Path | None:
    """Python of a virtual environment, which is made where it is missing; None where it cannot be installed.

    What is `as_ours` is of our versions, so that both sides run the same kernels.
    """
    wanted = [*pinned, *(f"{package}=={version(package).partition('+')[0]}" for package in as_ours)]
    python, made_of = venv / "bin" / "python", venv / "made-of.txt"
    if made_of.is_file() and made_of.read_text(encoding="utf-8") == "\n".join(wanted):
        return python
    print(f"installing {name} into {venv}: about 2 GB", file=sys.stderr)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *wanted], check=True)
    except subprocess.CalledProcessError as error:
        print(f"no numbers of {name}: {error}", file=sys.stderr)
        return None
    made_of.write_text("\n".join(wanted), encoding="utf-8")
    return python


def warn_if_busy() -> None:
    """Say so where other programs are running."""
    if (load := os.getloadavg()[0]) > 1:
        print(f"other programs are running (load {load:.1f}): wall clock will mean little", file=sys.stderr)
