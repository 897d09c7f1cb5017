"""Groups of a similarity: at a stated share of pairs, at the theta that past returns choose, or by Leiden."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.clusters.cuts import choose_theta, merges_within, most_pairs, theta_after
from assets.clusters.leiden import leiden
from assets.clusters.linkage import Tree, cut_tree, labels_after, linkage_tree, z_scored_distances
from assets.clusters.methods import FEWEST
from assets.clusters.scores import complete_returns, pair_count
from assets.clusters.stability import Regroup
from resources.settings.clusters import Clusters

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Formed:
    """Groups of the companies that a method compares."""

    labels: Labels
    """[n], numbered by size."""
    regroup: Regroup
    """Forms groups of another similarity, of as many companies or fewer, by the same cut."""
    thresholds: list[dict[str, Any]]
    """Rows of `cluster_thresholds`, without method and as_of; none where there is no tree."""


def form_groups(
    similarity: Floats, history: Floats, months: Sequence[date], companies: int, settings: Clusters
) -> Formed | None:
    """Return the groups of a similarity [n, n]; None where fewer than two companies can be compared, or correlated.

    Parameters
    ----------
    history : [months, n] float64
        Monthly log returns up to the as-of date, which `cut: theta` is chosen on.
    companies : int
        All that are known at the date. A share is of their pairs, so a method that compares fewer is granted as many.
    """
    if len(similarity) < FEWEST:
        return None
    if settings.cut == "theta":
        return _by_theta(similarity, history, months, settings)
    pairs = most_pairs(settings.pair_share, companies)
    if settings.linkage == "leiden":
        return _by_leiden(similarity, pairs, settings)
    return _by_pair_share(similarity, pairs, companies, settings)


def _by_theta(similarity: Floats, history: Floats, months: Sequence[date], settings: Clusters) -> Formed | None:
    if len(complete_returns(history).kept) < FEWEST:
        return None
    tree = _tree(similarity, settings)
    theta, score = choose_theta(tree, history, settings.thetas, settings.objective)
    row = {"theta": theta, "objective": settings.objective, "score": score}
    dated = {"first_month": months[0], "last_month": months[-1]}
    return Formed(cut_tree(tree, theta), lambda other: cut_tree(_tree(other, settings), theta), [row | dated])


def _by_pair_share(similarity: Floats, pairs: int, companies: int, settings: Clusters) -> Formed:
    def regroup(other: Floats) -> Labels:
        tree = _tree(other, settings)
        return labels_after(tree, merges_within(tree, _of_fewer(pairs, len(other), len(similarity))))

    tree = _tree(similarity, settings)
    merges = merges_within(tree, pairs)
    labels = labels_after(tree, merges)
    share = pair_count(labels) / most_pairs(1.0, companies)
    row = {"theta": theta_after(tree, merges), "objective": "pair_share", "score": share}
    return Formed(labels, regroup, [row])


def _by_leiden(similarity: Floats, pairs: int, settings: Clusters) -> Formed:
    def regroup(other: Floats) -> Labels:
        granted = _of_fewer(pairs, len(other), len(similarity))
        return leiden(other, granted, settings.neighbours, settings.seed)

    return Formed(regroup(similarity), regroup, [])


def _of_fewer(pairs: int, some: int, everyone: int) -> int:
    return pairs * some * (some - 1) // (everyone * (everyone - 1))


def _tree(similarity: Floats, settings: Clusters) -> Tree:
    if settings.linkage == "leiden":
        raise ValueError("leiden has no tree")
    return linkage_tree(z_scored_distances(similarity), settings.linkage)
