"""Books of random pairs: what chance alone makes of the same rules, the same dates and as many pairs.

A placebo book trades as many pairs at a date as the real one, drawn from all companies that could be tested then. Its
pairs are fitted like real ones, but nothing is tested: a book of random peers has no reason to pick any. All pairs of
all books of a window are traded in one call, each as if it were alone in its book: a cap keeps out a pair that is too
large by itself, but not one that is too much together with others, which is rare (`refused` of the real books). Books
with as many pairs at every date share their placebo.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.book import tradable, traded_ledger
from assets.backtests.candidate_pairs import random_pairs
from assets.backtests.close_matrix import CloseMatrix, formation_rows, formed_prices
from assets.backtests.cointegration import cointegrated_pairs
from assets.backtests.finished import finished_dates
from assets.backtests.periods import PAIRS
from assets.backtests.placebo import BookName, Placebo
from assets.backtests.walk import SELECTIONS, selected, trading_window
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

Counts = tuple[tuple[date, int], ...]
"""As-of dates with the pairs that a book trades after each."""


@dataclass
class _Sum:
    """The books of one profile of counts, window by window."""

    gain: Floats
    """[days of all windows, books] USD."""
    pairs: Whole
    """[days of all windows]."""
    open_days: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.open_days = np.zeros(len(self.pairs), dtype=bool)

    def placebo(self, dates: list[date], leg_usd: float) -> Placebo:
        capital = 2.0 * leg_usd * float(self.pairs.max(initial=0))
        gain = self.gain[self.open_days]
        days = [day for day, is_open in zip(dates, self.open_days, strict=True) if is_open]
        return Placebo(days, gain / capital if capital else gain, capital)


def placebo_of_pairs(
    pairs: pl.DataFrame, prices: pl.DataFrame, settings: Backtest, capitals: Mapping[BookName, float]
) -> dict[BookName, Placebo]:
    """Return the placebo of every book of pairs that `walk_forward` makes of the same rows: of finished windows.

    Parameters
    ----------
    pairs : DataFrame
        Rows of `cointegrated_pairs` of all as-of dates.
    prices : DataFrame
        Rows of `prices`, from `formation_months` before the first as-of date.
    capitals : mapping
        What each real book has (USD).
    """
    over = finished_dates(pairs["as_of"], prices, settings)
    pairs = pairs.filter(pl.col("as_of").is_in(over))
    wanted = {
        (str(method), selection, PAIRS): _counts(tested, selection, settings)
        for (method,), tested in pairs.sort("method", "as_of").group_by("method", maintain_order=True)
        for selection in SELECTIONS
    }
    closes = {as_of: trading_window(prices, as_of, settings) for as_of in over}
    found = placebo_books(wanted.values(), closes, prices, settings)
    return {name: found[counts].over(capitals.get(name, 0.0)) for name, counts in wanted.items()}


def placebo_books(
    wanted: Iterable[Counts], closes: Mapping[date, CloseMatrix], prices: pl.DataFrame, settings: Backtest
) -> dict[Counts, Placebo]:
    """Return `settings.placebo_books` books of random pairs for every profile of counts.

    Parameters
    ----------
    wanted : iterable
        How many pairs each real book trades, by as-of date.
    closes : mapping
        The windows in which books are traded, by as-of date.
    prices : DataFrame
        Rows of `prices`, from `formation_months` before the first as-of date.
    settings : Backtest
        The rules, which are those of the real books.
    """
    profiles, books = sorted(set(wanted)), settings.placebo_books
    most: defaultdict[date, int] = defaultdict(int)
    for as_of, count in (pair for profile in profiles for pair in profile):
        most[as_of] = max(most[as_of], count)
    dates = sorted({day for as_of in most for day in closes[as_of].dates[1:]})
    row = {day: number for number, day in enumerate(dates)}
    sums = {profile: _Sum(np.zeros((len(dates), books)), np.zeros(len(dates), np.int64)) for profile in profiles}
    for number, as_of in enumerate(sorted(most)):
        rows = np.array([row[day] for day in closes[as_of].dates[1:]], dtype=np.int64)
        gains = window_gains(closes[as_of], prices, as_of, most[as_of], settings, settings.seed + number)
        for profile, total in sums.items():
            found = dict(profile)
            if as_of in found:
                count = found[as_of]
                total.open_days[rows] = True
                total.pairs[rows] += count
                total.gain[rows] += gains[:, :, min(count, gains.shape[2] - 1)]
    return {profile: total.placebo(dates, settings.leg_usd) for profile, total in sums.items()}


def window_gains(
    closes: CloseMatrix, prices: pl.DataFrame, as_of: date, most: int, settings: Backtest, seed: int
) -> Floats:
    """Return what the first 0, 1, ... `most` pairs of every placebo book earn after costs, [days, books, pairs + 1].

    Each book is a draw of different pairs out of one pool; there are fewer where the pool is smaller.
    """
    pool = tradable(random_pool(prices, as_of, most * settings.placebo_books, settings, seed), settings)
    net = np.zeros((len(closes.dates) - 1, 0))
    if pool.height:
        ledger = traded_ledger(closes, pool, settings)
        net = (ledger.gross_pnl - ledger.costs)[1:]
    drawn = _draws(pool.height, min(most, pool.height), settings.placebo_books, seed)
    gains = np.zeros((len(net), len(drawn), drawn.shape[1] + 1))
    for book, pairs in enumerate(drawn):
        np.cumsum(net[:, pairs], axis=1, out=gains[:, book, 1:])
    return gains


def random_pool(prices: pl.DataFrame, as_of: date, count: int, settings: Backtest, seed: int) -> pl.DataFrame:
    """Return random pairs of the companies that can be tested at a date, fitted over the formation window.

    Returns
    -------
    DataFrame
        Rows of `cointegrated_pairs`; the test in them has no lags, is the cheapest, and selects nothing.
    """
    known = formation_rows(prices, as_of, settings.formation_months)
    ids, _, log_prices = formed_prices(known, as_of, settings)
    untested = settings.model_copy(update={"autolag": "fixed", "adf_lags": 0, "johansen": False})
    return cointegrated_pairs(ids, log_prices, random_pairs(len(ids), count, seed), untested)


def _counts(tested: pl.DataFrame, selection: str, settings: Backtest) -> Counts:
    by_date = tested.group_by("as_of", maintain_order=True)
    return tuple((as_of, selected(formed, selection, settings).height) for (as_of,), formed in by_date)


def _draws(pool: int, count: int, books: int, seed: int) -> Whole:
    """Return `count` different pairs of a pool for each book, [books, count]."""
    rng = np.random.default_rng([seed, books])
    drawn = [rng.choice(pool, count, replace=False) for _ in range(books)] if count else []
    return np.array(drawn, dtype=np.int64).reshape(books, count)
