"""Linkage: distances and the tree of a similarity matrix, and the groups of a cut through it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from resources.settings.clusters import Linkage

Floats = NDArray[np.float64]
UNKNOWN_BEYOND = 1.0
"""Standard deviations by which an unknown pair is farther apart than the farthest known one."""


class SimilarityError(ValueError):
    """Something that is no similarity matrix."""


@dataclass(frozen=True)
class Tree:
    """A linkage tree. scipy takes no negative distances, so its heights are z-scores minus the smallest, `shift`."""

    merges: Floats
    """[n - 1, 4] as scipy has them, by height."""
    shift: float

    @property
    def heights(self) -> Floats:
        """z-scored distance of every merge, ascending: [n - 1]."""
        return np.asarray(self.merges[:, 2] + self.shift, dtype=np.float64)

    @property
    def leaves(self) -> int:
        """Companies."""
        return len(self.merges) + 1


def z_scored_distances(similarity: NDArray[np.floating[Any]]) -> Floats:
    """Return cosine distances 1 - cos, z-scored over all known pairs (Molinari et al. 2025, C-CD).

    A similarity that is not symmetric counts as the mean of both directions. A pair of which either is unknown (NaN) is
    farther apart than every known one.

    Returns
    -------
    [n (n - 1) / 2]
        Condensed as in scipy: (0, 1), (0, 2), ..., (n - 2, n - 1). All 0 where all pairs are equally far apart, and
        where none is known.

    Raises
    ------
    SimilarityError
        The matrix is not square or holds an infinite value.
    """
    if similarity.ndim != 2 or len(set(similarity.shape)) != 1:
        raise SimilarityError(f"similarity must be [n, n], got {similarity.shape}")
    if np.isinf(similarity).any():
        row, column = np.argwhere(np.isinf(similarity))[0]
        raise SimilarityError(f"similarity of companies {row} and {column} is infinite; check their vectors")
    if len(similarity) < 2:
        return np.zeros(0)
    # In place: with thousands of companies every copy is some hundred megabytes.
    z = np.asarray(squareform(similarity, checks=False), dtype=np.float64)
    z += squareform(similarity.T, checks=False)
    z /= -2.0
    z += 1.0
    return _standardised(z)


def _standardised(distances: Floats) -> Floats:
    unknown = np.isnan(distances)
    known = distances[~unknown] if unknown.any() else distances
    if len(known) == 0 or np.ptp(known) == 0:
        return np.where(unknown, UNKNOWN_BEYOND, 0.0) if len(known) else np.zeros(len(distances))
    mean, spread = known.mean(), known.std()
    distances -= mean
    distances /= spread
    distances[unknown] = (known.max() - mean) / spread + UNKNOWN_BEYOND
    return distances


def linkage_tree(z: Floats, linkage: Linkage) -> Tree:
    """Return the linkage tree of condensed z-scored distances; `single` is the paper's minimum spanning tree."""
    if len(z) == 0:
        return Tree(np.empty((0, 4)), 0.0)
    shift = float(z.min())
    return Tree(np.asarray(hierarchy.linkage(z - shift, method=linkage)), shift)


def cut_tree(tree: Tree, theta: float) -> NDArray[np.int64]:
    """Return labels [n] of the clusters whose merges are all at theta or below, numbered as by `ranked`.

    With `single` these are the connected components of the minimum spanning tree without its edges above theta. A
    lower theta always refines a higher one.
    """
    return labels_after(tree, merges_below(tree, theta))


def merges_below(tree: Tree, theta: float) -> int:
    """Return how many merges are at theta or below."""
    return int(np.searchsorted(tree.merges[:, 2], theta - tree.shift, side="right"))


def labels_after(tree: Tree, merges: int) -> NDArray[np.int64]:
    """Return labels [n] of the clusters after the first so many merges, numbered as by `ranked`."""
    if merges == 0:
        return np.arange(tree.leaves)
    # A merge at the height of the last one is applied with it, as the order of the two says nothing.
    return ranked(hierarchy.fcluster(tree.merges, tree.merges[merges - 1, 2], criterion="distance"))


def cut(z: Floats, theta: float, linkage: Linkage) -> NDArray[np.int64]:
    """Return `cut_tree` of the companies behind condensed z-scored distances, at `theta` (standard deviations)."""
    return cut_tree(linkage_tree(z, linkage), theta)


def ranked(labels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the same groups numbered from 0, the largest first, equal sizes by their first member."""
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    return np.argsort(order).astype(np.int64)[inverse]
