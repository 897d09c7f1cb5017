"""Linkage: peer groups from a similarity matrix, and the cut chosen on past returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy

from assets.clusters.scores import TooFewReturnsError, all_pairs, complete_returns, mean_corr, pair_correlations
from resources.settings.clusters import Linkage, Objective


class SimilarityError(ValueError):
    """Something that is no similarity matrix."""


@dataclass(frozen=True)
class Tree:
    """A linkage tree. scipy takes no negative distances, so its heights are z-scores minus the smallest, `shift`."""

    merges: NDArray[np.float64]
    shift: float


def z_scored_distances(similarity: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return cosine distances 1 - cos, z-scored over all pairs (Molinari et al. 2025, C-CD).

    Returns
    -------
    [n (n - 1) / 2]
        Condensed as in scipy: (0, 1), (0, 2), ..., (n - 2, n - 1). All 0 where all pairs are equally far apart.

    Raises
    ------
    SimilarityError
        The matrix is not square or holds a value that is not finite.
    """
    if similarity.ndim != 2 or len(set(similarity.shape)) != 1:
        raise SimilarityError(f"similarity must be [n, n], got {similarity.shape}")
    if not np.isfinite(similarity).all():
        row, column = np.argwhere(~np.isfinite(similarity))[0]
        raise SimilarityError(f"similarity of companies {row} and {column} is not finite; check their vectors")
    distances = 1.0 - similarity[np.triu_indices(len(similarity), 1)].astype(np.float64)
    if len(distances) == 0 or np.ptp(distances) == 0:
        return np.zeros(len(distances))
    return np.asarray((distances - distances.mean()) / distances.std(), dtype=np.float64)


def linkage_tree(z: NDArray[np.float64], linkage: Linkage) -> Tree:
    """Return the linkage tree of condensed z-scored distances; `single` is the paper's minimum spanning tree."""
    if len(z) == 0:
        return Tree(np.empty((0, 4)), 0.0)
    shift = float(z.min())
    return Tree(np.asarray(hierarchy.linkage(z - shift, method=linkage)), shift)


def cut_tree(tree: Tree, theta: float) -> NDArray[np.int64]:
    """Return labels [n] of the clusters whose merges are all at theta or below, numbered as by `ranked`."""
    if len(tree.merges) == 0:
        return np.zeros(1, dtype=np.int64)
    return ranked(hierarchy.fcluster(tree.merges, theta - tree.shift, criterion="distance"))


def cut(z: NDArray[np.float64], theta: float, linkage: Linkage) -> NDArray[np.int64]:
    """Return labels [n] of the companies behind condensed z-scored distances, cut at `theta` (standard deviations).

    With `single` these are the connected components of the minimum spanning tree without its edges above theta. A
    lower theta always refines a higher one.
    """
    return cut_tree(linkage_tree(z, linkage), theta)


def ranked(labels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the same groups numbered from 0, the largest first, equal sizes by their first member."""
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    return np.argsort(order).astype(np.int64)[inverse]


def choose_theta(
    z: NDArray[np.float64],
    returns: NDArray[np.float64],
    thetas: Sequence[float],
    linkage: Linkage,
    objective: Objective,
) -> tuple[float, float]:
    """Return the cut that would have grouped past returns best, and its score.

    `mean_corr` is the paper's objective (G-CDR); `pair_lift` is (mean correlation inside clusters - mean of all
    pairs) * sqrt(pairs inside clusters), which rewards purity and coverage together. A cut that leaves everybody
    alone scores 0. Companies without every month help to form the tree but are not scored.

    Parameters
    ----------
    returns: [months, n]
        Monthly log returns, NaN where there is none, companies in the order behind `z`.

    Returns
    -------
    theta, score
        Among equal scores the largest theta, which leaves the fewest companies alone.

    Raises
    ------
    TooFewReturnsError
        Fewer than two months, or fewer than two companies with all of them.
    """
    if not thetas:
        raise ValueError("no thetas to choose from; give at least one")
    window = complete_returns(returns)
    if len(window.kept) < 2:
        raise TooFewReturnsError(f"{len(window.kept)} companies have all {len(returns)} months; theta needs at least 2")
    tree = linkage_tree(z, linkage)
    corr = window.correlations()
    scores = [(_score(cut_tree(tree, theta)[window.kept], corr, objective), theta) for theta in thetas]
    score, theta = max(scores)
    return theta, score


def _score(labels: NDArray[np.int64], corr: NDArray[np.float64], objective: Objective) -> float:
    if objective == "mean_corr":
        return mean_corr(labels, corr) or 0.0
    inside = pair_correlations(labels, corr)
    if len(inside) == 0:
        return 0.0
    return float((inside.mean() - all_pairs(corr)) * np.sqrt(len(inside)))
