"""Monthly log returns, from last trade to last trade of consecutive months, and what is odd about them."""

import math
from collections.abc import Collection
from datetime import date

import polars as pl

from assets.prices.open_days import open_days
from resources.settings.prices import Flag

OUTLIER = 1.0
"""A log return beyond this is flagged `outlier`."""
UNDONE = math.log(1.5)
"""Two months that come to no more than this are a reversal, if one of them is an outlier and they are opposed."""
STALE_DAYS = 5
"""A month in which this many identical closes in a row are reached is flagged `stale`."""
GRACE_DAYS = 4
"""The last month of the data counts where they reach to within this many days of its end: a long weekend."""
QUIET_DAYS = 14
"""A company whose last trade is more than this before the last day of the data is flagged `delisted`."""
DECIMALS = 9
"""Returns are rounded to this many decimals, so that another processor's last bits change no digest."""


def monthly_returns(prices: pl.DataFrame, behind: Collection[str] = ()) -> pl.DataFrame:
    """Return the rows of `monthly_returns`: one per company and month, sorted by both.

    A return needs a trade in its month and one in the calendar month before: none is made over a missing month. The
    month in which a company stops trading runs to its last price. The last month of the data is left out where they
    end more than four days before its end: part of a month is none. They end on the last day on which at least half
    as many companies trade as on the median day of the last year.

    Parameters
    ----------
    prices : DataFrame
        Columns company_id, date and adj_close (USD, positive), unique by company and date.
    behind : collection of str
        Companies whose prices end early for another reason than delisting.

    Returns
    -------
    DataFrame
        company_id; month, its last calendar day; log_return, rounded to 1e-9; flags, in this order: `outlier` beyond
        1 in either direction; `reversal` where it undoes the month before (after Ince and Porter 2006, section 3, who
        ask for 300 % undone to within 50 %): of opposite sign, one of the two an outlier, together within log 1.5;
        `stale` where a run of identical closes, be it over month-ends, reaches its fifth or goes on beyond it;
        `delisted` for the month of the company's last trade, more than 14 days before the last day of all prices.
        Only `delisted` depends on later months.
    """
    daily = prices.select("company_id", "date", "adj_close").sort("company_id", "date")
    last_day = pl.lit(_last_day(daily), pl.Date)
    months = _month_ends(daily).filter(_is_over(last_day))
    months = months.with_columns(log_return=_log_return(), gone=_gone(last_day, behind))
    months = months.with_columns(flags=_flags())
    return months.drop_nulls("log_return").select("company_id", "month", "log_return", "flags")


def _last_day(daily: pl.DataFrame) -> date | None:
    """Return the last day on which the market was open by the measure of the data's last year: not stragglers' days."""
    in_the_last_year = pl.col("date") > pl.col("date").max().dt.offset_by("-1y")
    last: date | None = open_days(daily, usual_on=in_the_last_year).select(pl.col("date").max()).item()
    return last


def _month_ends(daily: pl.DataFrame) -> pl.DataFrame:
    """Return a row per company and month: month, its number, last trading day and close, if stale, and last trade."""
    number = (pl.col("date").dt.year().cast(pl.Int32) * 12 + pl.col("date").dt.month()).alias("number")
    months = (
        daily.with_columns(number)
        .with_columns(unchanged=_unchanged())
        .with_columns(
            stale=pl.all_horizontal(pl.col("unchanged").shift(n, fill_value=False) for n in range(STALE_DAYS - 1))
        )
        .group_by("company_id", "number", maintain_order=True)
        .agg(pl.col("date", "adj_close").last(), pl.col("stale").any())
    )
    return months.with_columns(month=pl.col("date").dt.month_end(), ends=pl.col("date").max().over("company_id"))


def _unchanged() -> pl.Expr:
    """Return whether a close equals the one before, of the same company and at most a calendar month earlier."""
    same = pl.all_horizontal(pl.col(c) == pl.col(c).shift(1) for c in ("company_id", "adj_close"))
    return (same & (pl.col("number").diff() <= 1)).fill_null(False)


def _is_over(last_day: pl.Expr) -> pl.Expr:
    """Return whether a month is over, or as good as over, on the last day of the data."""
    return pl.col("month") <= last_day.dt.offset_by(f"{GRACE_DAYS}d")


def _follows() -> pl.Expr:
    """Return whether the row above is the same company one month earlier."""
    return (pl.col("company_id") == pl.col("company_id").shift(1)) & (pl.col("number").diff() == 1)


def _log_return() -> pl.Expr:
    change = pl.col("adj_close").log() - pl.col("adj_close").log().shift(1)
    return pl.when(_follows()).then(change.round(DECIMALS) + 0.0)


def _gone(last_day: pl.Expr, behind: Collection[str]) -> pl.Expr:
    """Return whether the month is the company's last, ended by its last trade."""
    known = ~pl.col("company_id").is_in(list(behind))
    return known & (pl.col("date") == pl.col("ends")) & (pl.col("ends") < last_day.dt.offset_by(f"-{QUIET_DAYS}d"))


def _flags() -> pl.Expr:
    """Return what is odd about every return; one that is not null has its month before in the row above."""
    value = pl.col("log_return")
    before = value.shift(1)
    odd: dict[Flag, pl.Expr] = {
        "outlier": value.abs() > OUTLIER,
        "reversal": (pl.max_horizontal(value.abs(), before.abs()) > OUTLIER) & ((value + before).abs() <= UNDONE),
        "stale": pl.col("stale"),
        "delisted": pl.col("gone"),
    }
    return pl.concat_list(pl.when(is_so).then(pl.lit(flag)) for flag, is_so in odd.items()).list.drop_nulls()
