"""Parse and check quotes: a value is used as it stands in the file, or the file is an error."""

from collections.abc import Collection

import polars as pl

from resources.market.price_table import ROW, PriceTable
from resources.market.quotes import QUOTES
from resources.values.days import date_problem, day_of
from resources.values.kinds import TICKER_KIND, ticker_problem
from resources.values.numbers import number_of, price_problem


def checked_quotes(table: PriceTable, tickers: Collection[str]) -> pl.DataFrame:
    """Return the quotes of these tickers: columns QUOTES, unique and sorted by ticker and date.

    Raises
    ------
    PriceError
        A row has no date, repeats a date, or has an impossible price or volume; the message names the first such row.
    """
    types = table.types()
    days = day_of(pl.col("date"), types["date"])
    comma = table.settings.decimal_comma
    numbers = [number_of(name, types[name], comma) for name, kind in QUOTES.items() if kind == pl.Float64]
    rows = table.rows(tickers).with_columns(days, *numbers).collect().sort("ticker", "date", ROW)
    check_days(table, rows)
    _check_repeats(table, rows)
    _check_numbers(table, rows, "adj_close", _is_price("adj_close").fill_null(False))
    _check_numbers(table, rows, "close", _is_price("close"))
    _check_numbers(table, rows, "volume", pl.col("volume").is_finite() & (pl.col("volume") >= 0))
    return rows.select(*QUOTES)


def check_tickers(table: PriceTable) -> None:
    """Raise for rows of a long file that no ticker can name.

    Raises
    ------
    PriceError
        A row has no ticker, or a ticker with spaces around it.
    """
    if table.wide:
        return
    # A ticker has thousands of rows: each is looked at once.
    tickers = table.rows().group_by("ticker").agg(pl.col(ROW).min(), count=pl.len())
    bad = tickers.filter(TICKER_KIND.is_wrong(pl.col("ticker"))).sort(ROW).collect()
    if bad.height:
        name, row, _ = bad.row(0)
        raise table.error(row, "ticker", None, ticker_problem(name), int(bad["count"].sum()))


def check_days(table: PriceTable, rows: pl.DataFrame) -> None:
    """Raise for rows whose `date` is null after parsing.

    Raises
    ------
    PriceError
        There is such a row; the message shows the value in the file.
    """
    bad = rows.filter(pl.col("date").is_null()).sort(ROW)
    if bad.height:
        row, ticker = bad.select(ROW, "ticker").row(0)
        problem = date_problem(table.value(row, "date", ticker))
        raise table.error(row, "date", ticker, problem, bad[ROW].n_unique())


def _is_price(name: str) -> pl.Expr:
    return pl.col(name).is_finite() & (pl.col(name) > 0)


def _check_repeats(table: PriceTable, rows: pl.DataFrame) -> None:
    quote = pl.struct("ticker", "date")
    earlier = pl.col(ROW).shift(1).alias("earlier")
    repeated = rows.with_columns(earlier).filter((quote == quote.shift(1)).fill_null(False)).sort(ROW)
    if repeated.height:
        row, ticker, day, first = repeated.select(ROW, "ticker", "date", "earlier").row(0)
        problem = f"{day}: {table.position(first)} has the same day; keep one"
        raise table.error(row, "date", ticker, problem, repeated[ROW].n_unique())


def _check_numbers(table: PriceTable, rows: pl.DataFrame, name: str, good: pl.Expr) -> None:
    """Raise for the first number that is not `good`; a null is neither good nor bad."""
    bad = rows.filter(~good).sort(ROW)
    if bad.height:
        row, ticker, number = bad.select(ROW, "ticker", name).row(0)
        fix = "empty the cell" if table.wide or name != "adj_close" else "drop the row"
        wanted = "a volume of shares" if name == "volume" else "a positive, finite price"
        value, comma = table.value(row, name, ticker), table.settings.decimal_comma
        raise table.error(row, name, ticker, price_problem(value, number, wanted, fix, comma), bad.height)
