"""Scores of every method at one as-of date, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.intervals import firm_weights, lift_draws, lift_interval, pair_sums
from assets.clusters.nearest import nearest_matches, nearest_shares
from assets.clusters.scores import (
    ReturnWindow,
    all_pairs,
    complete_returns,
    formed,
    nearest_peer_corr,
    return_matrix,
    score_clusters,
)
from assets.partitions import month_name, months_later
from resources.settings.clusters import Clusters


@dataclass(frozen=True)
class Horizon:
    """The months after an as-of date on which its groups are scored."""

    months: list[date]
    """Their last days."""
    over: int
    """How many of them are over in the data."""

    @property
    def finished(self) -> bool:
        """Whether all are over. Before that nothing is scored: over two months every correlation is 1 or -1."""
        return self.over == len(self.months)


def horizon_after(as_of: date, count: int, returns: pl.DataFrame) -> Horizon:
    """Return the horizon of `count` months.

    How far it has come is told by the last month that any company has a return in, not company by company: a firm that
    is delisted does not keep the others from being scored.
    """
    months = [months_later(month_name(as_of), number) for number in range(1, count + 1)]
    last: Any = returns["month"].max()
    return Horizon(months, sum(last is not None and month <= last for month in months))


def score_rows(
    clusters: pl.DataFrame, returns: pl.DataFrame, horizon: Horizon, settings: Clusters
) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
    """Yield every method's row of `cluster_scores`, without as_of and left_out, and its bootstrap draws of the lift.

    Before the horizon is finished the scores are absent, and there is no draw.

    Parameters
    ----------
    clusters : DataFrame
        Rows of `peer_clusters` of one as-of date: every method groups the same companies.
    returns : DataFrame
        Rows of `monthly_returns` after that date that count.
    """
    groups = clusters.pivot("method", index="company_id", values="cluster").sort("company_id")
    shared = {
        "first_month": horizon.months[0],
        "last_month": horizon.months[-1],
        "months": horizon.over,
        "horizon_months": len(horizon.months),
        "finished": horizon.finished,
        "placebo_draws": settings.placebo_draws,
    }
    stability = dict(clusters.group_by("method").agg(pl.col("stability").mean()).iter_rows())
    rows = {
        method: {"method": method, "stability": stability[method], **shared, **formed(groups[method].to_numpy())}
        for method in sorted(set(groups.columns) - {"company_id"})
    }
    if not horizon.finished:
        yield from ((row, np.empty(0)) for row in rows.values())
        return
    ids = groups["company_id"].to_list()
    window = complete_returns(return_matrix(returns, ids, horizon.months))
    # Once for all methods: with thousands of companies these are what takes the time.
    corr, weights = window.correlations(), firm_weights(ids, settings.seed)[:, window.kept]
    everyone = pair_sums(corr, weights)
    for method, row in rows.items():
        labels = groups[method].to_numpy().astype("int64")
        scores = score_clusters(labels, window.kept, corr, draws=settings.placebo_draws, seed=settings.seed)
        yield row | scores, lift_draws(labels[window.kept], corr, weights, everyone)


def draw_rows(method: str, draws: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return the rows of `lift_draws` of one method, without as_of; a draw without a pair inside a group is empty."""
    return [
        {"method": method, "draw": number, "lift": lift if np.isfinite(lift) else None}
        for number, lift in enumerate(draws.tolist())
    ]


def interval_rows(scores: pl.DataFrame, draws: pl.DataFrame, horizon_months: int) -> Iterator[dict[str, Any]]:
    """Yield the row of `lift_intervals` of every method that has a lift at a finished date.

    Parameters
    ----------
    scores, draws : DataFrame
        Rows of `cluster_scores` and `lift_draws` of all as-of dates.
    """
    lifts = scores.filter("finished").drop_nulls("lift").sort("method", "as_of")
    for (method,), rows in lifts.group_by("method", maintain_order=True):
        dates = rows["as_of"].to_list()
        wide = draws.filter(pl.col("method") == method).pivot("as_of", index="draw", values="lift").sort("draw")
        matrix = wide.select(str(day) for day in dates).cast(pl.Float64).to_numpy()
        found = lift_interval(dates, rows["lift"].to_list(), matrix, horizon_months)
        yield {"method": method, **vars(found)}


def neighbour_rows(
    neighbours: pl.DataFrame, clusters: pl.DataFrame, sic_groups: pl.DataFrame, returns: pl.DataFrame, horizon: Horizon
) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """Return the rows of `neighbour_scores` and of `nearest_matches`, both without as_of; `random` stands for chance.

    Parameters
    ----------
    neighbours, clusters, sic_groups : DataFrame
        Rows of these tables of one as-of date.
    returns : DataFrame
        Rows of `monthly_returns` after that date that count.
    """
    ids = clusters["company_id"].unique().sort().to_list()
    major_groups = dict(sic_groups.select("company_id", "major_group").iter_rows())
    matches = nearest_matches(neighbours, {company: major_groups.get(company) for company in ids})
    forward = forward_correlations(neighbours, ids, returns, horizon)
    asked = {row["method"]: row for row in nearest_shares(matches)}
    nobody = {"companies": 0, "alone": 0}
    return [
        {"method": method, **nobody, **asked.get(method, {}), "forward_corr": corr, "forward_companies": companies}
        for method, (corr, companies) in forward.items()
    ], matches


def forward_correlations(
    neighbours: pl.DataFrame, company_ids: list[str], returns: pl.DataFrame, horizon: Horizon
) -> dict[str, tuple[float | None, int | None]]:
    """Return, by method, the mean correlation with the nearest peer over the horizon, and of how many companies.

    `random` is the mean over all pairs. Nothing is said before the horizon is finished.
    """
    methods = neighbours["method"].unique().sort().to_list()
    if not horizon.finished:
        return dict.fromkeys([*methods, "random"], (None, None))
    window = complete_returns(return_matrix(returns, company_ids, horizon.months))
    found: dict[str, tuple[float | None, int | None]] = {
        method: nearest_peer_corr(neighbours.filter(method=method), company_ids, window) for method in methods
    }
    return found | {"random": _chance(window)}


def _chance(window: ReturnWindow) -> tuple[float | None, int]:
    if len(window.kept) < 2:
        return None, 0
    return all_pairs(window.correlations()), len(window.kept)
