"""What a table of companies says but for its texts: one row per filing, with the digest of each, remembered on disk.

A table of decades has gigabytes of text. They are read once to be checked and digested, and again only year by year
when a stage wants them; whoever plans reads what is remembered.
"""

import hashlib
import json
import time
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import polars as pl

from resources.lake.atomic_write import remove_stale_temporaries, write_atomically
from resources.lake.digests import digest_of
from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.universe.filing_rows import INDEX, filing_digests, filing_rows
from resources.universe.table_file import ROW, open_table_file

VERSION = 2
"""Of the checks and of what is remembered: raise it where a table would be read in another way."""
SETTLED_NS = 2 * 10**9
"""A file that changed less than this ago may change again without another time of change."""
Stamp = tuple[int, int, int, int]
"""The times at which content and state changed (ns), size, and number of the file: a link may lead to another one."""


def filing_index(settings: Descriptions, home: Path | None = None) -> pl.DataFrame:
    """Return the checked rows of a table (columns INDEX, ROW and `digest`), by accession; `home` may remember them.

    Raises
    ------
    ProfileError
        The file cannot be read, or a value in it is refused.
    """
    return _index(settings, stamp_of(settings), home)[0]


def filed_days(settings: Descriptions) -> pl.DataFrame:
    """Return the checked rows without looking at a text: columns INDEX but for the digests. Raises ProfileError."""
    return _light(settings, stamp_of(settings))


def remember(settings: Descriptions, home: Path) -> None:
    """Write the index of a table under `home`, where that can be done and it is not there yet."""
    _remember(settings, stamp_of(settings), home)


def stamp_of(settings: Descriptions) -> Stamp:
    """Return what changes with a file; zeros where there is none."""
    try:
        state = settings.path.stat() if settings.path else None
    except (OSError, ValueError):  # a name that no file can have
        state = None
    return (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino) if state else (0, 0, 0, 0)


@lru_cache(maxsize=4)
def _index(settings: Descriptions, stamp: Stamp, home: Path | None) -> tuple[pl.DataFrame, bool]:
    """Return the index, and whether it was remembered."""
    remembered = _remembered(_file(settings, home), stamp) if home else None
    return (_made(settings, stamp), False) if remembered is None else (remembered, True)


@lru_cache(maxsize=4)
def _made(settings: Descriptions, stamp: Stamp) -> pl.DataFrame:
    rows = _light(settings, stamp)
    digests = open_table_file(settings).text_digests()
    if stamp_of(settings) != stamp or len(digests) != rows.height:
        raise ProfileError(f"descriptions.path: {settings.path} changed while it was read; run the command again")
    index = rows.with_columns(sha256=digests.gather(rows[ROW] - 1)).select(ROW, *INDEX)
    return index.with_columns(filing_digests(index))


@lru_cache(maxsize=4)
def _light(settings: Descriptions, stamp: Stamp) -> pl.DataFrame:
    table = open_table_file(settings)
    return filing_rows(table.columns(), "parquet", table.error)


@lru_cache(maxsize=4)
def _remember(settings: Descriptions, stamp: Stamp, home: Path) -> None:
    index, is_remembered = _index(settings, stamp, home)
    if is_remembered or time.time_ns() - max(stamp[:2]) < SETTLED_NS:
        return
    buffer = BytesIO()
    index.write_parquet(buffer)
    content = buffer.getvalue()
    head = json.dumps({"stamp": stamp, "sha256": hashlib.sha256(content).hexdigest()}).encode()
    # What cannot be remembered is made again.
    with suppress(OSError):
        write_atomically(_file(settings, home), head + b"\n" + content, temporary := home / "tables" / ".tmp")
        remove_stale_temporaries(temporary)


def _remembered(file: Path, stamp: Stamp) -> pl.DataFrame | None:
    """Return what was remembered of a file that has not changed since; None if there is nothing, or it is damaged."""
    try:
        head, _, content = file.read_bytes().partition(b"\n")
        said = json.loads(head)
        if said["stamp"] != list(stamp) or said["sha256"] != hashlib.sha256(content).hexdigest():
            return None
        return pl.read_parquet(BytesIO(content))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, pl.exceptions.PolarsError):
        return None


def _file(settings: Descriptions, home: Path) -> Path:
    read_as = settings.model_dump(mode="json", include={"path", "columns", "filed_at"})
    return home / "tables" / f"{digest_of([VERSION, read_as])[:32]}.index"
