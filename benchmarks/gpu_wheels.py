"""Collect the wheels that gpu_check.py needs on a machine with torch, transformers and no network.

`python benchmarks/gpu_wheels.py [--python 3.12] [--have FILE]` fills folders of `.wheels`, each small enough for one
trip beside the working tree, and prints what each carries:

- `core-1`: what the comparisons of reading and training import and torch and transformers do not bring;
- `tables-1`, ...: what runs over shards and the benchmarks import;
- `peers-1`, ...: sparsify and SAELens, installed there into environments of their own.

`--have` names a file with the names of the packages on that machine (the output of `pip list` or `pip freeze`): they
are not collected. Without it what torch and transformers bring is taken to be there.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from gpu_closure import normal
from harvest_saelens import PINNED as SAELENS
from harvest_saelens import saelens_python
from sae_train_peer import PINNED as SPARSIFY
from sae_train_peer import sparsify_python

ROOT = Path(__file__).parents[1]
TRIP_BYTES = 64 << 20
"""That travel at once: working tree and wheels."""
LINUX = [f"manylinux_2_{glibc}_x86_64" for glibc in (39, 35, 34, 31, 28, 27, 24, 17)] + ["manylinux2014_x86_64"]
CORE = ("pydantic",)
TABLES = ("polars", "pyarrow", "xxhash", "psutil", "rich", "scikit-learn", "scipy", "tqdm", "pyyaml")
ALWAYS_THERE = ("torch", "transformers", "numpy", "safetensors", "huggingface-hub", "filelock")


def installed(wanted: Sequence[str], python: Path | str = sys.executable) -> dict[str, str]:
    """Return name -> version of packages and all that they need, as a Python has them."""
    script = Path(__file__).with_name("gpu_closure.py")
    found: dict[str, str] = json.loads(
        subprocess.run([python, script, *wanted], check=True, stdout=subprocess.PIPE).stdout
    )
    return found


def collected(wanted: dict[str, str], target: str, folder: Path) -> list[Path]:
    """Download wheels of name -> version for a Python on Linux, and return them in the order of their names."""
    platforms = [f"--platform={name}" for name in LINUX]
    there = ["--only-binary=:all:", f"--python-version={target}", "--implementation=cp", *platforms]
    for name, found in wanted.items():
        pinned = f"{name}=={found}"
        download = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", folder, *there, pinned]
        if subprocess.run(download, check=False, capture_output=True).returncode:
            # Some are there as source alone; those that the peers need are plain Python, so a wheel made here does.
            build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, pinned]
            subprocess.run(build, check=True)
    return sorted(folder.glob("*.whl"))


def trips(wheels: Sequence[Path], room: int) -> list[list[Path]]:
    """Share wheels out over trips, in their order; raises ValueError where one wheel alone is too large."""
    found: list[list[Path]] = []
    left = 0
    for wheel in wheels:
        size = wheel.stat().st_size
        if size > room:
            raise ValueError(f"{wheel.name} has {size >> 20} MiB, and a trip has room for {room >> 20}")
        if size > left:
            found.append([])
            left = room
        found[-1].append(wheel)
        left -= size
    return found


def names_in(text: str) -> set[str]:
    """Return the packages that a `pip list` or `pip freeze` names."""
    lines = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in text.splitlines())
    return {normal(line.group()) for line in lines if line} - {"package"}


def tree_bytes(root: Path) -> int:
    """Return the size of the files that git tracks, which travel too."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    return sum((root / name).stat().st_size for name in listed.split("\0") if (root / name).is_file())


def wanted(have: set[str], venvs: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield kinds of trips, and name -> version of what is missing; peers are installed here first, to see theirs."""
    core = installed(CORE)
    yield "core", {name: found for name, found in core.items() if name not in have}
    yield "tables", {name: found for name, found in installed(TABLES).items() if name not in have | set(core)}
    peers: dict[str, str] = {}
    for python, pinned in ((saelens_python(venvs), SAELENS), (sparsify_python(venvs), SPARSIFY)):
        if python:
            peers |= installed([one.partition("==")[0] for one in pinned], python)
    yield "peers", {name: found for name, found in peers.items() if name not in have}


def packed(folder: Path, have: set[str], options: argparse.Namespace) -> Iterator[str]:
    """Collect all that is wanted into folders of one trip each; yield a line about each."""
    shutil.rmtree(folder, ignore_errors=True)
    room = TRIP_BYTES - tree_bytes(ROOT)
    for kind, missing in wanted(have, options.venvs):
        with tempfile.TemporaryDirectory() as staging:
            for number, wheels in enumerate(trips(collected(missing, options.python, Path(staging)), room), 1):
                trip = folder / f"{kind}-{number}"
                trip.mkdir(parents=True)
                size = sum(Path(shutil.copy(wheel, trip)).stat().st_size for wheel in wheels)
                carried = ", ".join(wheel.name.split("-")[0] for wheel in wheels)
                yield f"{trip.name}: {size / (1 << 20):.1f} MiB: {carried}"


def main() -> None:
    """Collect, and print what each trip carries."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default="3.12", help="of that machine")
    parser.add_argument("--have", type=Path, help="names of the packages there, one a line")
    parser.add_argument("--folder", type=Path, default=ROOT / ".wheels")
    parser.add_argument("--venvs", type=Path, default=Path("~/.cache/peerlens-benchmarks").expanduser())
    options = parser.parse_args()
    have = set(installed(ALWAYS_THERE))
    if options.have:
        have = names_in(options.have.read_text(encoding="utf-8"))
    for line in packed(options.folder, have, options):
        print(line, flush=True)


if __name__ == "__main__":
    main()
