"""A bit that flips in a table is never read: it is named, and what it was in is made again with the same rows."""

import os
import random
from pathlib import Path

import pytest
from peerlens_command import artefacts, peerlens

from resources.lake.errors import DamagedFileError
from resources.lake.lake import WHOLE, Lake, _verified

FLIPS = 300


def tables(home: Path) -> list[Path]:
    """The files of all tables of the tiny lake."""
    lake = Lake(home, "tiny")
    found = []
    for pointer in sorted((home / "tiny").glob("*/*/manifest.json")):
        asset, partition = pointer.parent.parent.name, pointer.parent.name
        known = lake.manifest(asset, None if partition == WHOLE else partition)
        assert known is not None, asset
        found += [file for table in known.tables for file in lake.table_files(known, table)]
    return found


def flip(file: Path, random_bit: random.Random, keep_time: bool) -> bytes:
    """Flip a bit; returns what the file held. A disk that rots leaves the time as it was."""
    known, content = file.stat(), file.read_bytes()
    at = random_bit.randrange(len(content))
    file.write_bytes(content[:at] + bytes([content[at] ^ 1 << random_bit.randrange(8)]) + content[at + 1 :])
    if keep_time:
        os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    return content


def rows(home: Path) -> dict[str, str]:
    """Digests of all artefacts but the warehouse, whose rows name folders."""
    return {name: digest for name, digest in artefacts(home / "tiny").items() if name != "warehouse/all"}


def restore(file: Path, content: bytes, changed: int) -> None:
    file.write_bytes(content)
    os.utime(file, ns=(changed, changed))


@pytest.mark.parametrize("keep_time", [False, True])
def test_every_flipped_bit_in_every_table_is_noticed(lake_copy: Path, keep_time: bool) -> None:
    lake, chance, files = Lake(lake_copy, "tiny"), random.Random(0), tables(lake_copy)
    for number in range(FLIPS):
        file = files[number % len(files)]
        asset, partition = file.relative_to(lake.root).parts[:2]
        key, changed = None if partition == WHOLE else partition, file.stat().st_mtime_ns
        content = flip(file, chance, keep_time)
        if keep_time:
            known = lake.read_manifest(asset, key)
            assert known is not None
            _verified.clear()  # as in a new process
            with pytest.raises(DamagedFileError, match=file.name):
                lake.table_files(known, file.parent.name)
        else:
            assert lake.damage(asset, key) == [f"{file.parent.name}/{file.name}"], file
        restore(file, content, changed)
        assert lake.damage(asset, key) == [], file


def test_flipped_tables_are_named_refused_and_made_again_with_the_same_rows(lake_copy: Path) -> None:
    before, chance = rows(lake_copy), random.Random(1)
    for file in (file for file in tables(lake_copy) if file.parent.name in {"prices", "descriptions", "peer_clusters"}):
        flip(file, chance, keep_time=False)
    asked = peerlens(lake_copy, "peers", "KO", "--profile", "tiny")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "not what was written; run `peerlens refresh" in asked.stderr
    assert len(asked.stderr.splitlines()) == 1
    named = peerlens(lake_copy, "refresh", "--dry-run", "--profile", "tiny").stdout
    assert "prices: damaged: prices/part-" in named
    done = peerlens(lake_copy, "refresh", "--profile", "tiny")
    assert done.returncode == 0, done.stderr
    assert rows(lake_copy) == before
    assert peerlens(lake_copy, "peers", "KO", "--profile", "tiny").returncode == 0


def test_a_bit_that_rots_unseen_stops_the_body_that_would_read_it_and_is_mended(lake_copy: Path) -> None:
    (prices,) = (file for file in tables(lake_copy) if file.parent.name == "prices" and "2004" in file.name)
    before = rows(lake_copy)
    flip(prices, random.Random(2), keep_time=True)
    pointer = lake_copy / "tiny" / "monthly_returns" / "all" / "manifest.json"
    pointer.unlink()
    done = peerlens(lake_copy, "refresh", "--profile", "tiny")
    assert done.returncode == 0, done.stderr
    assert "part-02004.parquet: not what was written; `peerlens refresh` makes it again; walking" in done.stderr
    assert "prices: damaged: prices/part-02004.parquet" in done.stderr
    assert rows(lake_copy) == before
