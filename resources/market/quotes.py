"""What a source of prices gives, wherever it takes it from."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import polars as pl

QUOTES = {
    "ticker": pl.String, "date": pl.Date, "adj_close": pl.Float64, "close": pl.Float64, "volume": pl.Float64,
    "security": pl.String,
}  # fmt: skip

PAUSE_DAYS = 90
"""After more calendar days than this without a quote, a ticker is taken to mean another security."""


class PriceError(ValueError):
    """Prices cannot be used; the message says where, which column and row, and what to do."""


@dataclass(frozen=True)
class Quotes:
    """Daily quotes of the tickers that were asked for, and why others have none."""

    rows: pl.DataFrame
    """Columns QUOTES, unique and sorted by ticker and date; adj_close (USD) positive and finite, the rest may be null.

    `volume` counts shares as `close` does; `security` changes where the ticker goes to another security, if known.
    """
    missing: Mapping[str, str]
    """Ticker -> why it has no quotes."""
    behind: Mapping[str, str] = field(default_factory=dict)
    """Ticker -> why its quotes end before they should."""


class Market(Protocol):
    """A source of daily prices."""

    def quotes(self, tickers: Collection[str], progress: Callable[[int], None] = lambda n: None) -> Quotes:
        """Quotes of the tickers; `progress` is told how many more tickers are done.

        Raises
        ------
        PriceError
            The prices cannot be used or had.
        """
        ...

    def now(self) -> dict[str, str]:
        """Digests of what the outside world has now, for the planner: month ('2004-03', or '') -> digest."""
        ...

    def span(self) -> tuple[date, date]:
        """First and last day on which there can be a price; raises PriceError."""
        ...
