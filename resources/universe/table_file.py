"""A user's table of companies: every value of every mapped column looked at, before anything else is done with it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
from polars import selectors as cs

from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.values.columns import is_not_whole, is_number, is_text, text_of
from resources.values.days import date_problem, day_of, holds_days, in_another_zone, shown_day
from resources.values.excerpt import abbreviated, excerpt, one_line
from resources.values.kinds import KINDS
from resources.values.parquet_file import ParquetError, column_names, scan_parquet, text_batches
from resources.values.paths import is_file, is_folder

ROW = "peerlens row number"
"""With spaces, so that no column of a user has the name by chance."""
TEXT = "text"


@dataclass(frozen=True)
class TableFile:
    """A Parquet file that has the mapped columns; their values are not checked yet."""

    settings: Descriptions
    path: Path

    @cached_property
    def mapping(self) -> dict[str, str]:
        """What a column means -> what the user calls it."""
        return {name: column for name, column in self.settings.columns.model_dump().items() if column}

    def columns(self) -> pl.DataFrame:
        """Return ROW, counted from 1, and what the mapped columns say but for the texts, as text and days.

        Raises
        ------
        ProfileError
            A column has a type that is not read, or a value is refused.
        """
        raw = self._raw()
        found = [self._days(raw)]
        found += [self._read(raw, name) for name in KINDS if name in self.mapping]
        return pl.DataFrame([pl.int_range(1, raw.height + 1, eager=True, dtype=pl.Int64).alias(ROW), *found])

    def text_digests(self) -> pl.Series:
        """Return the SHA-256 of every text, in order; one that is not there counts as empty. Raises ProfileError."""
        digests: list[str] = []
        for texts in self._texts(None):
            digests += [hashlib.sha256((text or "").encode()).hexdigest() for text in texts]
        return pl.Series("sha256", digests, dtype=pl.String)

    def texts(self, rows: Sequence[int]) -> pl.Series:
        """Return the texts of some rows, ascending and counted from 1. Raises ProfileError."""
        found = [pl.Series(TEXT, [], dtype=pl.String), *self._texts([row - 1 for row in rows])]
        return pl.concat([texts.alias(TEXT) for texts in found]).fill_null("")

    def error(self, row: int, name: str, problem: str, count: int) -> ProfileError:
        """Return the error for a bad value: where it is, what is wrong with it, and how many such rows there are."""
        where = f"row {row}, column {excerpt(self.mapping[name])}"
        return ProfileError(f"descriptions {self.path}: {where}: {problem} ({count} such row{'s' * (count > 1)})")

    def _texts(self, rows: Sequence[int] | None) -> Iterator[pl.Series]:
        try:
            yield from text_batches(self.path, self.mapping[TEXT], rows)
        except ParquetError as error:
            raise ProfileError(f"descriptions.path: {self.path} {error}; write the file again") from error

    def _raw(self) -> pl.DataFrame:
        light = [column for name, column in self.mapping.items() if name != TEXT]
        try:
            scan = scan_parquet(self.path, set(self.mapping.values()))
            types = scan.collect_schema()
            self._check_types(types)
            return scan.select(cs.by_name(*dict.fromkeys(light))).collect()
        except (ParquetError, pl.exceptions.PolarsError, OSError) as error:
            said = f"{self.path} is not a Parquet file that can be read: {one_line(error)}"
            raise ProfileError(f"descriptions.path: {said}; write the file again") from error

    def _check_types(self, types: pl.Schema) -> None:
        for name, column in self.mapping.items():
            type = types[column]
            if name == "filed_at":
                good, expected = holds_days(type), "not dates; convert it to dates, or to text as 2004-01-02"
            elif name == TEXT:
                good, expected = is_text(type), "not text; convert it"
            else:
                good, expected = is_text(type) or is_number(type), "not text or whole numbers; convert it"
            if not good:
                where = f"descriptions.columns.{name}: {excerpt(column)!r} of {self.path}"
                raise ProfileError(f"{where} holds {excerpt(type)}, {expected}")

    def _days(self, raw: pl.DataFrame) -> pl.Series:
        if (column := self.mapping.get("filed_at")) is None:
            return pl.repeat(self.settings.filed_at, raw.height, dtype=pl.Date, eager=True).alias("filed_at")
        given = raw[column].alias("given")
        days = given.to_frame().select(filed_at=day_of(pl.col("given"), given.dtype)).to_series()
        if (bad := days.is_null()).any():
            row = int(bad.arg_max() or 0)
            raise self.error(row + 1, "filed_at", date_problem(shown_day(given[row : row + 1])), int(bad.sum()))
        if is_text(given.dtype):
            self._check_zones(given.cast(pl.String))
        return days

    def _check_zones(self, given: pl.Series) -> None:
        other = in_another_zone(pl.DataFrame({"date": given}))
        if other.any():
            row, usual = int(other.arg_max() or 0), int((~other).arg_max() or 0)
            problem = f"{excerpt(given[row])}: row {usual + 1} has {excerpt(given[usual])}, another time zone"
            raise self.error(row + 1, "filed_at", f"{problem}; write the day alone, as 2004-01-02", int(other.sum()))

    def _read(self, raw: pl.DataFrame, name: str) -> pl.Series:
        column, kind = raw[self.mapping[name]].alias(name), KINDS[name]
        text = pl.col("given")
        given = column.to_frame().select(text_of(pl.col(name), column.dtype).alias("given"))
        read = given.select(
            kind.read(text).alias(name), wrong=kind.is_wrong(text), half=is_not_whole(text, column.dtype)
        )
        for bad, problem in ((read["wrong"], None), (read["half"], "not a whole number; write it as text")):
            if bad.any():
                row = int(bad.arg_max() or 0)
                value = given["given"][row]
                said = kind.problem(value) if problem is None else f"{excerpt(value)}: {problem}"
                raise self.error(row + 1, name, said, int(bad.sum()))
        return read[name]


def open_table_file(settings: Descriptions) -> TableFile:
    """Open the table that the settings name.

    Raises
    ------
    ProfileError
        No such file, no Parquet file, or a mapped column is not in it.
    """
    path = settings.path
    if path is not None and is_folder(path):
        raise ProfileError(f"descriptions.path: {path} is a folder; give one Parquet file")
    if path is None or not is_file(path):
        raise ProfileError(f"descriptions.path: no such file: {path}")
    try:
        names = column_names(path)
    except ParquetError as error:
        raise ProfileError(
            f"descriptions.path: {path} is not a Parquet file that can be read: {error}; write it as Parquet"
        ) from error
    table = TableFile(settings, path)
    for name, column in table.mapping.items():
        if column not in names:
            where = f"descriptions.columns.{name}: {excerpt(column)!r} is not a column of {path}"
            raise ProfileError(f"{where}; it has {abbreviated(names)}")
    return table
