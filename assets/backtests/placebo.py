"""Placebo books: what chance alone makes of the same rules on the same dates, and where a real book is among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.accounts import TRADING_DAYS
from assets.backtests.periods import BOOK

Floats = NDArray[np.float64]

BAND = (0.05, 0.5, 0.95)
"""Quantiles of placebo books that a picture shows."""
BookName = tuple[str, ...]
"""Method, selection and strategy of a book: what `BOOK` names."""


@dataclass(frozen=True)
class Placebo:
    """The placebo books of a real book."""

    dates: list[date]
    returns: Floats
    """[days, books] net of costs, over the capital."""
    capital: float
    """All positions of the fullest day at their opening size (USD), or what the real book has."""

    @property
    def annual_returns(self) -> Floats:
        """[books]."""
        mean: Floats = self.returns.mean(axis=0) * TRADING_DAYS
        return mean

    @property
    def sharpes(self) -> Floats:
        """[books], NaN where nothing was traded."""
        sd = self.returns.std(axis=0, ddof=1)
        scaled = sd * sqrt(TRADING_DAYS)
        ratios: Floats = np.divide(self.annual_returns, scaled, out=np.full(len(sd), np.nan), where=sd > 0)
        return ratios

    def over(self, capital: float) -> "Placebo":
        """Return the same books with another capital (USD), so that they compare with a real one's returns."""
        return Placebo(self.dates, self.returns * (self.capital / capital), capital) if capital else self

    def band(self) -> pl.DataFrame:
        """Return date, low, median and high: quantiles of cumulated returns over books, day by day."""
        low, median, high = np.quantile(np.cumsum(self.returns, axis=0), BAND, axis=1)
        dates = pl.Series("date", self.dates, dtype=pl.Date)
        return pl.DataFrame({"date": dates, "low": low, "median": median, "high": high})


def with_percentiles(summaries: list[dict[str, Any]], placebos: Mapping[BookName, Placebo]) -> list[dict[str, Any]]:
    """Return rows of `backtest_summary` with the place of each book among its placebo books."""
    return [{**row, **_place(row["sharpe"], placebos.get(tuple(row[part] for part in BOOK)))} for row in summaries]


def placebo_tables(placebos: Mapping[BookName, Placebo]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of `placebo_books` and of `placebo_bands`."""
    books, bands = [], []
    for book, placebo in placebos.items():
        name = {part: pl.lit(value) for part, value in zip(BOOK, book, strict=True)}
        numbers = {"sharpe": placebo.sharpes, "annual_return": placebo.annual_returns}
        rows = pl.DataFrame(numbers).with_columns(pl.col("sharpe").fill_nan(None))
        books.append(rows.with_columns(**name, draw=pl.int_range(pl.len(), dtype=pl.Int32)))
        bands.append(placebo.band().with_columns(**name))
    return pl.concat(books), pl.concat(bands)


def percentile(value: float | None, placebos: Floats) -> float | None:
    """Return the share of placebo Sharpe ratios below this one, equal ones counted half; None without either."""
    known = placebos[~np.isnan(placebos)]
    if value is None or not len(known):
        return None
    return float(((known < value).sum() + 0.5 * (known == value).sum()) / len(known))


def _place(sharpe: float | None, placebo: Placebo | None) -> dict[str, Any]:
    sharpes = placebo.sharpes if placebo else np.empty(0)
    traded = int(np.count_nonzero(~np.isnan(sharpes)))
    return {"placebo_books": traded, "placebo_percentile": percentile(sharpe, sharpes)}
