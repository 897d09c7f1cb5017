"""Peer-relative mean reversion: what fell against its basket last month is bought, what rose is sold.

The signal of a company is the sum over the last `LOOK_BACK_DAYS` closes, up to yesterday's, of its daily return less
that of its fitted basket. On each rebalancing day the `reversion_share` with the lowest sums is bought and as many with
the highest are sold, `leg_usd` each, so both sides are of one size.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from assets.backtests.basket import daily_moves
from assets.backtests.book import padded
from assets.backtests.caps import Caps, caps_of
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.engine import CODE, Held, run, yesterday
from assets.backtests.legs import Legs
from assets.backtests.quotes import JUMP, Quotes, quotes
from assets.backtests.windows import BASKET, Names, Window, window_tables
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Whole = NDArray[np.int8]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

LOOK_BACK_DAYS = 21
"""Trading days of a month."""


class ReversionRules:
    """Hold the losers long and the winners short from one rebalancing day to the next.

    Every name is two positions, one for each side, so that a turn from one side to the other is a close and an opening:
    first the long ones of a book, then its short ones, then those of the next book.

    Parameters
    ----------
    signal : [days, books, names] float64
        Residual return of the last month as known before the day's close, NaN where it is not.
    rebalanced : [days] bool
        On which days the book trades.
    most : int
        Names on each side.
    share : float
        Share of the names with a signal on each side, where that is fewer.
    """

    def __init__(self, signal: Floats, rebalanced: Flags, most: int, share: float) -> None:
        self._signal, self._rebalanced, self._most, self._share = signal, rebalanced, most, share

    def exits(self, day: int, side: Whole, age: Numbers) -> Whole:
        """Return the code of a close for names that are no longer on their side."""
        if not self._rebalanced[day]:
            return np.zeros_like(side)
        return np.where(side * self._sides(day) > 0, np.int8(0), CODE["rebalanced"])

    def entries(self, day: int, side: Whole, reason: Whole) -> Whole:
        """Return the side of each name's two positions: 1 for a loser's first, -1 for a winner's second."""
        return self._sides(day) if self._rebalanced[day] else np.zeros_like(side)

    def resizes(self, day: int) -> bool:
        """Return whether names that stay are brought back to `leg_usd`."""
        return bool(self._rebalanced[day])

    def _sides(self, day: int) -> Whole:
        signal = self._signal[day]
        # What is not known comes last.
        order, known = np.argsort(signal, axis=1, kind="stable"), np.isfinite(signal).sum(axis=1)[:, None]
        count, place = np.minimum(self._most, part(self._share, known)), np.arange(signal.shape[1])
        sides = np.zeros((len(signal), 2, signal.shape[1]), np.int8)
        np.put_along_axis(sides[:, 0], order, (place < count).astype(np.int8), axis=1)
        highest = (place >= known - count) & (place < known)
        np.put_along_axis(sides[:, 1], order, -highest.astype(np.int8), axis=1)
        return sides.ravel()


def trade_reversion(closes: CloseMatrix, first: int, baskets: pl.DataFrame, as_of: date, settings: Backtest) -> Window:
    """Trade losers against winners in the months after an as-of date and return the window's days and closed trades.

    A name is not traded without a close yesterday, nor where it jumped in the month that the signal is of.

    Parameters
    ----------
    closes : CloseMatrix
        Closes of the window, and of the weeks before it, which the first signal needs.
    first : int
        Row of the last close up to the as-of date.
    baskets : DataFrame
        Rows of `hedge_baskets` of one method and date: company_id, peer_id, weight.
    """
    names = baskets["company_id"].unique().sort().to_list()
    signal = known_signal(closes, first, names, baskets)[:, None]
    held, market, legs = hold_sides(
        closes, first, names, signal, caps_of(full_book(names, settings), settings), settings
    )
    called = Names(names * 2, [BASKET] * (2 * len(names)))
    days, trades = window_tables(closes.dates[first:], held, market, legs, called, as_of, settings)
    sizes = {"pairs": pl.lit(len(names), pl.Int64), "capital": pl.lit(full_book(names, settings), pl.Float64)}
    return days.with_columns(**sizes), trades


def full_book(names: Sequence[str], settings: Backtest) -> float:
    """Return how large a book of these names can be (USD): of two positions for each name, one is always empty."""
    return 2 * settings.leg_usd * _most(names, settings)


def _most(names: Sequence[str], settings: Backtest) -> int:
    """Return how many names there can be on each side."""
    return int(part(settings.reversion_share, np.array(len(names))))


def part(share: float, count: Numbers) -> Numbers:
    """Return how many whole names a share of so many is: .29 of 100 are 29, though .29 * 100 is below 29 as a float."""
    return np.array(np.floor(share * count + 1e-9), dtype=np.int64)


def _columns(closes: CloseMatrix, names: Sequence[str]) -> Numbers:
    """Return the column of each name; one that is not quoted gets that after the last."""
    return np.array([closes.column.get(name, len(closes.column)) for name in names], dtype=np.int64)


def known_signal(closes: CloseMatrix, first: int, names: Sequence[str], baskets: pl.DataFrame) -> Floats:
    """Return the residual return of each name's last month as known before each close of the window: [days, names].

    Parameters are those of `trade_reversion`; a name without a basket has its own return.
    """
    weights = _weights(names, baskets, closes.column)
    return yesterday_known(residual_returns(padded(closes.prices), _columns(closes, names), weights))[first:]


def hold_sides(
    closes: CloseMatrix, first: int, names: Sequence[str], signal: Floats, caps: Caps, settings: Backtest
) -> tuple[Held, Quotes, Legs]:
    """Return what is held of each name on each side, given the signals [days, books, names] of one book or several.

    Caps are on all books together.
    """
    own, most = np.tile(_columns(closes, names), 2 * signal.shape[1]), _most(names, settings)
    rules = ReversionRules(signal, rebalancing_days(closes.dates[first:], settings), most, settings.reversion_share)
    legs = Legs(np.arange(len(own)), own, np.full(len(own), settings.leg_usd))
    market = quotes(padded(closes.prices)[first:], settings)
    return run(rules, market, legs, caps), market, legs


def residual_returns(prices: Floats, own: Numbers, weights: csr_array) -> Floats:
    """Return the return of the last month less that of the basket: [days, names], NaN where it is not to be used.

    Parameters
    ----------
    prices : [days, companies] float64
        Closes (USD), NaN where there is none: then a company's return is 0 until its next close.
    own : [names] int64
        Column of each name.
    weights : [names, companies]
        Basket of each name.
    """
    moves = daily_moves(np.log(prices))
    returns = np.expm1(moves)
    total = np.cumsum(returns[:, own] - (weights @ returns.T).T, axis=0)
    jumps = np.cumsum(np.abs(moves[:, own]) >= np.log(JUMP), axis=0)
    month, jumped = (rows[LOOK_BACK_DAYS:] - rows[:-LOOK_BACK_DAYS] for rows in (total, jumps))
    found: Floats = np.full(total.shape, np.nan)
    found[LOOK_BACK_DAYS:] = np.where((jumped == 0) & ~np.isnan(prices[LOOK_BACK_DAYS:, own]), month, np.nan)
    return found


def rebalancing_days(dates: list[date], settings: Backtest) -> Flags:
    """Return which days are the first of their week or month; row 0, the close before the window, is none."""
    weekly = settings.rebalance == "weekly"
    period = [day.isocalendar()[:2] if weekly else (day.year, day.month) for day in dates]
    return np.array([row > 0 and (row == 1 or period[row] != period[row - 1]) for row in range(len(dates))], np.bool_)


def yesterday_known(signal: Floats) -> Floats:
    """Return the signals of the day before, NaN above the first."""
    known = yesterday(signal)
    known[:1] = np.nan
    return known


def _weights(names: Sequence[str], baskets: pl.DataFrame, column: dict[str, int]) -> csr_array:
    number = {name: i for i, name in enumerate(names)}
    rows, columns = (
        [places.get(name, len(column)) for name in baskets[key]]
        for places, key in ((number, "company_id"), (column, "peer_id"))
    )
    shape = (len(names), len(column) + 1)
    return csr_array((baskets["weight"].to_numpy(), (np.array(rows), np.array(columns))), shape=shape)
