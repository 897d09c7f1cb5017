"""Shards on the disk: written and read beside a plain copy of the same bytes, the machine's own limit."""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import Round, ratio, show, summary
from tqdm import tqdm

from assets.activations.shards.part import Filing, Part
from assets.activations.shards.shard_files import write_part
from assets.activations.shards.shards import Shards
from resources.lake.atomic_write import fsync
from resources.models.tokens import Tokens

SEED = 0
BLOCKS, STORED_TOKENS, D_MODEL = range(30), 15_000, 576
STORAGE = {
    "copy": ("bytes of memory to plain files", "copy"),
    "write": ("shards written, before fsync", "copy"),
    "copy synced": ("bytes of memory to plain files, with fsync", "copy synced"),
    "write synced": ("shards written, with fsync", "copy synced"),
    "copy back": ("plain files to memory, from the page cache", "copy back"),
    "read": ("shards read from the page cache, hashes checked", "copy back"),
    "read again": ("shards read again, hashes known to be right", "copy back"),
}
"""By name in a round: what is done, and the plain copy that is its limit."""


def storage_rounds(n: int, where: str) -> list[Round]:
    """Measure so many rounds over a part of the usual size, of random bits; print their table.

    Parameters
    ----------
    where : the machine, for the title
    """
    numbers, rows = np.random.default_rng(SEED), np.arange(STORED_TOKENS, dtype=np.int32)
    bits = {block: numbers.integers(0, 1 << 16, (STORED_TOKENS, D_MODEL), dtype=np.uint16) for block in BLOCKS}
    part = Part((Filing("synthetic", "", Tokens(rows, rows, rows + 1)),), bits, dict.fromkeys(BLOCKS, "float16"))
    found = [_round(part) for _ in tqdm(range(n), "shards", disable=None)]
    title = f"{len(BLOCKS)} blocks of {STORED_TOKENS:,} tokens, d = {D_MODEL}, {n} rounds; {where}"
    show(title, storage_table(found))
    return found


def storage_table(rounds: Sequence[Round]) -> pl.DataFrame:
    """Return gigabytes a second, and the share of a plain copy."""
    return pl.DataFrame(
        [
            {"bytes": what}
            | summary([one[name] for one in rounds], "gb_per_s", 2)
            | {"of_plain_copy": ratio(rounds, name, limit)}
            for name, (what, limit) in STORAGE.items()
        ]
    )


def _round(part: Part) -> Round:
    """Return gigabytes a second of everything, done in turn; each side writes a folder of its own."""
    with tempfile.TemporaryDirectory() as plain, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy, copy_synced = _seconds_to_write(Path(plain), lambda: _copy(Path(plain), part.bits.values()))
        write, write_synced = _seconds_to_write(folder, lambda: write_part(folder, 0, part, {"model": "none"}))
        shards = Shards(folder)
        seconds = {"copy": copy, "write": write, "copy synced": copy_synced, "write synced": write_synced}
        seconds["copy back"] = _seconds_to_copy_back(Path(plain))
        seconds["read"], seconds["read again"] = _seconds_to_read(shards), _seconds_to_read(shards)
    gigabytes = sum(bits.nbytes for bits in part.bits.values()) / 1e9
    return {name: gigabytes / spent for name, spent in seconds.items()}


def _seconds_to_write(folder: Path, write: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds before fsync, and after it."""
    os.sync()  # else what was written before is flushed on this one's clock
    started = time.perf_counter()
    write()
    written = time.perf_counter() - started
    flush(folder)
    return written, time.perf_counter() - started


def _copy(folder: Path, arrays: Iterable[NDArray[np.uint16]]) -> None:
    for number, bits in enumerate(arrays):
        bits.tofile(folder / f"{number}.bin")


def _seconds_to_copy_back(folder: Path) -> float:
    """Copy file by file into memory that is there already: new pages would cost more than the copy."""
    room = np.ones(max(path.stat().st_size for path in folder.iterdir()), dtype=np.uint8)
    started = time.perf_counter()
    for path in sorted(folder.iterdir()):
        with path.open("rb", buffering=0) as file:
            file.readinto(room)
    return time.perf_counter() - started


def _seconds_to_read(shards: Shards) -> float:
    """Look at every byte of every block; a file's hash is checked when it is read for the first time."""
    started = time.perf_counter()
    for block in shards.blocks:
        shards.activations(block).view(np.uint8).max()
    return time.perf_counter() - started


def flush(folder: Path) -> None:
    """Force all below a folder to the disk."""
    for path in folder.rglob("*"):
        fsync(path)
