"""When a pair is opened and closed, by the z of its spread."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.engine import CODE
from assets.backtests.quotes import log_moves
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Whole = NDArray[np.int8]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

ONE_SERIES_DAYS = 5
"""Days in a row on which both legs move by the same amount, after which they are one security under two names."""
SAME_MOVE = 1e-9
"""Difference of log moves that is rounding."""


class PairRules:
    """Open where |z| is above `entry_z` and below `stop_z`, against z; close where the mean, a stop or time says so.

    After a stop, of z or of time, the pair waits until z has come back to `exit_z`.

    Parameters
    ----------
    signal : [days, pairs] float64
        z as known before each day's close, NaN where it is not.
    barred : [days, pairs] bool
        Pairs not to be opened, as known before the day's close.
    one_series : [days, pairs] bool
        Pairs whose legs have become one, as known before the day's close.
    longest : [pairs] float64
        Trading days after which a pair is closed.
    """

    def __init__(self, signal: Floats, barred: Flags, one_series: Flags, longest: Floats, settings: Backtest) -> None:
        self._signal, self._settings, self._longest = signal, settings, longest
        self._barred, self._one_series = barred, one_series
        self._waiting = np.zeros(signal.shape[1], np.int8)

    def exits(self, day: int, side: Whole, age: Numbers) -> Whole:
        """Return the code of the reason to close each pair today, 0 for none."""
        adverse = -side * self._signal[day]
        rules = {
            "one series": self._one_series[day],
            "mean": adverse <= self._settings.exit_z,
            "stop": adverse >= self._settings.stop_z,
            "time": age >= self._longest,
        }
        return np.select(list(rules.values()), [CODE[name] for name in rules], np.int8(0)).astype(np.int8)

    def entries(self, day: int, side: Whole, reason: Whole) -> Whole:
        """Return the side on which each pair would be opened today, 0 for none."""
        z = self._signal[day]
        self._waiting = np.where(-self._waiting * z <= self._settings.exit_z, np.int8(0), self._waiting)
        off = (np.abs(z) > self._settings.entry_z) & (np.abs(z) < self._settings.stop_z)
        open_to = off & (self._waiting == 0) & ~self._barred[day] & ~self._one_series[day]
        stopped = (reason == CODE["stop"]) | (reason == CODE["time"])
        self._waiting = np.where(stopped, side, self._waiting)
        return np.where(open_to, -np.sign(np.nan_to_num(z)), 0).astype(np.int8)

    def resizes(self, day: int) -> bool:
        """Return False: a pair keeps the shares that it was opened with."""
        return False


def spread_z(close_a: Floats, close_b: Floats, pairs: pl.DataFrame) -> Floats:
    """Return the spread in standard deviations of the formation window, [days, pairs], NaN without both prices."""
    hedge_ratio, mean, sd = (pairs[name].to_numpy() for name in ("hedge_ratio", "spread_mean", "spread_sd"))
    z: Floats = (np.log(close_a) - hedge_ratio * np.log(close_b) - mean) / sd
    return z


def longest_holding(pairs: pl.DataFrame, settings: Backtest) -> Floats:
    """Return the trading days after which each pair is closed, infinite where nothing says so: [pairs]."""
    longest: Floats = np.full(pairs.height, settings.max_holding_days or np.inf, dtype=np.float64)
    if settings.max_holding_half_lives is None:
        return longest
    half_lives = pairs["half_life"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    return np.minimum(longest, np.ceil(settings.max_holding_half_lives * half_lives))


def moved_as_one(known_a: Floats, known_b: Floats) -> Flags:
    """Return whether the last `ONE_SERIES_DAYS` moves of both prices are the same, and not all 0: [days, pairs].

    Two companies that have merged can go on as two copies of one series, whose spread never moves again.
    """
    a, b = log_moves(known_a), log_moves(known_b)
    same = np.cumsum(np.abs(a - b) <= SAME_MOVE, axis=0, dtype=np.int64)
    still = np.cumsum((np.abs(a) <= SAME_MOVE) & (np.abs(b) <= SAME_MOVE), axis=0, dtype=np.int64)
    found = np.zeros(a.shape, np.bool_)
    # Row 0 has no move, so the first full run ends at row ONE_SERIES_DAYS.
    run, quiet = _last_days(same), _last_days(still)
    found[ONE_SERIES_DAYS:] = (run == ONE_SERIES_DAYS) & (quiet < ONE_SERIES_DAYS)
    return found


def _last_days(total: Numbers) -> Numbers:
    """Return the growth of running totals over the last `ONE_SERIES_DAYS`, from the first row that has as many."""
    growth: Numbers = total[ONE_SERIES_DAYS:] - total[:-ONE_SERIES_DAYS]
    return growth
