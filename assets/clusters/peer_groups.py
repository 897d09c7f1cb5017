"""The groups of one method: of a classification as given, of a similarity as its tree is cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.forming import form_groups
from assets.clusters.methods import BY_LATENTS
from assets.clusters.peer_methods.latents import latent_vectors
from assets.clusters.peer_methods.nearness import Evidence, Nearness
from assets.clusters.peer_methods.registry import nearness
from assets.clusters.scores import nearest_neighbours
from assets.clusters.stability import (
    Draw,
    Regroup,
    company_draws,
    latent_draws,
    membership_stability,
    suggested_groups,
)
from resources.settings.clusters import Clusters, Method

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
COLUMNS = {"company_id": pl.String, "cluster": pl.Int32, "stability": pl.Float64, "suggested": pl.Int32}


@dataclass(frozen=True)
class Grouping:
    """Rows of `peer_clusters`, `cluster_thresholds` and `neighbours` of one method, without method and as_of."""

    clusters: pl.DataFrame
    thresholds: list[dict[str, Any]]
    neighbours: pl.DataFrame | None
    """None of a classification."""


def group(method: Method, evidence: Evidence, months: Sequence[date], settings: Clusters) -> Grouping:
    """Group the companies by one method.

    A company that the method cannot compare with any is alone: it has no neighbours either, and is nobody's. With
    `cut: theta` everybody is alone where fewer than two companies have all months.

    Parameters
    ----------
    evidence : Evidence
        What is known at the as-of date.
    months : sequence of date
        Those of `evidence.history`, on which theta is chosen.
    """
    near, ids = nearness(method, evidence), evidence.known.ids
    if near.groups is not None:
        return Grouping(_rows(ids, near.groups), [], None)
    rows = _compared(near)
    similarity = near.similarity if len(rows) == len(ids) else near.similarity[np.ix_(rows, rows)]
    neighbours = nearest_neighbours(similarity, [ids[row] for row in rows], settings.neighbours)
    formed = form_groups(similarity, evidence.history[:, rows], months, len(ids), settings)
    if formed is None:
        return Grouping(_rows(ids, np.arange(len(ids))), [], neighbours)
    stability, suggested = np.full(len(ids), np.nan), np.full(len(ids), -1)
    if settings.stability_draws and method in settings.stability_methods:
        draws = _draws(method, evidence, similarity, formed.regroup, settings)
        stability[rows] = membership_stability(formed.labels, draws)
    suggested[rows] = np.where(near.placed[rows], suggested_groups(similarity, formed.labels), -1)
    return Grouping(
        _rows(ids, _with_others(formed.labels, rows, len(ids)), stability, suggested), formed.thresholds, neighbours
    )


def _compared(near: Nearness) -> Labels:
    """Return the companies of which it is known how near any other is."""
    known = np.isfinite(near.similarity)
    np.fill_diagonal(known, False)
    return np.flatnonzero(known.any(axis=1) | known.any(axis=0))


def _draws(
    method: Method, evidence: Evidence, similarity: Floats, regroup: Regroup, settings: Clusters
) -> Iterator[Draw]:
    """Return draws of latents where the similarity is a sum over them, else of companies."""
    for own in BY_LATENTS:
        if own == method:
            return latent_draws(
                latent_vectors(own, evidence.known)[1], regroup, settings.stability_draws, settings.seed
            )
    return company_draws(similarity, regroup, settings.stability_draws, settings.seed)


def _with_others(labels: Labels, rows: Labels, companies: int) -> Labels:
    """Return labels of all companies: those that are not compared are alone, after the others."""
    everyone = np.zeros(companies, dtype=np.int64)
    everyone[rows] = labels
    others = np.setdiff1d(np.arange(companies), rows)
    everyone[others] = labels.max(initial=-1) + 1 + np.arange(len(others))
    return everyone


def _rows(
    ids: list[str], labels: Labels, stability: Floats | None = None, suggested: Labels | None = None
) -> pl.DataFrame:
    none = np.full(len(ids), -1)
    rows = {
        "company_id": ids,
        "cluster": labels,
        "stability": np.full(len(ids), np.nan) if stability is None else stability,
        "suggested": none if suggested is None else suggested,
    }
    known = pl.col("suggested") >= 0
    return pl.DataFrame(rows, schema=COLUMNS).with_columns(
        pl.col("stability").fill_nan(None), suggested=pl.when(known).then("suggested")
    )
