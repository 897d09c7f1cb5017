"""A price file as one table of raw quotes, whatever its format and layout, with the position of every value."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors as cs

from resources.market.csv_file import other_separator, scan_csv
from resources.market.quotes import QUOTES, PriceError
from resources.settings.prices import Prices
from resources.values.columns import is_number, is_text, text_of
from resources.values.days import holds_days, shown_day
from resources.values.excerpt import abbreviated, excerpt, one_line
from resources.values.parquet_file import ParquetError, scan_parquet
from resources.values.paths import is_file, is_folder

# Names with a space, so that no column of a user's file has them by chance.
ROW = "peerlens row number"
DAY = "peerlens day"
NUMBERS = ("numbers", lambda dtype: is_number(dtype) or dtype == pl.Null)
TEXT = ("text or whole numbers", lambda dtype: is_text(dtype) or is_number(dtype))
KINDS: Mapping[str, tuple[str, Callable[[pl.DataType], bool]]] = {
    "ticker": TEXT,
    "date": ("dates", holds_days),
    "adj_close": NUMBERS,
    "close": NUMBERS,
    "volume": NUMBERS,
    "security": TEXT,
}
"""Column of QUOTES -> which types of a Parquet file it is read from."""


@dataclass(frozen=True)
class PriceTable:
    """A price file with all required columns; their values are not checked yet."""

    settings: Prices
    file: Path
    schema: pl.Schema
    """Columns of the file and their types; in a CSV, all are text."""
    content: pl.LazyFrame
    """The file as it is, with ROW: the line of a CSV as an editor counts them, the row of a Parquet file from 1."""

    @property
    def wide(self) -> bool:
        """Whether every ticker has its own column."""
        return self.settings.layout == "wide"

    @property
    def is_text(self) -> bool:
        """Whether all values are text."""
        return self.settings.source == "csv"

    def rows(self, tickers: Collection[str] | None = None) -> pl.LazyFrame:
        """Return ROW and the columns of QUOTES, with values as in the file; empty cells are null.

        The rows are those of `tickers`, or all. In a wide file, each cell with a price is a row.
        """
        found = self._wide_rows(tickers) if self.wide else self._long_rows(tickers)
        absent = [pl.lit(None, QUOTES[name]).alias(name) for name in QUOTES if name not in found.collect_schema()]
        known = pl.when(pl.col("security") != "").then(pl.col("security"))
        return found.with_columns(absent).with_columns(known.alias("security")).select(ROW, *QUOTES)

    def _long_rows(self, tickers: Collection[str] | None) -> pl.LazyFrame:
        columns = self.roles()
        rows = self.content.select(ROW, *(cs.by_name(name).alias(role) for role, name in columns.items()))
        if self.is_text:
            rows = rows.filter(pl.any_horizontal(pl.exclude(ROW).is_not_null()))
        for role in ("ticker", "security"):
            if role in columns and (type := self.schema[columns[role]]) != pl.String:
                rows = rows.with_columns(text_of(pl.col(role), type).alias(role))
        if is_text(type := self.schema[columns["date"]]) and type != pl.String:
            rows = rows.with_columns(pl.col("date").cast(pl.String))
        return rows if tickers is None else rows.filter(pl.col("ticker").is_in(list(tickers)))

    def _wide_rows(self, tickers: Collection[str] | None) -> pl.LazyFrame:
        names = [name for name in self.tickers() if tickers is None or name in tickers]
        prices = cs.by_name(*names)
        cells = prices if self.is_text else prices.cast(pl.Float64)
        rows = self.content.select(ROW, cs.by_name(self.settings.columns.date).alias(DAY), cells)
        long = rows.unpivot(prices, index=[ROW, DAY], variable_name="ticker", value_name="adj_close")
        price = pl.col("adj_close")
        return long.rename({DAY: "date"}).filter(price != "" if self.is_text else price.is_not_null())

    def roles(self) -> dict[str, str]:
        """Return column of QUOTES -> its name in a long file, for the mapped ones."""
        return {role: name for role, name in self.settings.columns.model_dump().items() if name is not None}

    def tickers(self) -> list[str]:
        """Return the columns of a wide file that are tickers."""
        return [name for name in self.schema if name != self.settings.columns.date]

    def types(self) -> pl.Schema:
        """Return the types of the columns of `rows`."""
        return self.rows().collect_schema()

    def position(self, row: int) -> str:
        """Return the position of a row in words."""
        return f"{'line' if self.is_text else 'row'} {row}"

    def error(self, row: int, column: str, ticker: str | None, problem: str, count: int) -> PriceError:
        """Return the error for a bad value: where it is, `problem` with its fix, and the number of such rows.

        Parameters
        ----------
        column : str
            A column of QUOTES.
        """
        is_cell = self.wide and column == "adj_close"
        name = ticker if is_cell else self.roles()[column]
        of = f", ticker {excerpt(ticker)}" if ticker and not self.wide else ""
        where = f"{self.position(row)}, column {excerpt(name)}{of}"
        such = f"{count} such {'cell' if is_cell else 'row'}{'s' * (count > 1)}"
        return PriceError(f"prices {self.file}: {where}: {problem} ({such})")

    def value(self, row: int, column: str, ticker: str | None) -> Any:
        """Return the value in the file, unparsed."""
        name = ticker if self.wide and column == "adj_close" else self.roles()[column]
        return shown_day(self.content.filter(pl.col(ROW) == row).select(cs.by_name(str(name))).collect().to_series())


def open_table(settings: Prices) -> PriceTable:
    """Open the price file that the settings name and check its columns.

    Raises
    ------
    PriceError
        The file is missing or unreadable, lacks a column, or has a column of the wrong type.
    """
    file = settings.path
    if file is not None and is_folder(file):
        raise PriceError(f"prices {file}: a folder; set prices.path to one file")
    if file is None or not is_file(file):
        raise PriceError(f"prices {file}: no such file; set prices.path to an existing file")
    is_csv = settings.source == "csv"
    content, schema = scan_csv(file, settings.separator, ROW) if is_csv else _scan_parquet(file)
    table = PriceTable(settings, file, schema, content)
    _check_layout(table)
    _check_columns(table)
    if not is_csv:
        _check_types(table)
    return table


def _scan_parquet(file: Path) -> tuple[pl.LazyFrame, pl.Schema]:
    try:
        content = scan_parquet(file)
        schema = content.collect_schema()
    except (ParquetError, pl.exceptions.PolarsError) as error:
        problem = f"not a readable Parquet file: {one_line(error)}"
        raise PriceError(f"prices {file}: {problem}; a CSV needs prices.source: csv") from error
    return content.with_row_index(ROW, 1), schema


def _check_layout(table: PriceTable) -> None:
    columns = table.settings.columns
    if table.wide and {columns.ticker, columns.adj_close} <= set(table.schema):
        raise PriceError(
            f"prices {table.file}: it has columns {columns.ticker} and {columns.adj_close}, "
            "so it is not wide; set prices.layout: long"
        )


def _check_columns(table: PriceTable) -> None:
    wanted = {"date": table.settings.columns.date} if table.wide else table.roles()
    for role, name in wanted.items():
        if name not in table.schema:
            names = abbreviated(list(table.schema))
            raise PriceError(f"prices {table.file}: no column {name}; it has {names}; {_column_fix(table, role)}")
    for position, name in enumerate(table.schema if table.wide else (), 1):
        if name != name.strip() or not name:
            raise PriceError(f"prices {table.file}: column {position} is named {name!r}; name it by its ticker alone")


def _column_fix(table: PriceTable, role: str) -> str:
    names = list(table.schema)
    if table.is_text and len(names) == 1 and (mark := other_separator(names[0])):
        return f"set prices.separator: {json.dumps(mark)}"
    if role == "ticker" and table.settings.columns.date in names:
        return "set prices.columns.ticker, or prices.layout: wide if every ticker has a column"
    return f"set prices.columns.{role}"


def _check_types(table: PriceTable) -> None:
    prices = dict.fromkeys(table.tickers(), "adj_close")
    roles = {table.settings.columns.date: "date"} | prices if table.wide else {n: r for r, n in table.roles().items()}
    for name, role in roles.items():
        kind, is_allowed = KINDS[role]
        if not is_allowed(table.schema[name]):
            type = excerpt(table.schema[name])
            raise PriceError(
                f"prices {table.file}: column {excerpt(name)} has type {type}, expected {kind}; convert it"
            )
