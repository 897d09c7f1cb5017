"""Books by calendar year and month."""

from collections.abc import Mapping
from math import sqrt
from typing import Literal

import polars as pl

from assets.backtests.book import TRADING_DAYS

BOOK = ("method", "selection", "strategy")
"""What names a book."""
METHOD, PAIRS = "sae", "pairs"


def book_years(returns: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `backtest_years`: sum of net returns, Sharpe ratio of the year's days, trades closed in it.

    Parameters
    ----------
    returns, trades : DataFrame
        Rows of `backtest_returns` and `pair_trades`.
    """
    ratio = pl.col("net_return").mean() / pl.col("net_return").std() * sqrt(TRADING_DAYS)
    # A year without a trade has no spread; of equal days polars' standard deviation is 0 or rounding.
    varies = pl.col("net_return").max() > pl.col("net_return").min()
    years = _periods(returns, trades, "1y", sharpe=pl.when(varies).then(ratio))
    return years.select(*BOOK, pl.col("period").dt.year().alias("year"), "net_return", "sharpe", "trades")


def book_months(returns: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `backtest_months`: sum of net returns and trades closed, by month-end."""
    months = _periods(returns, trades, "1mo")
    return months.select(*BOOK, pl.col("period").dt.month_end().alias("month"), "net_return", "trades")


def capitals(returns: pl.DataFrame) -> dict[tuple[str, ...], float]:
    """Return what every book began with (USD), by the columns `BOOK`: its equity before the first day."""
    began = pl.col("equity") - pl.col("gross_pnl") + pl.col("costs")
    first = returns.sort("date").group_by(BOOK).agg(began=began.first())
    return {tuple(name): capital for *name, capital in first.iter_rows()}


def shown_book(summaries: pl.DataFrame) -> dict[str, str] | None:
    """Return the name of the book of pairs that a picture shows: of `sae`, if it has one, that with most trades."""
    order = [pl.col("method") == METHOD, pl.col("trades"), *(pl.col(name) for name in BOOK)]
    ranked = summaries.filter(strategy=PAIRS).sort(order, descending=[True, True, False, False, False])
    rows: list[dict[str, str]] = ranked.select(BOOK).head(1).to_dicts()
    return rows[0] if rows else None


def of_book(rows: pl.DataFrame, book: Mapping[str, str]) -> pl.DataFrame:
    """Return the rows of one book."""
    return rows.filter(**{name: book[name] for name in BOOK})


def _periods(
    returns: pl.DataFrame, trades: pl.DataFrame, length: Literal["1y", "1mo"], **columns: pl.Expr
) -> pl.DataFrame:
    days = returns.sort(*BOOK, "date").with_columns(period=pl.col("date").dt.truncate(length))
    sums = days.group_by(*BOOK, "period", maintain_order=True).agg(pl.col("net_return").sum(), **columns)
    closed = trades.with_columns(period=pl.col("closed").dt.truncate(length))
    counts = closed.group_by(*BOOK, "period").agg(trades=pl.len().cast(pl.Int64))
    joined = sums.join(counts, on=[*BOOK, "period"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("trades").fill_null(0))
