"""The scoreboard over all finished dates: means, how sure they are, and differences between methods.

What is scored company by company, or pair by pair, has the interval of `assets.clusters.intervals`: over companies by
a bootstrap and over blocks of time that share no month. The cross-section R2 is a series of months: a month that lies
in the horizons of several dates counts once, with the mean over these dates, and the error is Newey and West's.
"""

from collections.abc import Iterator
from datetime import date
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.intervals import CONFIDENCE, DRAWS, lift_interval
from assets.clusters.scoreboard.cross_section import newey_west, paired_difference
from assets.clusters.scoreboard.next_year import OUTCOMES

Row = dict[str, Any]
Series = NDArray[np.float64]
SCORED = ("method", "horizon_months", "score")
MONTHLY = ("horizon_months", "peers")
COMPARED = (
    "hedge_median",
    "hedge_worse",
    "incremental_r2",
    "same_number",
    *(f"{name}_r2" for name in OUTCOMES),
)
"""Scores whose differences between methods are told; all have draws."""


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


def score_difference_rows(scores: pl.DataFrame, draws: pl.DataFrame) -> Iterator[Row]:
    """Yield the rows of `score_differences`: every method less every other, at the dates that both have.

    In a draw a company has the same weight under every method, so what two methods share cancels out of the interval.

    Parameters
    ----------
    scores, draws : DataFrame
        Rows of `peer_scores` and `peer_score_draws` of all as-of dates.
    """
    wanted = scores.filter(pl.col("score").is_in(COMPARED)).drop_nulls("value")
    joined = wanted.join(draws, on=["as_of", *SCORED]).sort("horizon_months", "score", "method", "as_of")
    for (horizon, score), rows in joined.group_by("horizon_months", "score", maintain_order=True):
        dated = {
            str(method): {row["as_of"]: (row["value"], np.array(row["draws"], dtype=np.float64)) for row in own}
            for (method,), own in ((key, part.to_dicts()) for key, part in rows.group_by("method", maintain_order=True))
        }
        for first, second in permutations(dated, 2):
            days = sorted(dated[first].keys() & dated[second].keys())
            if days:
                pairs = [(dated[first][day], dated[second][day]) for day in days]
                values = [own[0] - other[0] for own, other in pairs]
                found = _difference(days, values, np.array([own[1] - other[1] for own, other in pairs]).T, horizon)
                yield {"method": first, "other": second, "horizon_months": horizon, "score": score, **found}


def _difference(days: list[date], values: list[float], draws: NDArray[np.float64], horizon: Any) -> Row:
    """Return the mean over dates, its interval, and that over companies alone: the middle 95 % of the draws' means."""
    found = lift_interval(days, values, draws, int(horizon))
    means = draws.mean(axis=1)
    known = means[np.isfinite(means)]
    low, high = (
        np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist() if len(known) else (None, None)
    )
    return {
        "difference": found.lift,
        "dates": found.dates,
        "blocks": found.blocks,
        "low": found.low,
        "high": found.high,
        "low_firms": low,
        "high_firms": high,
    }


def _by_method(rows: pl.DataFrame) -> dict[str, Series]:
    """Return the R2 of every calendar month by method, NaN where a method has none; months in one order for all."""
    means = rows.sort("as_of").group_by("method", "month", maintain_order=True).agg(pl.col("r2").mean())
    wide = means.pivot("method", index="month", values="r2").sort("month")
    return {name: wide[name].cast(pl.Float64).to_numpy() for name in sorted(set(wide.columns) - {"month"})}
