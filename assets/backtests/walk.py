"""The walk forward: every method's pairs and baskets traded in the months after they were formed, a book for each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from assets import schemas
from assets.backtests.book import Book, chronological_book, trade_pairs
from assets.backtests.close_matrix import CloseMatrix, closes_around, trading_closes
from assets.backtests.finished import finished_dates, trading_end
from assets.backtests.hedged import hold_hedged
from assets.backtests.legs import tradable
from assets.backtests.market import market_returns
from assets.backtests.performance import sharpe, summary
from assets.backtests.reversion import trade_reversion
from assets.backtests.windows import Window
from resources.settings.backtest import Backtest

SELECTIONS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "bh": lambda pairs: pairs.filter("passes"),
    "uncorrected": lambda pairs: pairs,
}
"""`bh`: what Benjamini-Hochberg passes; `uncorrected`: the smallest p, with no claim that they mean anything."""
EVERY = "all"
"""The selection of strategies that trade whatever has a basket."""
Key = tuple[str, str, str]
"""Strategy, method, selection."""
Rows = tuple[list[dict[str, Any]], pl.DataFrame, pl.DataFrame]


@dataclass(frozen=True)
class Prices:
    """Closes around an as-of date."""

    all: CloseMatrix
    """From the weeks before it on."""
    first: int
    """Row of the last close up to it."""

    @property
    def window(self) -> CloseMatrix:
        """From that row on."""
        return CloseMatrix(self.all.company_ids, self.all.dates[self.first :], self.all.prices[self.first :])


def walk_forward(
    pairs: pl.DataFrame, prices: pl.DataFrame, settings: Backtest, baskets: pl.DataFrame | None = None
) -> Rows:
    """Trade every method's books; returns rows of `backtest_summary`, `backtest_returns` and `pair_trades`.

    An as-of date whose trading months are not over in the data is in no book: its positions would be closed on the last
    day of the data, for no reason of theirs, and be counted as if they had been held to the end.

    Parameters
    ----------
    pairs : DataFrame
        Rows of `cointegrated_pairs` of all as-of dates.
    prices : DataFrame
        Rows of `prices` from shortly before the first as-of date.
    baskets : DataFrame, optional
        Rows of `hedge_baskets` of all as-of dates; without them pairs are the only strategy.
    """
    closes, unfinished = _windows(prices, [pairs, *([] if baskets is None else [baskets])], settings)
    groups = [_pair_books(pairs, closes, settings)]
    if baskets is not None:
        groups += [_basket_books(baskets, closes, settings, strategy) for strategy in BASKET_STRATEGIES]
    market = {day: gain for around in closes.values() for day, gain in market_returns(around.window).items()}
    counted = {key: found for books in groups for key, found in books.items()}
    rows = _summaries(counted, unfinished, market, settings.seed)
    books = {key: book for key, (book, _) in counted.items()}
    returns = _joined(books, lambda book: book.returns, schemas.BACKTEST_RETURNS.empty())
    return rows, returns, _joined(books, lambda book: book.trades, schemas.PAIR_TRADES.empty())


def selected(tested: pl.DataFrame, selection: str, settings: Backtest) -> pl.DataFrame:
    """Return the pairs of one method and date that its book trades: smallest p first, at most `max_pairs`."""
    return SELECTIONS[selection](tradable(tested, settings)).sort("rank").head(settings.max_pairs)


def trading_window(prices: pl.DataFrame, as_of: date, settings: Backtest) -> CloseMatrix:
    """Return the closes on which what was formed at a date is traded."""
    return trading_closes(prices, as_of, trading_end(as_of, settings))


def _hedged(prices: Prices, baskets: pl.DataFrame, as_of: date, settings: Backtest) -> Window:
    return hold_hedged(prices.window, baskets, as_of, settings)


def _reversion(prices: Prices, baskets: pl.DataFrame, as_of: date, settings: Backtest) -> Window:
    return trade_reversion(prices.all, prices.first, baskets, as_of, settings)


BASKET_STRATEGIES = {"reversion": _reversion, "hedged": _hedged}

Books = dict[Key, tuple[Book, dict[str, int]]]
"""Each book with what `backtest_summary` counts besides."""


def _windows(
    prices: pl.DataFrame, formed: Iterable[pl.DataFrame], settings: Backtest
) -> tuple[Mapping[date, Prices], int]:
    """Return the prices around each as-of date whose trading months are over, and the number of the others."""
    as_ofs = {day for rows in formed for day in rows["as_of"].unique()}
    over = finished_dates(as_ofs, prices, settings)
    found = {as_of: Prices(*closes_around(prices, as_of, trading_end(as_of, settings))) for as_of in over}
    return found, len(as_ofs) - len(over)


def _pair_books(pairs: pl.DataFrame, closes: Mapping[date, Prices], settings: Backtest) -> Books:
    pairs, books = pairs.filter(pl.col("as_of").is_in(list(closes))), {}
    for method in pairs["method"].unique().sort():
        tested = pairs.filter(pl.col("method") == method).sort("as_of", "rank")
        for selection in SELECTIONS:
            chosen = {as_of: selected(rows, selection, settings) for as_of, rows in _by_date(tested)}
            windows = [trade_pairs(closes[as_of].window, rows, as_of, settings) for as_of, rows in chosen.items()]
            counts = {"pairs_tested": tested.height, "pairs_passed": int(tested["passes"].sum())}
            counts |= {"pairs_traded": sum(rows.height for rows in chosen.values()), "windows": len(windows)}
            books["pairs", method, selection] = chronological_book(windows, settings), counts
    return books


def _basket_books(baskets: pl.DataFrame, closes: Mapping[date, Prices], settings: Backtest, strategy: str) -> Books:
    baskets, books = baskets.filter(pl.col("as_of").is_in(list(closes))), {}
    for method in baskets["method"].unique().sort():
        dated = _by_date(baskets.filter(pl.col("method") == method).sort("as_of", "company_id", "peer_id"))
        trade = BASKET_STRATEGIES[strategy]
        windows = [trade(closes[as_of], rows, as_of, settings) for as_of, rows in dated]
        held = sum(rows["company_id"].n_unique() for _, rows in dated)
        counts = {"pairs_tested": 0, "pairs_passed": 0, "pairs_traded": held, "windows": len(windows)}
        books[strategy, method, EVERY] = chronological_book(windows, settings), counts
    return books


def _by_date(rows: pl.DataFrame) -> list[tuple[date, pl.DataFrame]]:
    return [(as_of, dated) for (as_of,), dated in rows.group_by("as_of", maintain_order=True)]


def _summaries(books: Books, unfinished: int, market: Mapping[date, float], seed: int) -> list[dict[str, Any]]:
    """Return the rows of all books of the run: they are the trials among which the best could be picked."""
    trials: dict[str, list[float]] = {strategy: [] for strategy, _, _ in books}
    for (strategy, _, _), (book, _) in books.items():
        if (ratio := sharpe(book.returns["net_return"].to_numpy())) is not None:
            trials[strategy].append(ratio)
    return [
        {
            **_tags(key),
            "unfinished": unfinished,
            "refused": book.refused,
            **counts,
            **summary(book, list(trials.values()), market, seed),
            **_jumps(book.trades),
        }
        for key, (book, counts) in books.items()
    ]


def _jumps(trades: pl.DataFrame) -> dict[str, float | int]:
    jumped = trades.filter("jump")
    return {"jump_trades": jumped.height, "jump_net": round(float(jumped["net_pnl"].sum()), 2)}


def _joined(books: Mapping[Key, Book], part: Callable[[Book], pl.DataFrame], empty: pl.DataFrame) -> pl.DataFrame:
    """Return a part of all books in the columns of its table, which are there even where no book is."""
    tagged = (part(book).with_columns(**{n: pl.lit(v) for n, v in _tags(key).items()}) for key, book in books.items())
    return pl.concat([empty, *(rows.select(empty.columns) for rows in tagged)])


def _tags(key: Key) -> dict[str, str]:
    return dict(zip(("strategy", "method", "selection"), key, strict=True))
