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
from importlib.metadata import version
from pathlib import Path

from harvest_saelens import PINNED as SAELENS
from sae_train_peer import PINNED as SPARSIFY

ROOT = Path(__file__).parents[1]
TRIP_BYTES = 64 << 20
"""That travel at once: working tree and wheels."""
LINUX = [f"manylinux_2_{glibc}_x86_64" for glibc in (39, 35, 34, 31, 28, 27, 24, 17)] + ["manylinux2014_x86_64"]
CORE = ("pydantic",)
TABLES = ("polars", "pyarrow", "xxhash", "psutil", "rich", "scikit-learn", "scipy", "tqdm", "pyyaml")
ALWAYS_THERE = ("torch", "transformers", "numpy", "safetensors", "huggingface-hub", "filelock")


def resolved(wanted: Sequence[str], python: str) -> dict[str, str]:
    """Return name -> version of packages and all that they need, for Linux; nothing is downloaded but metadata."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip(
            "install",
            "--dry-run",
            "--ignore-installed",
            f"--report={report}",
            "--target",
            folder,
            *wanted,
            python=python,
        )
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {normal(one["metadata"]["name"]): one["metadata"]["version"] for one in found}


def collected(wanted: Sequence[str], have: set[str], python: str, folder: Path) -> list[Path]:
    """Download the wheels of what is wanted and not there, and return them in the order of their names."""
    missing = {name: v for name, v in resolved(wanted, python).items() if name not in have}
    if missing:
        pinned = [f"{name}=={found}" for name, found in missing.items()]
        _pip("download", "--no-deps", "--dest", folder, *pinned, python=python)
        have |= set(missing)
    return sorted(folder.glob("*.whl"))


def _pip(command: str, *options: object, python: str) -> None:
    platforms = [f"--platform={name}" for name in LINUX]
    target = ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms]
    subprocess.run([sys.executable, "-m", "pip", command, "--quiet", *target, *map(str, options)], check=True)


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


def normal(name: str) -> str:
    """Return a package's name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(text: str) -> set[str]:
    """Return the packages that a `pip list` or `pip freeze` names."""
    lines = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in text.splitlines())
    return {normal(line.group()) for line in lines if line} - {"package"}


def tree_bytes(root: Path) -> int:
    """Return the size of the files that git tracks, which travel too."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    return sum((root / name).stat().st_size for name in listed.split("\0") if (root / name).is_file())


def packed(folder: Path, have: set[str], python: str, room: int) -> Iterator[str]:
    """Collect all that is wanted into folders of one trip each; yield a line about each."""
    ours = {name: [f"{one}=={version(one)}" for one in names] for name, names in (("core", CORE), ("tables", TABLES))}
    shutil.rmtree(folder, ignore_errors=True)
    ours_there = set(have)
    for kind, wanted in (ours | {"peers": [*SAELENS, *SPARSIFY]}).items():
        there = ours_there if kind != "peers" else set(have)
        with tempfile.TemporaryDirectory() as staging:
            for number, wheels in enumerate(trips(collected(wanted, there, python, Path(staging)), room), 1):
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
    options = parser.parse_args()
    if options.have:
        have = names_in(options.have.read_text(encoding="utf-8")) | set(ALWAYS_THERE)
    else:
        have = set(resolved(ALWAYS_THERE, options.python))
    for line in packed(options.folder, have, options.python, TRIP_BYTES - tree_bytes(ROOT)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
