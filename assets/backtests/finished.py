"""When the trading months after an as-of date are over in the data: one rule for books and for hedges."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import polars as pl

from assets.partitions import month_name, months_later
from resources.settings.backtest import Backtest

QUIET = timedelta(days=7)
"""The months are over once there is a price within this of their end: their last days may be no trading days."""


def finished(as_of: date, last_price: date | None, settings: Backtest) -> bool:
    """Return whether the trading months after an as-of date are over in the data."""
    return last_price is not None and last_price > trading_end(as_of, settings) - QUIET


def finished_dates(as_ofs: Iterable[date], prices: pl.DataFrame, settings: Backtest) -> list[date]:
    """Return the as-of dates whose trading months are over in rows of `prices`, each once, ascending."""
    last: Any = prices["date"].max()
    return [as_of for as_of in sorted(set(as_ofs)) if finished(as_of, last, settings)]


def trading_end(as_of: date, settings: Backtest) -> date:
    """Return the last day of the trading months after an as-of date."""
    return months_later(month_name(as_of), settings.trading_months)
