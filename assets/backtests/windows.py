"""What a strategy did in the months after one as-of date, as tables: its days and its closed trades, in USD."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.accounts import Ledger, settle
from assets.backtests.engine import EXIT_REASONS, Held, yesterday
from assets.backtests.legs import Legs
from assets.backtests.quotes import Quotes
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

Window = tuple[pl.DataFrame, pl.DataFrame]
"""Days of a window, and its closed trades: what `window_tables` returns."""
BASKET = "basket"
"""Stands in place of a second company where peers are the hedge, or the yardstick."""
DAILY = ("gross_pnl", "costs", "exposure", "traded", "received", "value")


@dataclass(frozen=True)
class Names:
    """What positions are called."""

    company_a: Sequence[str]
    company_b: Sequence[str]


def window_tables(
    dates: list[date], held: Held, quotes: Quotes, legs: Legs, names: Names, as_of: date, settings: Backtest
) -> Window:
    """Return the days and the closed trades of one window.

    Returns
    -------
    tuple of DataFrame
        date, gross_pnl, costs, exposure, traded, received, value and capital (USD), pairs (positions that there could
        be) and refused, one row per day of the window, days without a position too; and rows of `pair_trades` without
        strategy, method and selection.
    """
    ledger = settle(held, quotes, legs, settings)
    return _days(dates, held, ledger, legs), _trades(dates, held, ledger, _jumps(quotes, legs), names, as_of)


def _days(dates: list[date], held: Held, ledger: Ledger, legs: Legs) -> pl.DataFrame:
    """Return the window's days summed over positions, row 0 left out: it belongs to the time before."""
    sums = {name: getattr(ledger, name)[1:].sum(axis=1).round(2) for name in DAILY}
    days = pl.DataFrame({"date": pl.Series(dates[1:], dtype=pl.Date), **sums, "refused": held.refused[1:]})
    return days.with_columns(
        pairs=pl.lit(legs.count, pl.Int64), capital=pl.lit(float(legs.usd_of_positions().sum()), pl.Float64)
    )


def _jumps(quotes: Quotes, legs: Legs) -> Numbers:
    """Return how many jumps of its legs each position has seen so far: [days, positions]."""
    return np.cumsum(legs.sum_of(quotes.jumped[:, legs.company].astype(np.int64)), axis=0)


def _trades(dates: list[date], held: Held, ledger: Ledger, jumps: Numbers, names: Names, as_of: date) -> pl.DataFrame:
    """Return one row per closed trade; every trade is closed, for nothing is held after the last day."""
    before = yesterday(held.side)
    position, opened = np.nonzero(((before == 0) & (held.side != 0)).T)
    _, closed = np.nonzero(((before != 0) & (held.side == 0)).T)
    days = pl.Series(dates, dtype=pl.Date)
    gross, costs = (_between(daily, position, opened, closed) for daily in (ledger.gross_pnl, ledger.costs))
    return pl.DataFrame(
        {
            "as_of": pl.repeat(as_of, len(position), dtype=pl.Date, eager=True),
            "company_a": pl.Series(names.company_a, dtype=pl.String).gather(position),
            "company_b": pl.Series(names.company_b, dtype=pl.String).gather(position),
            "direction": held.side[opened, position].astype(np.int32),
            "opened": days.gather(opened),
            "closed": days.gather(closed),
            "exit_reason": pl.Series([EXIT_REASONS[code] for code in held.reason[closed, position]], dtype=pl.String),
            "gross_pnl": gross,
            "costs": costs,
            "net_pnl": (gross - costs).round(2),
            "jump": jumps[closed, position] > jumps[opened, position],
        }
    )


def _between(daily: Floats, position: Numbers, opened: Numbers, closed: Numbers) -> Floats:
    """Return the sum of each trade's days, the opening and the closing day among them: [trades] whole cents."""
    total = np.cumsum(daily, axis=0)
    return np.round(total[closed, position] - total[opened, position] + daily[opened, position], 2)
