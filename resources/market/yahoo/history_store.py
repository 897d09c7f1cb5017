"""Price histories on disk: one small Parquet a symbol, with what was asked in its key-value metadata.

Nothing lies half-written under its final name, so a process killed at any moment leaves the old history or the new one.
"""

import fcntl
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from resources.lake.atomic_write import tidy_drafts, write_whole
from resources.market.quotes import PriceError
from resources.market.yahoo.readjusted import ROWS, Scale

ASKED = b"peerlens"


@dataclass(frozen=True)
class Asked:
    """What was asked of Yahoo, and what it said."""

    first: date
    """First day asked for."""
    through: date
    """Last day asked for."""
    on: date
    """When."""
    refused: str | None = None
    """Yahoo's words where it had nothing; what it had before is kept."""
    for_good: bool = False
    """Whether it knew no such symbol; else there may be quotes in another month."""
    refusals: int = 0
    """In how many months in a row it had nothing for such a reason."""
    cut: str | None = None
    """Where its answer was truncated, if it was; it is asked again, and believed if it says the same another day."""
    scale: Scale = Scale()
    """Yahoo's units then, over those of the rows."""
    forgotten: int = 0
    """`Marks.forgotten` then."""


@dataclass(frozen=True)
class History:
    """A symbol's quotes, columns ROWS sorted by date, and how they were had."""

    rows: pl.DataFrame
    asked: Asked


@dataclass(frozen=True)
class Marks:
    """What changes without a new month; both only grow."""

    left: int = 0
    """Calls that left symbols without an answer, to be asked for again."""
    forgotten: int = 0
    """Times everything was to be asked for again."""


class HistoryStore:
    """Histories under `root`/histories."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, symbol: str) -> History | None:
        """A symbol's history; None where none is stored, or one of another version.

        Raises
        ------
        PriceError
            The file is damaged.
        """
        file = self._file(symbol)
        try:
            table = pq.read_table(file, memory_map=False, use_threads=False)
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowInvalid) as error:
            raise PriceError(f"price history {file}: damaged ({error}); delete it and run again") from error
        asked = _asked(json.loads((table.schema.metadata or {}).get(ASKED, b"{}")))
        rows = pl.DataFrame(table)
        return History(rows, asked) if asked and rows.schema == pl.Schema(ROWS) else None

    def put(self, symbol: str, history: History) -> None:
        """Store a symbol's history instead of the one that is there; raises PriceError where it cannot be written."""
        told = json.dumps(asdict(history.asked), default=date.isoformat).encode()
        table = history.rows.select(list(ROWS)).to_arrow().replace_schema_metadata({ASKED: told})
        content = io.BytesIO()
        pq.write_table(table, content, compression="zstd")
        self._write(self._file(symbol), content.getvalue())

    def marks(self) -> Marks:
        """The marks, zeros where none were made; raises PriceError where they cannot be read."""
        file = self.root / "marks.json"
        try:
            return Marks(**json.loads(file.read_bytes()))
        except FileNotFoundError:
            return Marks()
        except (ValueError, TypeError) as error:
            raise PriceError(f"{file}: damaged ({error}); delete it and run again") from error

    def mark(self, left: int = 0, forgotten: int = 0) -> None:
        """Add to the marks, one process after the other."""
        with self._locked(self.root / "marks.lock"):
            marks = self.marks()
            grown = replace(marks, left=marks.left + left, forgotten=marks.forgotten + forgotten)
            self._write(self.root / "marks.json", json.dumps(asdict(grown)).encode())

    def tidy(self) -> None:
        """Remove what processes left behind that were killed over an hour ago."""
        tidy_drafts(self._drafts)

    @property
    def _drafts(self) -> Path:
        return self.root / "drafts"

    def _file(self, symbol: str) -> Path:
        return self.root / "histories" / f"{symbol}.parquet"

    @contextmanager
    def _locked(self, file: Path) -> Iterator[None]:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _unwritable(file, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _write(self, file: Path, content: bytes) -> None:
        try:
            write_whole(file, content, self._drafts)
        except OSError as error:
            raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> PriceError:
    return PriceError(f"cannot write {file}: {error.strerror}; make room there, then run again")


def _asked(told: dict[str, Any]) -> Asked | None:
    """What was asked, None where it was written down by another version."""
    if told.keys() != {field.name for field in fields(Asked)}:
        return None
    dates = {name: date.fromisoformat(told[name]) for name in ("first", "through", "on")}
    return Asked(**{**told, **dates, "scale": Scale(**told["scale"])})
