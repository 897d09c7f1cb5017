"""The walk forward: every method's pairs traded in the months after they were formed, in one chronological book."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl

from assets.backtests.book import Book, chronological_book, tradable, trade_pairs
from assets.backtests.close_matrix import CloseMatrix, trading_closes
from assets.backtests.market import market_returns
from assets.backtests.performance import sharpe, summary
from assets.partitions import month_name, months_later
from resources.settings.backtest import Backtest

SELECTIONS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "bh": lambda pairs: pairs.filter("passes"),
    "uncorrected": lambda pairs: pairs,
}
"""`bh`: what Benjamini-Hochberg passes; `uncorrected`: the smallest p, with no claim that they mean anything."""


def walk_forward(
    pairs: pl.DataFrame, prices: pl.DataFrame, settings: Backtest
) -> tuple[list[dict[str, Any]], pl.DataFrame, pl.DataFrame]:
    """Trade every method's books; returns rows of `backtest_summary`, `backtest_returns` and `pair_trades`.

    Parameters
    ----------
    pairs : DataFrame
        Rows of `cointegrated_pairs` of all as-of dates.
    prices : DataFrame
        Rows of `prices` from shortly before the first as-of date.
    """
    closes = {as_of: trading_window(prices, as_of, settings) for as_of in pairs["as_of"].unique().sort()}
    books = {
        (method, selection): _book(pairs.filter(pl.col("method") == method), closes, settings, selection)
        for method in pairs["method"].unique().sort()
        for selection in SELECTIONS
    }
    sharpes = [sharpe(book.returns["net_return"].to_numpy()) for book in books.values()]
    market = {day: gain for window in closes.values() for day, gain in market_returns(window).items()}
    rows = [
        {
            "method": m,
            "selection": s,
            **summary(book, sharpes, market, settings.seed),
            **_counts(pairs.filter(pl.col("method") == m), s, settings),
        }
        for (m, s), book in books.items()
    ]
    tags = {key: {"method": pl.lit(key[0]), "selection": pl.lit(key[1])} for key in books}
    returns = pl.concat(book.returns.drop("traded").with_columns(**tags[key]) for key, book in books.items())
    trades = pl.concat(book.trades.with_columns(**tags[key]) for key, book in books.items())
    return rows, returns, trades


def selected(tested: pl.DataFrame, selection: str, settings: Backtest) -> pl.DataFrame:
    """Return the pairs of one method and date that its book trades: smallest p first, at most `max_pairs`."""
    return SELECTIONS[selection](tradable(tested)).sort("rank").head(settings.max_pairs)


def trading_window(prices: pl.DataFrame, as_of: date, settings: Backtest) -> CloseMatrix:
    """Return the closes on which what was formed at a date is traded."""
    return trading_closes(prices, as_of, months_later(month_name(as_of), settings.trading_months))


def _book(tested: pl.DataFrame, closes: Mapping[date, CloseMatrix], settings: Backtest, selection: str) -> Book:
    windows = []
    for (as_of,), formed in tested.sort("as_of", "rank").group_by("as_of", maintain_order=True):
        assert isinstance(as_of, date)
        windows.append(trade_pairs(closes[as_of], selected(formed, selection, settings), as_of, settings))
    return chronological_book(windows, settings)


def _counts(tested: pl.DataFrame, selection: str, settings: Backtest) -> dict[str, int]:
    traded = sum(selected(formed, selection, settings).height for _, formed in tested.group_by("as_of"))
    return {"pairs_tested": tested.height, "pairs_passed": int(tested["passes"].sum()), "pairs_traded": traded}
