"""The scoreboard over all finished dates: means, how sure they are, and differences between methods.

What is scored company by company, or pair by pair, has the interval of `assets.clusters.intervals`: over companies by
a bootstrap and over blocks of time that share no month. The cross-section R2 is a series of months: a month that lies
in the horizons of several dates counts once, with the mean over these dates, and the error is Newey and West's.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.intervals import DRAWS, lift_interval
from assets.clusters.scoreboard.cross_section import newey_west, paired_difference

Row = dict[str, Any]
Series = NDArray[np.float64]
SCORED = ("method", "horizon_months", "score")
MONTHLY = ("horizon_months", "peers")


def interval_rows(scores: pl.DataFrame, draws: pl.DataFrame) -> Iterator[Row]:
    """Yield the rows of `peer_intervals` for scores of dates; a date without the score is left out of its mean.

    Parameters
    ----------
    scores, draws : DataFrame
        Rows of `peer_scores` and `peer_score_draws` of all as-of dates.
    """
    joined = scores.drop_nulls("value").join(draws, on=["as_of", *SCORED], how="left").sort(*SCORED, "as_of")
    for (method, horizon, score), rows in joined.group_by(*SCORED, maintain_order=True):
        # Without draws nothing tells the variance that companies bring, so there is no interval.
        none = [None] * DRAWS
        drawn = np.array([row or none for row in rows["draws"].to_list()], dtype=np.float64).T
        found = lift_interval(rows["as_of"].to_list(), rows["value"].to_list(), drawn, int(str(horizon)))
        yield {
            "method": method,
            "horizon_months": horizon,
            "score": score,
            "share": rows["share"].mean(),
            "value": found.lift,
            "dates": found.dates,
            "blocks": found.blocks,
            "low": found.low,
            "high": found.high,
        }


def r2_rows(monthly: pl.DataFrame) -> Iterator[Row]:
    """Yield the rows of `peer_intervals` for the cross-section R2 with each number of peers.

    Parameters
    ----------
    monthly : DataFrame
        Rows of `monthly_r2` of all as-of dates.
    """
    for (horizon, peers), rows in monthly.sort("method").group_by(*MONTHLY, maintain_order=True):
        dates = rows["as_of"].n_unique()
        for method, series in _by_method(rows).items():
            found = newey_west(series)
            if found.mean is not None:
                yield {
                    "method": method,
                    "horizon_months": horizon,
                    "score": f"r2_{peers}",
                    "share": None,
                    "value": found.mean,
                    "dates": dates,
                    "blocks": found.months,
                    "low": found.low,
                    "high": found.high,
                }


def difference_rows(monthly: pl.DataFrame) -> Iterator[Row]:
    """Yield the rows of `r2_differences`: every method less every other, month by month."""
    for (horizon, peers), rows in monthly.sort("method").group_by(*MONTHLY, maintain_order=True):
        series = _by_method(rows)
        for first, second in permutations(series, 2):
            found = paired_difference(series[first], series[second])
            if found.mean is not None:
                yield {
                    "method": first,
                    "other": second,
                    "horizon_months": horizon,
                    "peers": peers,
                    "difference": found.mean,
                    "months": found.months,
                    "error": found.error,
                    "low": found.low,
                    "high": found.high,
                }


def _by_method(rows: pl.DataFrame) -> dict[str, Series]:
    """Return the R2 of every calendar month by method, NaN where a method has none; months in one order for all."""
    means = rows.sort("as_of").group_by("method", "month", maintain_order=True).agg(pl.col("r2").mean())
    wide = means.pivot("method", index="month", values="r2").sort("month")
    return {name: wide[name].cast(pl.Float64).to_numpy() for name in sorted(set(wide.columns) - {"month"})}
