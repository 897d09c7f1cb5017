"""The protocol of a source of daily prices, and the quotes that it returns."""

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
"""After more calendar days than this without a quote, a ticker is taken to be another security."""


class PriceError(ValueError):
    """Prices are unusable or not available; the message names file, row, column and the fix."""


@dataclass(frozen=True)
class Quotes:
    """Daily quotes of the requested tickers, and why some have none."""

    rows: pl.DataFrame
    """Columns QUOTES, unique and sorted by ticker and date; adj_close (USD) positive and finite, the rest may be null.

    `volume` is in shares after the same splits as `close`. `security` changes where the ticker passes to another
    security, if that is known.
    """
    missing: Mapping[str, str]
    """Ticker -> why it has no quotes."""
    behind: Mapping[str, str] = field(default_factory=dict)
    """Ticker -> why its quotes end before they should."""


class Market(Protocol):
    """A source of daily prices."""

    def quotes(self, tickers: Collection[str], progress: Callable[[int], None] = lambda n: None) -> Quotes:
        """Return the quotes of the tickers; `progress` is called with the number of tickers that are newly done.

        Raises
        ------
        PriceError
            The prices are unusable or not available.
        """
        ...

    def now(self) -> dict[str, str]:
        """Return digests of what the source has now, for the planner: month ('2004-03', or '') -> digest."""
        ...

    def span(self) -> tuple[date, date]:
        """Return the first and last day that can have a price. Raises PriceError."""
        ...
