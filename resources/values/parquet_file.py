"""Parquet files of users, opened so that nothing in them can crash a reader or fill the memory."""

import base64
import struct
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from resources.values.excerpt import excerpt, one_line

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAGIC = b"PAR1"
MOST_FOOTER_BYTES = 16 * 2**20
"""A column takes about 200 bytes for each group of rows: 80,000 columns, or many thousand groups of a usual table."""
BATCH_ROWS = 256
"""Texts are held this many at a time: a report may have a megabyte."""


class ParquetError(ValueError):
    """A file is no Parquet file that can be read; the message says why."""


def scan_parquet(file: Path, wanted: Collection[str] | None = None) -> pl.LazyFrame:
    """Return a Parquet file as a lazy table; the path is taken literally, whatever is in it.

    Polars panics where any column of the file has a time zone that it does not know, as +05:30 in what pandas writes.
    Such a file is read by Arrow, and its timestamps are turned into local ones.

    Parameters
    ----------
    file : Path
    wanted : collection of str
        Columns that are needed, if the file has them; by default all.

    Raises
    ------
    ParquetError
        No Parquet file, a damaged one, too many columns, a column named twice, or an unknown time zone.
    """
    schema = _schema(file)
    if not any(_is_foreign(field) for field in schema):
        return pl.scan_parquet(file, glob=False)
    names = [name for name in schema.names if wanted is None or name in wanted]
    for field in schema:
        # Arrow reads these as UTC, and so as another day.
        if field.name in names and _is_dictionary_of_zoned(field.type):
            raise ParquetError(f"column {excerpt(field.name)} holds {excerpt(field.type)}; convert it to dates")
    return pl.from_arrow(_local(_read(file, names))).lazy()  # type: ignore[union-attr]


def column_names(file: Path) -> list[str]:
    """Return the names of the columns. Raises ParquetError."""
    return list(_schema(file).names)


def text_batches(file: Path, column: str, rows: Sequence[int] | None = None) -> Iterator[pl.Series]:
    """Yield a column of text in pieces, as strings: all of it, or of the rows given.

    Parameters
    ----------
    file : Path
    column : str
    rows : sequence of int
        Ascending, from 0; groups of rows without one of them are not read.

    Raises
    ------
    ParquetError
        The file cannot be read to its end, or holds bytes that are no text.
    """
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    wanted = None if rows is None else pl.Series(rows, dtype=pl.Int64)
    try:
        # Not buffered ahead: a group of rows may hold gigabytes of text.
        with pq.ParquetFile(file, memory_map=True, pre_buffer=False) as opened:
            for group, start in _groups(opened, wanted):
                first = start
                for batch in opened.iter_batches(BATCH_ROWS, [group], columns=[column]):
                    texts = batch.column(batch.schema.get_field_index(column))
                    texts.validate(full=True)
                    found = pl.Series(column, pl.from_arrow(texts.cast(pa.large_string())), dtype=pl.String)
                    yield found if wanted is None else _among(found, first, wanted)
                    first += len(found)
    except (pa.ArrowException, OSError) as error:
        raise ParquetError(f"cannot be read to its end: {one_line(error)}") from error


def _groups(opened: Any, wanted: pl.Series | None) -> Iterator[tuple[int, int]]:
    """Yield number and first row of the groups of rows that hold wanted ones."""
    first = 0
    for group in range(opened.metadata.num_row_groups):
        height = opened.metadata.row_group(group).num_rows
        if wanted is None or wanted.is_between(first, first + height - 1).any():
            yield group, first
        first += height


def _among(found: pl.Series, first: int, wanted: pl.Series) -> pl.Series:
    inside = wanted.filter(wanted.is_between(first, first + len(found) - 1)) - first
    return found.gather(inside)


def _schema(file: Path) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        _check_footer(file)
        schema = _as_written(pq.read_metadata(file))
    except (pa.ArrowException, OSError) as error:
        raise ParquetError(one_line(error)) from error
    if twice := [name for name, count in Counter(schema.names).items() if count > 1]:
        raise ParquetError(f"column {excerpt(twice[0])!r} has more than one occurrence; rename or drop one")
    return schema


def _as_written(metadata: "pq.FileMetaData") -> "pa.Schema":
    """Return the columns as Arrow wrote them, if it did: that is what polars goes by.

    Arrow itself reads dictionaries of timestamps as plain ones, and without their time zone.
    """
    import pyarrow as pa  # noqa: PLC0415

    read = metadata.schema.to_arrow_schema()
    written = (metadata.metadata or {}).get(b"ARROW:schema")
    if written is None:
        return read
    stored = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(written)))
    return stored if stored.names == read.names else read


def _is_dictionary_of_zoned(kind: "pa.DataType") -> bool:
    import pyarrow as pa  # noqa: PLC0415

    return pa.types.is_dictionary(kind) and pa.types.is_timestamp(kind.value_type) and kind.value_type.tz is not None


def _check_footer(file: Path) -> None:
    """Raise ParquetError before the description of the columns is read, where it is too long to be read."""
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 8))
        end = stream.read(8)
    if size < 12 or end[4:] != MAGIC:
        raise ParquetError("it does not end as one")
    if (length := struct.unpack("<I", end[:4])[0]) > MOST_FOOTER_BYTES:
        raise ParquetError(
            f"{length:,} bytes describe its columns; write it with fewer columns, or fewer groups of rows"
        )


def _is_foreign(field: "pa.Field") -> bool:
    """Return whether a column, or one within it, has a time zone that polars does not know."""
    import pyarrow as pa  # noqa: PLC0415

    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind):
        return any(_is_foreign(kind.field(i)) for i in range(kind.num_fields))
    return pa.types.is_timestamp(kind) and kind.tz is not None and not _known_zone(kind.tz)


def _known_zone(zone: str) -> bool:
    try:
        pl.Series(dtype=pl.Datetime("us", zone))
    except pl.exceptions.PolarsError:
        return False
    return True


def _read(file: Path, names: list[str]) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(file) as opened:
            # Arrow takes `a` for `a` and for all that begins with `a.`, so what was asked for is picked out after.
            table = opened.read(columns=names).select(names)
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ParquetError(f"cannot be read to its end: {one_line(error)}") from error
    return table


def _local(table: "pa.Table") -> "pa.Table":
    """Return the table with local timestamps where the time zone is foreign."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    for i, field in enumerate(table.schema):
        if not _is_foreign(field):
            continue
        if not pa.types.is_timestamp(field.type):
            raise ParquetError(f"column {excerpt(field.name)} holds {excerpt(field.type)}; drop it")
        try:
            table = table.set_column(i, field.name, pc.local_timestamp(table.column(i)))
        except pa.ArrowException as error:
            zone = f"column {excerpt(field.name)} has the time zone {excerpt(field.type.tz)!r}, which is not known"
            raise ParquetError(f"{zone}; convert it to dates") from error
    return table
