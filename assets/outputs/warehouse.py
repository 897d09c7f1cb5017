"""The DuckDB window: views over the exact Parquet files of the lake, and the views and macros of `sql/`.

The file names Parquet relative to the lake's root, where it is published: a lake that is copied or moved needs no new
one. `sql/macros/lake_files.sql` says how DuckDB finds the root.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from assets.schemas import TABLES
from assets.sic_names import MAJOR_GROUPS
from resources.lake.table import Column, Table

STORAGE = "v1.4.0"
"""Storage format, of the oldest DuckDB that reads the file: clients from 1.4 LTS on do, a newer format they refuse."""
DUCKDB_TYPES = {
    pa.string(): "varchar",
    pa.large_binary(): "blob",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.date32(): "date",
    pa.bool_(): "boolean",
}


class WarehouseError(RuntimeError):
    """The DuckDB file cannot be built; the message names the table or the SQL file."""


@dataclass(frozen=True)
class Definition:
    """One view or macro: its name, the SQL that creates it, and the sentence that says what it answers."""

    name: str
    kind: str
    sentence: str
    sql: str
    source: str

    @property
    def row(self) -> dict[str, str]:
        """Its row of table `warehouse`."""
        return {
            "name": self.name,
            "kind": self.kind,
            "sentence": self.sentence,
            "sha256": hashlib.sha256(self.sql.encode()).hexdigest(),
        }


def build_warehouse(file: Path, root: Path, tables: dict[str, list[str]], sql: Path, banner: str) -> pl.DataFrame:
    """Write a new DuckDB file that holds views and macros only; return the rows of table `warehouse`.

    Parameters
    ----------
    file : Path
        The file to write; the caller publishes it as `FILE` at the lake's root.
    root : Path
        The lake's root.
    tables : dict[str, list[str]]
        Parquet files of each table of `assets.schemas`, relative to `root`; no files give a view without rows.
    sql : Path
        Folder with `views/*.sql` and `macros/*.sql`, one object per file, named after it, its first line a comment.
    banner : str
        What a reader has to know before any number; the one row of view `banner`, '' where there is nothing.

    Raises
    ------
    WarehouseError
        `file` exists, a table is not in `assets.schemas`, a Parquet file is missing, or a definition is wrong.
    """
    if file.exists():
        raise WarehouseError(f"{file}: exists; give a new name and rename it over the old one")
    base = [_base_view(_known(name), files) for name, files in sorted(tables.items())]
    definitions = [
        *base,
        _banner_view(banner),
        _sic_names_view(),
        *_read_folder(sql, "view"),
        *_read_folder(sql, "macro"),
    ]
    with duckdb.connect() as connection:
        connection.execute(f"attach {_quoted(str(file))} as warehouse (storage_version '{STORAGE}')")
        connection.execute("use warehouse")
        connection.execute(f"set variable peerlens_lake = {_quoted(str(root))}")
        _create_in_order(connection, definitions)
        for name in sorted(tables):
            _comment_columns(connection, TABLES[name])
    return pl.DataFrame([d.row for d in definitions]).sort("name")


def _known(name: str) -> Table:
    if name not in TABLES:
        raise WarehouseError(f"table {name!r} is not in assets/schemas")
    return TABLES[name]


def _base_view(table: Table, files: list[str]) -> Definition:
    # Columns are qualified because DuckDB binds views inside macros too, where a bare `method` would clash with the
    # macro's parameter of that name.
    # hive_partitioning is off because a folder called `as_of=2011` would add a column of its own.
    if files:
        columns = ", ".join(f'part."{c.name}"' for c in table.columns)
        listed = ", ".join(_quoted(name) for name in files)
        body = f"select {columns} from read_parquet(lake_files([{listed}]), hive_partitioning = false) as part"
    else:
        body = (
            "select " + ", ".join(f'null::{_duckdb_type(c.type)} as "{c.name}"' for c in table.columns) + " where false"
        )
    return Definition(
        table.name, "view", table.sentence, f'create view "{table.name}" as {body}', f"table {table.name}"
    )


def _banner_view(banner: str) -> Definition:
    sentence = "What a reader has to know before any number."
    return Definition("banner", "view", sentence, f"create view banner as select {_quoted(banner)} as banner", "banner")


def _sic_names_view() -> Definition:
    rows = ", ".join(f"({_quoted(group)}, {_quoted(name)})" for group, name in MAJOR_GROUPS.items())
    body = f"create view sic_names as select major_group, name from (values {rows}) as known(major_group, name)"
    return Definition("sic_names", "view", "What the major groups of SIC codes are called.", body, "sic_names")


def _read_folder(sql: Path, kind: str) -> list[Definition]:
    return [_read_definition(file, kind) for file in sorted((sql / f"{kind}s").glob("*.sql"))]


def _read_definition(file: Path, kind: str) -> Definition:
    """Read one object; its first line is the comment that says what it answers."""
    text = file.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    if not first.startswith("-- "):
        raise WarehouseError(f"{file}: the first line must be a comment, `-- ` and one sentence of what it answers")
    if not re.search(rf"^create {kind} {re.escape(file.stem)}\b", text, re.MULTILINE):
        raise WarehouseError(f"{file}: expected a line that starts with `create {kind} {file.stem}`")
    return Definition(file.stem, kind, first.removeprefix("-- "), text, str(file))


def _create_in_order(connection: duckdb.DuckDBPyConnection, definitions: list[Definition]) -> None:
    """Create each definition once everything it names is there; what still fails then is wrong."""
    # Trial and error, since only DuckDB knows which views and macros a text names.
    waiting = definitions
    while waiting:
        failed = [(d, error) for d in waiting if (error := _create(connection, d))]
        if len(failed) == len(waiting):
            raise WarehouseError("\n".join(f"{definition.source}: {error}" for definition, error in failed))
        waiting = [definition for definition, _ in failed]


def _create(connection: duckdb.DuckDBPyConnection, definition: Definition) -> duckdb.Error | None:
    try:
        connection.execute(definition.sql)
    except duckdb.Error as error:
        return error
    kind = definition.kind
    if kind == "macro" and re.search(r"\)\s+as\s+table\b", definition.sql):
        kind = "macro table"
    connection.execute(f'comment on {kind} "{definition.name}" is {_quoted(definition.sentence)}')
    return None


def _comment_columns(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    for column in table.columns:
        connection.execute(f'comment on column "{table.name}"."{column.name}" is {_quoted(_described(column))}')


def _described(column: Column) -> str:
    return f"{column.sentence} [{column.unit}]" if column.unit else column.sentence


def _duckdb_type(type: pa.DataType) -> str:
    return DUCKDB_TYPES[type.value_type] + "[]" if pa.types.is_list(type) else DUCKDB_TYPES[type]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
