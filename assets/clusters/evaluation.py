"""Scores of every method at one as-of date, side by side."""

from typing import Any

import polars as pl

from assets.clusters.scores import (
    all_pairs,
    chance_share,
    complete_returns,
    nearest_peer_corr,
    return_matrix,
    same_group_share,
    score_clusters,
)
from resources.settings.clusters import Clusters

ENOUGH_MONTHS = 2


def score_rows(
    clusters: pl.DataFrame, returns: pl.DataFrame, settings: Clusters, left_out: int
) -> list[dict[str, Any]]:
    """Return the rows of `cluster_scores` without as_of; none while fewer than two months after that date are known.

    Parameters
    ----------
    clusters : DataFrame
        Rows of `peer_clusters` of one as-of date.
    returns : DataFrame
        Rows of `monthly_returns` after that date that count.
    left_out : int
        How many more there were.
    """
    months = returns["month"].unique().sort().to_list()
    if len(months) < ENOUGH_MONTHS:
        return []
    rows = []
    for (method,), members in clusters.sort("method", "company_id").group_by("method", maintain_order=True):
        labels, ids = members["cluster"].to_numpy().astype("int64"), members["company_id"].to_list()
        scored = score_clusters(labels, ids, returns, months, draws=settings.placebo_draws, seed=settings.seed)
        rows.append({"method": method, "left_out": left_out, **scored})
    return rows


def neighbour_rows(
    neighbours: pl.DataFrame, clusters: pl.DataFrame, sic_groups: pl.DataFrame, returns: pl.DataFrame
) -> list[dict[str, Any]]:
    """Return the rows of `neighbour_scores` without as_of: each method that has neighbours, and `random` for chance.

    Parameters
    ----------
    neighbours, clusters, sic_groups : DataFrame
        Rows of these tables of one as-of date.
    returns : DataFrame
        Rows of `monthly_returns` after that date that count.
    """
    ids = clusters["company_id"].unique().sort().to_list()
    major_groups = dict(sic_groups.select("company_id", "major_group").iter_rows())
    groups = {company: major_groups.get(company) for company in ids}
    months = returns["month"].unique().sort().to_list()
    matrix = return_matrix(returns, ids, months) if len(months) >= ENOUGH_MONTHS else None
    rows = []
    for (method,), near in neighbours.group_by("method", maintain_order=True):
        share, asked = same_group_share(near, groups)
        forward = nearest_peer_corr(near, ids, matrix) if matrix is not None else None
        rows.append({"method": method, "same_major_group": share, "companies": asked, "forward_corr": forward})
    chance = all_pairs(complete_returns(matrix).correlations()) if matrix is not None else None
    # Every method is asked about the same companies: those grouped, in a major group that is large enough.
    asked = rows[0]["companies"] if rows else 0
    return [
        *rows,
        {"method": "random", "same_major_group": chance_share(groups), "companies": asked, "forward_corr": chance},
    ]
