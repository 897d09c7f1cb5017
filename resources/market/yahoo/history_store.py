"""Price histories on disk: one small Parquet file per symbol, with a record of its last fetch as metadata.

Files are replaced atomically, so a process killed at any moment leaves the old history or the new one.
"""

import fcntl
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from resources.lake.atomic_write import remove_stale_temporaries, write_atomically
from resources.market.quotes import PriceError
from resources.market.yahoo.readjustment import ROWS, Scale

METADATA_KEY = b"peerlens"


@dataclass(frozen=True)
class FetchRecord:
    """The last fetch of a symbol: what was requested, and the outcome. The field names are part of the file format."""

    first: date
    """First requested day."""
    through: date
    """Last requested day."""
    on: date
    """Day of the fetch."""
    refused: str | None = None
    """Yahoo's message if it had no quotes; earlier quotes are kept."""
    for_good: bool = False
    """Whether Yahoo does not know the symbol; else there may be quotes in a later month."""
    refusals: int = 0
    """Number of months in a row without quotes for such a reason."""
    cut: str | None = None
    """Where the history was truncated, if it was; it is fetched again, and accepted if another day gives the same."""
    scale: Scale = field(default_factory=Scale)
    """Yahoo's prices at that time over those of the rows."""
    forgotten: int = 0
    """`Marks.forgotten` at that time."""


@dataclass(frozen=True)
class History:
    """A symbol's quotes, columns ROWS sorted by date, and the record of its last fetch."""

    rows: pl.DataFrame
    record: FetchRecord


@dataclass(frozen=True)
class Marks:
    """Counters that make prices stale within a month; both only grow. The field names are part of the file format."""

    left: int = 0
    """Runs that left symbols for a later run."""
    forgotten: int = 0
    """Requests of the user to fetch everything again."""


class HistoryStore:
    """Histories under `root`/histories."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, symbol: str) -> History | None:
        """Return a symbol's history, or None if none is stored or another version wrote it.

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
        record = _record(json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}")))
        rows = pl.DataFrame(table)
        return History(rows, record) if record and rows.schema == pl.Schema(ROWS) else None

    def put(self, symbol: str, history: History) -> None:
        """Store a symbol's history in place of the old one. Raises PriceError if it cannot be written."""
        record = json.dumps(asdict(history.record), default=date.isoformat).encode()
        table = history.rows.select(list(ROWS)).to_arrow().replace_schema_metadata({METADATA_KEY: record})
        content = io.BytesIO()
        pq.write_table(table, content, compression="zstd")
        self._write(self._file(symbol), content.getvalue())

    def marks(self) -> Marks:
        """Return the marks, zeros if there are none. Raises PriceError if they cannot be read."""
        file = self.root / "marks.json"
        try:
            return Marks(**json.loads(file.read_bytes()))
        except FileNotFoundError:
            return Marks()
        except (ValueError, TypeError) as error:
            raise PriceError(f"{file}: damaged ({error}); delete it and run again") from error

    def mark(self, left: int = 0, forgotten: int = 0) -> None:
        """Add to the marks; a lock makes processes take turns."""
        with self._locked(self.root / "marks.lock"):
            marks = self.marks()
            grown = replace(marks, left=marks.left + left, forgotten=marks.forgotten + forgotten)
            self._write(self.root / "marks.json", json.dumps(asdict(grown)).encode())

    def remove_stale_temporaries(self) -> None:
        """Remove the temporary files of processes that were killed more than an hour ago."""
        remove_stale_temporaries(self._temporary)

    @property
    def _temporary(self) -> Path:
        return self.root / "tmp"

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
            write_atomically(file, content, self._temporary)
        except OSError as error:
            raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> PriceError:
    return PriceError(f"cannot write {file}: {error.strerror}; free some space there and run again")


def _record(stored: dict[str, Any]) -> FetchRecord | None:
    """Return the record of a fetch, or None if another version wrote it."""
    if stored.keys() != {field.name for field in fields(FetchRecord)}:
        return None
    dates = {name: date.fromisoformat(stored[name]) for name in ("first", "through", "on")}
    return FetchRecord(**{**stored, **dates, "scale": Scale(**stored["scale"])})
