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
    """Return the Python of a virtual environment, made where it is missing; None where it cannot be installed.

    What is `as_ours` is not installed but seen there, of our version, so that both sides run the same kernels and
    nothing of 2 GB is downloaded. Without a network pip's own PIP_NO_INDEX and PIP_FIND_LINKS name a folder of wheels.
    """
    wanted = [*pinned, *(f"{package}=={version(package).partition('+')[0]}" for package in as_ours)]
    python, made_of = venv / "bin" / "python", venv / "made-of.txt"
    if made_of.is_file() and made_of.read_text(encoding="utf-8") == "\n".join(wanted):
        return python
    print(f"installing {name} into {venv}", file=sys.stderr)
    try:
        _make_venv(venv)
        # Our pip, for a Python without ensurepip (Debian's) gives a new environment none.
        install = [sys.executable, "-m", "pip", "--python", python, "install", "-qq", *wanted]
        subprocess.run(install, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        print(f"no numbers of {name}: {error}\n{error.stderr or ''}", file=sys.stderr)
        return None
    made_of.write_text("\n".join(wanted), encoding="utf-8")
    return python


def _make_venv(venv: Path) -> None:
    """Make an environment that sees our packages behind its own."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    ours = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "ours.pth").write_text("\n".join(ours), encoding="utf-8")
