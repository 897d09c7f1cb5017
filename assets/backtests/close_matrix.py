"""Closes as a matrix of days and companies, on the days on which the market was open."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.partitions import month_name, months_later
from assets.prices.open_days import open_days
from resources.settings.backtest import Backtest

LOOK_BACK = timedelta(days=45)
"""How far before the as-of date the trading matrix looks for the last close."""


class FormationError(ValueError):
    """The prices of a formation window cannot be tested."""


@dataclass(frozen=True)
class CloseMatrix:
    """Adjusted closes of several companies on the same trading days."""

    company_ids: list[str]
    """Columns, sorted."""
    dates: list[date]
    """Rows, ascending."""
    prices: NDArray[np.float64]
    """[dates, companies] USD, NaN where the company has no price."""

    @cached_property
    def column(self) -> dict[str, int]:
        """Company -> its column."""
        return {company_id: i for i, company_id in enumerate(self.company_ids)}


def formation_rows(prices: pl.DataFrame, as_of: date, months: int) -> pl.DataFrame:
    """Return the rows of `prices` in the months up to an as-of date, and nothing after it."""
    after = months_later(month_name(as_of), -months)
    return prices.filter((pl.col("date") > after) & (pl.col("date") <= as_of))


def formed_prices(
    prices: pl.DataFrame, as_of: date, settings: Backtest
) -> tuple[list[str], list[date], NDArray[np.float64]]:
    """Return `formation_prices` of the companies that can still be traded at an as-of date.

    Who has had no close for `halt_days` has stopped trading: a pair or a basket with it could never be opened, and
    would take the place of one that can.

    Parameters
    ----------
    prices : DataFrame
        Rows of `prices` of the formation window, nothing after `as_of`.
    settings : Backtest
        `min_common_days` and `halt_days` are used.
    """
    first: Any = prices["date"].min()
    company_ids, dates, log_prices = formation_prices(prices, first, as_of, settings.min_common_days)
    trading = np.flatnonzero(~np.isnan(log_prices[-settings.halt_days :]).all(axis=0))
    return [company_ids[i] for i in trading], dates, log_prices[:, trading]


def formation_prices(
    prices: pl.DataFrame, first: date, last: date, min_days: float
) -> tuple[list[str], list[date], NDArray[np.float64]]:
    """Return the companies with a price on enough trading days from `first` to `last`, those days, and log prices.

    What is usual, and so what is a trading day, is judged by the window itself.

    Parameters
    ----------
    prices : DataFrame
        Columns company_id, date and adj_close.
    min_days : float
        Share of the trading days on which a company must have a price.

    Returns
    -------
    tuple
        Company ids, dates, and log prices [dates, companies], NaN where there is no price.
    """
    closes = formation_closes(prices, first, last)
    share = np.count_nonzero(~np.isnan(closes.prices), axis=0) / max(len(closes.dates), 1)
    enough = np.flatnonzero(share >= min_days)
    return [closes.company_ids[i] for i in enough], closes.dates, np.log(closes.prices[:, enough])


def formation_closes(prices: pl.DataFrame, first: date, last: date) -> CloseMatrix:
    """Return all closes from `first` to `last`; what is a trading day is judged by the window itself."""
    return _close_matrix(prices, first, last, last)


def trading_closes(prices: pl.DataFrame, as_of: date, last: date) -> CloseMatrix:
    """Return the closes after `as_of` up to `last`; row 0 is the last trading day up to `as_of`, the first signal.

    What is usual, and so what is a trading day, is judged by the weeks before the as-of date.

    Raises
    ------
    FormationError
        There is no price in the weeks before the as-of date.
    """
    closes, first = closes_around(prices, as_of, last)
    return CloseMatrix(closes.company_ids, closes.dates[first:], closes.prices[first:])


def closes_around(prices: pl.DataFrame, as_of: date, last: date) -> tuple[CloseMatrix, int]:
    """Return the closes from `LOOK_BACK` before `as_of` up to `last`, and the row of the last one up to `as_of`.

    Raises
    ------
    FormationError
        There is no price in the weeks before the as-of date.
    """
    closes = _close_matrix(prices, as_of - LOOK_BACK, last, as_of)
    known = sum(day <= as_of for day in closes.dates)
    if not known:
        raise FormationError(
            f"prices: none in the {LOOK_BACK.days} days up to {as_of}; choose as-of dates inside the data"
        )
    return closes, known - 1


def _close_matrix(prices: pl.DataFrame, first: date, last: date, as_of: date) -> CloseMatrix:
    window = prices.filter(pl.col("date").is_between(first, last)).select("company_id", "date", "adj_close")
    days = open_days(window, usual_on=pl.col("date") <= as_of)
    known = window.join(days, on="date", how="semi")
    dates, companies = (known.select(pl.col(key).unique().sort()) for key in ("date", "company_id"))
    # A pivot takes minutes for thousands of columns.
    rows, columns = dates.with_row_index("row"), companies.with_row_index("column")
    placed = known.join(rows, on="date").join(columns, on="company_id")
    matrix = np.full((dates.height, companies.height), np.nan)
    matrix[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["adj_close"].to_numpy()
    # A share cannot be bought for nothing: 0 stands for no price in some sources, and has no logarithm.
    closes = np.where(matrix > 0, matrix, np.nan)
    return CloseMatrix(companies["company_id"].to_list(), dates["date"].to_list(), closes)
