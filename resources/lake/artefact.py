"""The files of an artefact while it is made: its tables, the digests of their rows, and the record of both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from resources.lake.digests import digest_of
from resources.lake.lake import stored_file
from resources.lake.manifest import RECORD, Record, StoredFile, month_digests
from resources.lake.table import SchemaError, Table


@dataclass
class Artefact:
    """A folder that becomes an artefact. Files in `checkpoint_dir` carry hashes of their own."""

    folder: Path
    checkpoint_dir: str | None = None
    _rows: dict[str, int] = field(default_factory=dict)
    _slices: dict[str, dict[str, str]] = field(default_factory=dict)

    def write(self, table: Table, rows: pa.Table) -> None:
        """Write validated rows, a file a year where the table is stored so, and take their digests."""
        (self.folder / table.name).mkdir()
        for name, part in table.parts(rows):
            pq.write_table(part, self.folder / table.name / name, compression="zstd")
        self.take(table, rows)

    def take(self, table: Table, rows: pa.Table) -> None:
        """Take the digests of validated rows that lie in the folder already."""
        self.note(table.name, rows.num_rows, table.slices(rows))

    def note(self, table: str, rows: int, slices: dict[str, str]) -> None:
        """Note a table that lies in the folder: its rows, and slice -> digest of them."""
        self._rows[table], self._slices[table] = rows, slices

    def finish(self, tables: Sequence[Table], units: dict[str, str], source: dict[str, str]) -> dict[str, Any]:
        """Write the record; return the fields `digest`, `tables` and `files` of the manifest.

        Parameters
        ----------
        tables : sequence of Table
            All that must be there, the asset's own first.
        units, source : dict
            See `Record`.

        Raises
        ------
        SchemaError
            A table has not been written.
        """
        if missing := [table.name for table in tables if table.name not in self._slices]:
            raise SchemaError(f"the table {missing[0]} was not written")
        slices = {table.name: self._slices[table.name] for table in tables}
        (self.folder / RECORD).write_bytes(Record(slices, units, source).to_json())
        months = {name: month_digests(found) for name, found in slices.items()}
        names = sorted(file.relative_to(self.folder).as_posix() for file in self.folder.rglob("*") if file.is_file())
        return {
            "digest": digest_of(months)[:16],
            "tables": {name: {"rows": self._rows[name], "months": found} for name, found in months.items()},
            "files": {name: self._stored(name) for name in names},
        }

    def _stored(self, name: str) -> StoredFile:
        # What a body resumes from may be most of a disk, and is hashed by who wrote it.
        own = self.checkpoint_dir
        return stored_file(self.folder / name, hashed=own is None or not name.startswith(f"{own}/"))
