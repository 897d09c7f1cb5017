"""Where a linkage tree is cut: at a stated share of pairs, or at the theta that grouped past returns best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.clusters.linkage import Tree, merges_below
from assets.clusters.scores import TooFewReturnsError, all_pairs, complete_returns
from resources.settings.clusters import Objective

Floats = NDArray[np.float64]
TIED = 1e-9
"""Heights (standard deviations) nearer than this are one: what is beyond depends on the order of adding up."""


def most_pairs(share: float, companies: int) -> int:
    """Return how many pairs are at most so large a share of all pairs of so many companies."""
    # A share such as 1/3 of 3 pairs is 1 pair, although its product is below by a last bit.
    return int(np.floor(share * companies * (companies - 1) / 2 + TIED))


def merges_within(tree: Tree, pairs: int) -> int:
    """Return how many merges the largest cut applies whose groups hold at most `pairs` pairs of companies.

    Merges at one height are applied together or not at all, so no order of companies decides who is in a group.
    """
    between_heights = np.concatenate([[True], np.diff(tree.merges[:, 2], append=np.inf) > TIED])
    return int(np.flatnonzero(between_heights & (pairs_inside(tree) <= pairs))[-1])


def theta_after(tree: Tree, merges: int) -> float:
    """Return a theta that applies so many merges: midway to the next, and one beyond the first or last."""
    heights = tree.heights
    if len(heights) == 0:
        return 0.0
    if merges == 0:
        return float(heights[0] - 1)
    return float(heights[merges - 1 : merges + 1].mean() if merges < len(heights) else heights[-1] + 1)


def pairs_inside(tree: Tree) -> NDArray[np.int64]:
    """Return the pairs inside clusters after 0, 1, ..., n - 1 merges: [n]."""
    left, right = (_sizes(tree)[tree.merges[:, side].astype(np.int64)] for side in (0, 1))
    return np.concatenate([[0], np.cumsum(left * right)])


def choose_theta(tree: Tree, returns: Floats, thetas: Sequence[float], objective: Objective) -> tuple[float, float]:
    """Return the cut that would have grouped past returns best, and its score.

    `mean_corr` is the paper's objective (G-CDR); `pair_lift` is (mean correlation inside clusters - mean of all
    pairs) * sqrt(pairs inside clusters), which rewards purity and coverage together. A cut that leaves everybody
    alone scores 0. Companies without every month help to form the tree but are not scored.

    Parameters
    ----------
    returns: [months, n]
        Monthly log returns, NaN where there is none, companies in the order behind the tree.

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
    corr = window.correlations()
    inside = inside_clusters(tree, window.kept, corr)
    values = inside.mean_corr if objective == "mean_corr" else inside.pair_lift(all_pairs(corr))
    score, theta = max((float(values[merges_below(tree, theta)]), theta) for theta in thetas)
    return theta, score


@dataclass(frozen=True)
class InsideClusters:
    """What correlations are inside clusters after 0, 1, ..., n - 1 merges, over companies with returns."""

    pairs: NDArray[np.int64]
    """[n]: pairs inside."""
    sums: Floats
    """[n]: the sum of their correlations."""
    mean_corr: Floats
    """[n]: MeanCorr [paper], 0 where no cluster has two."""

    def pair_lift(self, everyone: float) -> Floats:
        """Return (mean inside - mean of all pairs) * sqrt(pairs) after every merge, 0 without a pair: [n]."""
        means = self.sums / np.maximum(self.pairs, 1)
        return np.where(self.pairs > 0, (means - everyone) * np.sqrt(self.pairs), 0.0)


def inside_clusters(tree: Tree, kept: NDArray[np.int64], corr: Floats) -> InsideClusters:
    """Return what is inside clusters after every merge, in one pass over the tree.

    A merge adds the pairs between its two parts, which are a block of the matrix once companies stand in the order of
    the leaves. So every pair is added once, however many cuts are tried.

    Parameters
    ----------
    kept : [kept] int
        Leaves whose correlations are known.
    corr : [kept, kept] float64
        Their correlations.
    """
    starts, (left, right) = _starts(tree), tree.merges[:, :2].astype(np.int64).T
    before = np.concatenate([[0], np.cumsum(np.bincount(starts[kept], minlength=tree.leaves))])
    spans = np.stack([before[starts], before[starts + _sizes(tree)]], axis=1)
    placed = np.argsort(starts[kept])
    between = _between(corr[np.ix_(placed, placed)], spans[left], spans[right])
    sums = np.concatenate([np.zeros(tree.leaves), between])
    for node, parts in enumerate(zip(left, right, strict=True), start=tree.leaves):
        sums[node] += sums[parts[0]] + sums[parts[1]]
    members = spans[:, 1] - spans[:, 0]
    pairs = members * (members - 1) // 2
    means, several = sums / np.maximum(pairs, 1), (pairs > 0).astype(np.int64)
    added = [part[tree.leaves :] - part[left] - part[right] for part in (pairs, means, several)]
    inside, gained, clusters = (np.concatenate([[0], np.cumsum(part)]) for part in added)
    mean_corr = np.where(clusters > 0, gained / np.maximum(clusters, 1), 0.0)
    return InsideClusters(inside, np.concatenate([[0.0], np.cumsum(between)]), mean_corr)


def _between(blocks: Floats, left: NDArray[np.int64], right: NDArray[np.int64]) -> Floats:
    """Return the sum of the correlations between the two parts of every merge, each a run of the matrix."""
    runs = zip(left.tolist(), right.tolist(), strict=True)
    return np.array([blocks[a:b, c:d].sum() for (a, b), (c, d) in runs], dtype=np.float64)


def _sizes(tree: Tree) -> NDArray[np.int64]:
    """Return how many leaves are below every node: [2n - 1], leaves first."""
    return np.concatenate([np.ones(tree.leaves, dtype=np.int64), tree.merges[:, 3].astype(np.int64)])


def _starts(tree: Tree) -> NDArray[np.int64]:
    """Return the place of every node's first leaf when leaves stand so that every node is a run: [2n - 1]."""
    sizes, starts = _sizes(tree), np.zeros(2 * tree.leaves - 1, dtype=np.int64)
    for number in reversed(range(len(tree.merges))):
        left, right = tree.merges[number, :2].astype(np.int64)
        starts[left] = starts[tree.leaves + number]
        starts[right] = starts[left] + sizes[left]
    return starts
