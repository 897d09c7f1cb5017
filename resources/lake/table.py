"""The contract of a lake table: typed columns with a sentence each, a key, and the slices that readers depend on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from resources.lake.row_digests import rows_digests, spans_of


class SchemaError(ValueError):
    """Rows do not match the table that they are written to."""


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, its unit ('' if it has none), and its meaning."""

    name: str
    type: pa.DataType
    sentence: str
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the lake. `key` is unique.

    `slice_by` starts with a date column: a reader with a window of dates depends only on the slices in the window.
    ('filed_at', 'accession') makes one slice per filing; a date column alone makes one slice per month. A table of long
    series is stored `by_year` of that date: a reader with a window opens the files of its years only.
    """

    name: str
    sentence: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    slice_by: tuple[str, ...] = ()
    by_year: bool = False

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, nullability included."""
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])

    def empty(self) -> pl.DataFrame:
        """Return the table without rows."""
        return _frame(self.schema.empty_table())

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """Return rows, given as dictionaries, in this table's types."""
        return _frame(pa.Table.from_pylist([dict(row) for row in rows], schema=self.schema))

    def validate(self, rows: pl.DataFrame) -> pa.Table:
        """Return `rows` in this schema, sorted by key.

        Raises
        ------
        SchemaError
            A column is missing or unknown, has another type, a NaN, or a null where none is allowed, or the key is not
            unique.
        """
        expected = [c.name for c in self.columns]
        missing, extra = sorted(set(expected) - set(rows.columns)), sorted(set(rows.columns) - set(expected))
        if missing or extra:
            raise SchemaError(f"{self.name}: missing columns {missing}, unknown columns {extra}")
        rows = rows.select(expected).sort(self.key)
        cast = [self._cast(column, rows[column.name]) for column in self.columns]
        if rows.select(self.key).is_duplicated().any():
            raise SchemaError(f"{self.name}: rows are not unique by {', '.join(self.key)}")
        return pa.Table.from_arrays(cast, schema=self.schema)

    def _cast(self, column: Column, values: pl.Series) -> pa.Array:
        where = f"{self.name}.{column.name}"
        if values.null_count() and not column.nullable:
            raise SchemaError(f"{where}: {values.null_count()} nulls, but the column allows none")
        if not_a_number := _nans(values):
            raise SchemaError(
                f"{where}: {not_a_number} NaN; a value that is not known is null, where the column allows it"
            )
        arrow = values.to_arrow()
        if _kind(arrow.type) not in (_kind(column.type), "null"):
            raise SchemaError(f"{where}: holds {arrow.type}, expected {column.type}")
        try:
            return arrow.cast(column.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SchemaError(f"{where}: {error}") from error

    def slices(self, rows: pa.Table) -> dict[str, str]:
        """Return slice -> digest of its rows; a table without `slice_by` is one slice named ''.

        Parameters
        ----------
        rows : pa.Table
            Validated rows.
        """
        if not self.slice_by:
            return {"": rows_digests(rows, [(0, rows.num_rows)])[0]}
        names = _frame(rows.select(sorted({*self.slice_by}))).select(slice=self.slice_key())
        order = names.with_row_index("row").sort("slice", "row")  # the rows of a slice stay sorted by key
        ordered, spans = rows.take(order["row"].to_arrow()), spans_of(named := order["slice"].to_list())
        digests = rows_digests(ordered, spans)
        return {named[start]: digest for (start, _), digest in zip(spans, digests, strict=True)}

    def parts(self, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        """Yield the files that rows are stored in, one a year or one for all: its name, and its rows."""
        if not self.by_year or not rows.num_rows:
            yield "part-00000.parquet", rows
            return
        years = pc.year(rows[self.slice_by[0]])
        for year in sorted(pc.unique(years).to_pylist()):
            yield f"part-{year:05d}.parquet", rows.filter(pc.equal(years, year))

    def may_hold(self, part: str, first: date | None, until: date | None) -> bool:
        """Return whether a file of this name may hold rows of the days from `first` to `until`; None is no bound."""
        year = int(part.rpartition("part-")[2].partition(".")[0])
        if not self.by_year or not year:  # number 0 has rows of all years, as artefacts before this rule have
            return True
        return (first is None or first.year <= year) and (until is None or year <= until.year)

    def slice_key(self) -> pl.Expr:
        """Return the name of each row's slice: '2004-03-31 accession' for filings, '2004-03' for months."""
        day = pl.col(self.slice_by[0])
        if len(self.slice_by) == 1:
            return day.dt.strftime("%Y-%m")
        return pl.concat_str(day.dt.strftime("%Y-%m-%d"), *self.slice_by[1:], separator=" ")


def _nans(values: pl.Series) -> int:
    """Count the values that are not a number, those in lists too."""
    flat = values.explode() if values.dtype == pl.List else values
    return int(flat.is_nan().sum()) if flat.dtype.is_float() else 0


def _kind(type: pa.DataType) -> str:
    """Return the kind of a type, whatever its width: 'text', 'integer', 'real', or Arrow's own name."""
    if pa.types.is_dictionary(type):
        return _kind(type.value_type)
    if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
        return f"list of {_kind(type.value_type)}"
    kinds = {
        "text": pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type),
        "integer": pa.types.is_integer(type),
        "real": pa.types.is_floating(type),
    }
    return next((name for name, is_one in kinds.items() if is_one), str(type))


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame
