"""When the trading months after an as-of date are over in the data: one rule for books and for hedges."""

from datetime import date, timedelta

from assets.partitions import month_name, months_later
from resources.settings.backtest import Backtest

QUIET = timedelta(days=7)
"""The months are over once there is a price within this of their end: their last days may be no trading days."""


def finished(as_of: date, last_price: date | None, settings: Backtest) -> bool:
    """Return whether the trading months after an as-of date are over in the data."""
    return last_price is not None and last_price > trading_end(as_of, settings) - QUIET


def trading_end(as_of: date, settings: Backtest) -> date:
    """Return the last day of the trading months after an as-of date."""
    return months_later(month_name(as_of), settings.trading_months)
