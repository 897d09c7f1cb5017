"""[paper] The pairs book of "Interpretable Company Similarity with Sparse Autoencoders", to show what its Sharpe is.

Nothing here is to be believed. The published rules, read from the authors' own code (their class PairTrader):

- Pairs inside a group whose prices correlate by more than 0.95 over the formation window, and the difference of whose
  prices passes a Dickey-Fuller test at 1 %.
- z is that of the residuals of price a on price b over the whole *trading* window: it looks ahead.
- Open where z crosses 1 or -1, $5,000 a leg; close where z is back at 0, or at 2; at the same day's close, no costs.
- **The fault**: what is held is never forgotten after it was closed, so on every later day on which z is still on the
  far side of 0 the same trade is closed again, and its profit as of that day is added to the cash once more.
- Pairs are traded one after another out of one purse. A day's value of the portfolio is overwritten by the next pair,
  so the series that is left is that of the last pair, on top of the cash of all pairs before it.
- Pairs that stop trading before the end are left out: only survivors are traded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from statsmodels.tsa.stattools import adfuller
from threadpoolctl import threadpool_limits

from assets.backtests.book import TRADING_DAYS
from assets.backtests.close_matrix import formation_prices
from assets.backtests.hedge import fitted_line
from assets.backtests.performance import sharpe

Floats = NDArray[np.float64]

CASH = 100_000.0
LEG = 5_000.0
ENTRY, STOP = 1.0, 2.0
CORRELATION, P_VALUE = 0.95, 0.01
FEWEST_DAYS = 60
BLOCK = 256
"""Pairs whose prices are laid side by side."""
PLACEBO = "random"
VARIANTS = ("as published", "booked once", "no look-ahead")


@dataclass(frozen=True)
class Prices:
    """Closes before and after a date, [days, companies] each, of the same companies."""

    formation: Floats
    trading: Floats
    days: list[date]
    """Of `trading`."""
    column: dict[str, int]

    @classmethod
    def split(cls, rows: pl.DataFrame, as_of: date) -> "Prices":
        """Cut rows of `prices` into those up to a date and those after it."""
        ids, days, logs = formation_prices(rows, rows["date"].min(), rows["date"].max(), 0.0)  # type: ignore[arg-type]
        known, closes = sum(day <= as_of for day in days), np.exp(logs)
        column = {company: number for number, company in enumerate(ids)}
        return cls(closes[:known], closes[known:], days[known:], column)


@dataclass(frozen=True)
class Traded:
    """What a set of pairs came to."""

    values: Floats
    """[days] the portfolio as it is shown (USD), NaN on a day without a pair."""
    bookings: int
    """Profits that were booked."""

    @property
    def sharpe(self) -> float | None:
        """Of daily relative changes of the portfolio, as published."""
        shown = self.values[~np.isnan(self.values)]
        return sharpe(shown[1:] / shown[:-1] - 1)

    @property
    def gain(self) -> float:
        """USD."""
        shown = self.values[~np.isnan(self.values)]
        return float(shown[-1] - CASH) if len(shown) else 0.0


def paper_rows(tested: pl.DataFrame, closes: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of `paper_books`: every method, and random pairs, by every variant.

    As in the paper there is one window of formation, which ends at the first as-of date, and one of trading, which is
    the rest.

    Parameters
    ----------
    tested : DataFrame
        Rows of `cointegrated_pairs`, for the pairs at the first as-of date; nothing of the test is used. Random pairs
        are not selected either, so that they show what the rules make of nothing.
    closes : DataFrame
        Rows of `prices` from the beginning of formation to the end of trading.
    """
    as_of: Any = tested["as_of"].min()
    if as_of is None:
        return
    tested, prices = tested.filter(as_of=as_of), Prices.split(closes, as_of)
    passed = paper_pairs(prices, surviving(prices, _places(prices, tested.filter(pl.col("method") != PLACEBO))))
    rank = {(a, b): number for number, (a, b) in enumerate(passed.tolist())}
    for (method,), rows in tested.sort("method", "company_a", "company_b").group_by("method", maintain_order=True):
        pairs = _places(prices, rows)
        if method == PLACEBO:
            pairs = surviving(prices, pairs)
        else:
            pairs = passed[sorted(rank[pair] for pair in map(tuple, pairs.tolist()) if pair in rank)]
        for variant in VARIANTS:
            traded = trade(prices, pairs, variant)
            yield {
                "method": str(method),
                "variant": variant,
                "first_day": prices.days[0],
                "last_day": prices.days[-1],
                "pairs": len(pairs),
                "bookings": traded.bookings,
                "sharpe": traded.sharpe,
                "gain": traded.gain,
            }


def surviving(prices: Prices, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs with enough days, before and after, whose companies both trade in the last month."""
    last_month = ~np.isnan(prices.trading[-TRADING_DAYS // 12 :])
    lived = np.asarray(last_month.any(axis=0))[pairs].all(axis=1)
    for part in (prices.formation, prices.trading):
        known = (~np.isnan(part)).astype(np.float32)
        lived &= (known.T @ known)[pairs[:, 0], pairs[:, 1]] >= FEWEST_DAYS
    return pairs[lived]


def paper_pairs(prices: Prices, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs that the paper trades, the smallest p first."""
    alike = pairs[correlations(prices.formation, pairs) > CORRELATION]
    # One thread: the matrices are small, and those of two would wait for each other.
    with threadpool_limits(1):
        p_values = [(adfuller(x - y, result_object=True).pvalue, a, b) for a, b, x, y in _each(prices.formation, alike)]
    return np.array([(a, b) for p, a, b in sorted(p_values) if p < P_VALUE], dtype=np.int64).reshape(-1, 2)


def correlations(closes: Floats, pairs: NDArray[np.int64]) -> Floats:
    """Return the correlation of the prices of each pair, on the days on which both have one; 0 where one is flat."""
    found = np.zeros(len(pairs))
    for start in range(0, len(pairs), BLOCK):
        x, y = (closes[:, pairs[start : start + BLOCK, leg]] for leg in (0, 1))
        known = ~np.isnan(x + y)
        x, y = (np.where(known, leg - np.nanmean(np.where(known, leg, np.nan), axis=0), 0.0) for leg in (x, y))
        sizes = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
        found[start : start + BLOCK] = np.divide((x * y).sum(axis=0), sizes, out=np.zeros(len(sizes)), where=sizes > 0)
    return found


def trade(prices: Prices, pairs: NDArray[np.int64], variant: str) -> Traded:
    """Trade pairs by the rules of a variant.

    `as published` has the fault. `booked once` forgets a trade when it is closed, may open another, and adds all pairs
    up day by day. `no look-ahead` does this with the line, mean and deviation of the formation window, and with z of
    the day before. None has costs.
    """
    days = len(prices.days)
    if variant == "as published":
        return _as_published(prices, pairs)
    gains, bookings = np.zeros(days), 0
    for a, b in pairs:
        both = ~np.isnan(prices.trading[:, a] + prices.trading[:, b])
        x, y = prices.trading[both, a], prices.trading[both, b]
        z = _whole_window_z(x, y) if variant == "booked once" else _known_z(prices, a, b, x, y)
        held = _positions(z)
        units = _units(held, x, y)
        daily = np.concatenate(
            [[0.0], (units[0] * np.diff(x, append=x[-1]) + units[1] * np.diff(y, append=y[-1]))[:-1]]
        )
        gains[both] += daily
        bookings += int(((held[:-1] != 0) & (held[1:] == 0)).sum())
    return Traded(CASH + np.cumsum(gains), bookings)


def _as_published(prices: Prices, pairs: NDArray[np.int64]) -> Traded:
    """Follow the authors' class, fault and all; see the module."""
    values, cash, bookings = np.full(len(prices.days), np.nan), CASH, 0
    left_open: list[tuple[float, float]] = []
    for a, b in pairs:
        both = ~np.isnan(prices.trading[:, a] + prices.trading[:, b])
        x, y = prices.trading[both, a], prices.trading[both, b]
        z = _whole_window_z(x, y)
        # What an earlier pair left open is marked with the prices of this one.
        marked = sum((u * x + v * y for u, v in left_open), np.zeros(len(x)))
        side, opened = _first_crossing(z)
        booked, own = np.zeros(len(x)), np.zeros(len(x))
        if side:
            u, v = side * LEG / x[opened], -side * LEG / y[opened]
            worth = u * x + v * y
            later = np.arange(len(x)) > opened
            closing = later & ((side * z >= 0) | (np.abs(z) >= STOP))
            booked[closing] = worth[closing]
            bookings += int(closing.sum())
            until = int(closing.argmax()) if closing.any() else len(x)
            own[opened:until] = worth[opened:until]
            if not closing.any():
                left_open.append((u, v))
        values[both] = cash + np.cumsum(booked) + own + marked
        cash += booked.sum()
    return Traded(values, bookings)


def _first_crossing(z: Floats) -> tuple[int, int]:
    """Return -1 and the day where z first crosses the entry upwards, 1 where it crosses the other downwards, or 0."""
    above = np.flatnonzero((z[:-1] < ENTRY) & (z[1:] > ENTRY)) + 1
    below = np.flatnonzero((z[:-1] > -ENTRY) & (z[1:] < -ENTRY)) + 1
    firsts = [(int(days[0]), side) for days, side in ((above, -1), (below, 1)) if len(days)]
    day, side = min(firsts, default=(0, 0))
    return side, day


def _positions(z: Floats) -> NDArray[np.int8]:
    """Return 1, -1 or 0 after each day's close: the published rules with trades that end when they are closed."""
    held = np.zeros(len(z), np.int8)
    for day in range(1, len(z)):
        was = held[day - 1]
        if was:
            held[day] = 0 if was * z[day] >= 0 or abs(z[day]) >= STOP else was
        elif z[day - 1] < ENTRY < z[day]:
            held[day] = -1
        elif z[day - 1] > -ENTRY > z[day]:
            held[day] = 1
    held[-1:] = 0
    return held


def _units(held: NDArray[np.int8], *legs: Floats) -> Sequence[Floats]:
    """Return the shares of both legs after each close, bought for `LEG` at the opening."""
    opening = np.where((held != 0) & (np.concatenate([[0], held[:-1]]) == 0), np.arange(len(held)), 0)
    since = np.maximum.accumulate(opening)
    return [sign * held * LEG / leg[since] for sign, leg in zip((1, -1), legs, strict=True)]


def _whole_window_z(x: Floats, y: Floats) -> Floats:
    spread = fitted_line(x[None], y[None]).spread[0]
    z: Floats = spread / spread.std(ddof=1)
    return z


def _known_z(prices: Prices, a: int, b: int, x: Floats, y: Floats) -> Floats:
    """Return z by the line of the formation window, as it was the day before; 0 on the first."""
    before = _both(prices.formation, a, b)
    line = fitted_line(before[0][None], before[1][None])
    z = (x - line.slope[0] * y - line.intercept[0]) / line.spread[0].std(ddof=1)
    return np.concatenate([[0.0], z[:-1]])


def _places(prices: Prices, rows: pl.DataFrame) -> NDArray[np.int64]:
    """Return the columns of the pairs of rows, each pair once, sorted, [pairs, 2]."""
    legs = (rows[leg].replace_strict(prices.column, default=None) for leg in ("company_a", "company_b"))
    places = pl.DataFrame(list(legs)).drop_nulls().to_numpy().astype(np.int64).reshape(-1, 2)
    return np.unique(places, axis=0)


def _each(closes: Floats, pairs: NDArray[np.int64]) -> Iterator[tuple[int, int, Floats, Floats]]:
    return ((a, b, *_both(closes, a, b)) for a, b in pairs.tolist())


def _both(closes: Floats, a: int, b: int) -> tuple[Floats, Floats]:
    known = ~np.isnan(closes[:, a] + closes[:, b])
    return closes[known, a], closes[known, b]
