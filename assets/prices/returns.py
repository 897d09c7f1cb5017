"""Monthly log returns, from last trade to last trade of consecutive months."""

import polars as pl

OUTLIER = 1.0
"""A log return beyond this is flagged `outlier`."""
STALE_DAYS = 5
"""A month with this many identical closes in a row is flagged `stale`."""
GRACE_DAYS = 4
"""The last month of the data counts where they reach to within this many days of its end: a long weekend."""
DECIMALS = 8
"""Returns are rounded to this many decimals, so that another processor's last bits change no digest."""


def monthly_returns(prices: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `monthly_returns`: one per company and month, sorted by both.

    A return needs a trade in its month and one in the calendar month before: none is made over a missing month. The
    last month of the data is left out where they end more than four days before its end: part of a month is none.

    Parameters
    ----------
    prices : DataFrame
        Columns company_id, date and adj_close (USD, positive), unique by company and date.

    Returns
    -------
    DataFrame
        company_id; month, its last calendar day; log_return, rounded to 1e-8; flags, `outlier` where the return is
        beyond 1 in either direction, `stale` where the month has five identical closes in a row.
    """
    daily = prices.select("company_id", "date", "adj_close").filter(_in_a_complete_month())
    closes = _month_ends(daily.sort("company_id", "date"))
    return (
        closes.with_columns(log_return=_log_return())
        .drop_nulls("log_return")
        .select("company_id", pl.col("date").dt.month_end().alias("month"), "log_return", _flags())
    )


def _in_a_complete_month() -> pl.Expr:
    """Whether a day's month is over, or as good as over, on the last day of the data."""
    return pl.col("date").dt.month_end() <= pl.col("date").max().dt.offset_by(f"{GRACE_DAYS}d")


def _month_ends(daily: pl.DataFrame) -> pl.DataFrame:
    """One row per company and month: last trading day and close, month number, and whether the month is stale."""
    number = (pl.col("date").dt.year().cast(pl.Int32) * 12 + pl.col("date").dt.month()).alias("number")
    return (
        daily.with_columns(number)
        .with_columns(unchanged=_same_as_before("company_id", "number", "adj_close"))
        .with_columns(
            stale=pl.all_horizontal(pl.col("unchanged").shift(n, fill_value=False) for n in range(STALE_DAYS - 1))
        )
        .group_by("company_id", "number", maintain_order=True)
        .agg(pl.col("date", "adj_close").last(), pl.col("stale").any())
    )


def _same_as_before(*columns: str) -> pl.Expr:
    """Whether the row equals the one above it in all the columns."""
    return pl.all_horizontal((pl.col(c) == pl.col(c).shift(1)).fill_null(False) for c in columns)


def _log_return() -> pl.Expr:
    """Log return against the row above, null unless that is the same company one month earlier."""
    follows = (pl.col("company_id") == pl.col("company_id").shift(1)) & (pl.col("number").diff() == 1)
    change = pl.col("adj_close").log() - pl.col("adj_close").log().shift(1)
    return pl.when(follows).then(change.round(DECIMALS) + 0.0)


def _flags() -> pl.Expr:
    outlier = pl.when(pl.col("log_return").abs() > OUTLIER).then(pl.lit("outlier"))
    stale = pl.when("stale").then(pl.lit("stale"))
    return pl.concat_list(outlier, stale).list.drop_nulls().alias("flags")
