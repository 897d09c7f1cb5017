"""On which days the market was open; here, since backtests read prices and may not import the stage that makes them."""

import polars as pl

OPEN_SHARE = 0.5
"""A day counts where at least this share of the usual number of companies has a price."""


def open_days(prices: pl.DataFrame, usual_on: pl.Expr) -> pl.DataFrame:
    """Return the days on which at least half of the usual number of companies have a price, column date, sorted.

    Any other day is a hole in the data, or a holiday on which a few names were quoted all the same.

    Parameters
    ----------
    prices : DataFrame
        Columns company_id and date, one row per company and day.
    usual_on : Expr
        Which days say what is usual, as a condition on `date`: the median of their numbers of companies is. Where
        there is no such day, every day counts.
    """
    days = prices.group_by("date").len("companies")
    usual = pl.col("companies").filter(usual_on).median().fill_null(0)
    return days.filter(pl.col("companies") >= OPEN_SHARE * usual).select("date").sort("date")
