"""Splitting blocks into groups: the strategies, what a partition loses, and how many groups are worth their cost."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from sklearn.cluster import AgglomerativeClustering

from assets.saes.grouping.distances import Matrix
from resources.settings.groups import Strategy

Partition = list[list[int]]
SAME = 12
"""Decimals to which two points of a frontier are compared, so that rounding does not decide between equals."""


class GroupCountError(ValueError):
    """Blocks cannot be split into the number of groups asked for, or a group has no block."""


def diameter(distances: Matrix, group: Sequence[int]) -> float:
    """Return the largest distance between two members (in [0, 1]); 0 for a group of one.

    Raises GroupCountError for a group without members.
    """
    if not len(group):
        raise GroupCountError("a group without blocks has no diameter: leave it out of the partition")
    return float(distances[np.ix_(group, group)].max())


def amad(distances: Matrix, groups: Sequence[Sequence[int]]) -> float:
    """Return the average maximum angular distance, the mean of the groups' diameters (in [0, 1]; Group-SAE, eq. 4)."""
    return float(np.mean([diameter(distances, group) for group in groups])) if groups else 0.0


def predicted_loss(distances: Matrix, groups: Sequence[Sequence[int]]) -> float:
    """Return the mean over blocks of the diameter of the group each is in (in [0, 1]); 0 without groups.

    The size-weighted mean of the diameters, which `optimal` minimises: a big group counts for all of its blocks, where
    in AMAD it counts as much as a singleton.
    """
    weighted = [len(group) * diameter(distances, group) for group in groups]
    return sum(weighted) / sum(map(len, groups)) if groups else 0.0


def partition(distances: Matrix, count: int, strategy: Strategy) -> Partition:
    """Split rows 0..n-1 of a distance matrix into groups.

    Parameters
    ----------
    distances : [n, n] float64
        Angular distances in [0, 1], symmetric, diagonal 0.
    count : int
        Number of groups, 1..n.
    strategy : Strategy
        `optimal`: the contiguous partition with the least size-weighted sum of diameters, exactly. `even`: contiguous,
        sizes differ by at most one, the bigger groups first, whatever the distances (the paper's comparator).
        `complete`: complete linkage on the distances (Group-SAE, section 3). `rows_of_tril`: what the paper's code
        does, complete linkage on Euclidean distances between rows of the strictly lower triangle.

    Returns
    -------
    list of list of int
        Members ascending, groups by their first member, none empty. Groups of the two linkages may have gaps.

    Raises
    ------
    GroupCountError
        `count` is not in 1..n.
    ValueError
        There is no such strategy.
    """
    _check_count(count, len(distances))
    if strategy not in STRATEGIES:
        raise ValueError(f"unknown strategy {strategy!r}: use {', '.join(STRATEGIES)}")
    return STRATEGIES[strategy](distances, count)


def _check_count(count: int, n: int) -> None:
    if not n:
        raise GroupCountError("there are no blocks to put into groups: the last block stands alone, ask for one more")
    if count < 1:
        raise GroupCountError(
            f"cannot put {n} blocks into {count} groups: set groups.count to 1..{n}, or leave it empty"
        )
    if count > n:
        raise GroupCountError(
            f"cannot make {count} groups of {n} blocks, one would be empty: set groups.count to 1..{n}"
        )


def _optimal(distances: Matrix, count: int) -> Partition:
    """Solve exactly, by dynamic programming over `least[g][j]`, the least cost of the first j blocks in g groups.

    The first of equals wins.
    """
    n = len(distances)
    cost = np.full((n + 1, n + 1), np.inf)
    for i in range(n):
        widest = np.maximum.accumulate([distances[i : j + 1, j].max() for j in range(i, n)])
        cost[i, i + 1 :] = widest * np.arange(1, n - i + 1)
    least = np.full((count + 1, n + 1), np.inf)
    least[0, 0] = 0.0
    start = np.zeros((count + 1, n + 1), dtype=int)
    for g in range(1, count + 1):
        total = least[g - 1, :, None] + cost
        start[g], least[g] = total.argmin(axis=0), total.min(axis=0)
    groups: Partition = []
    end = n
    for g in range(count, 0, -1):
        groups.insert(0, list(range(start[g, end], end)))
        end = int(start[g, end])
    return groups


def _even(distances: Matrix, count: int) -> Partition:
    return [[int(i) for i in run] for run in np.array_split(np.arange(len(distances)), count)]


def _complete(distances: Matrix, count: int) -> Partition:
    return _linked(distances, count, "precomputed")


def _rows_of_tril(distances: Matrix, count: int) -> Partition:
    return _linked(np.tril(distances, -1), count, "euclidean")


def _linked(rows: Matrix, count: int, metric: str) -> Partition:
    if count == len(rows):
        return [[i] for i in range(count)]
    labels = AgglomerativeClustering(count, metric=metric, linkage="complete").fit(rows).labels_
    return sorted([int(i) for i in np.flatnonzero(labels == label)] for label in range(count))


STRATEGIES: dict[Strategy, Callable[[Matrix, int], Partition]] = {
    "optimal": _optimal,
    "complete": _complete,
    "rows_of_tril": _rows_of_tril,
    "even": _even,
}


def choose_count(distances: Matrix, strategy: Strategy, max_amad: float) -> int:
    """Return the smallest number of groups with AMAD under `max_amad` (Group-SAE, section 3)."""
    for count in range(1, len(distances)):
        if amad(distances, partition(distances, count, strategy)) < max_amad:
            return count
    return len(distances)


def frontier(distances: Matrix, strategy: Strategy, costs: Sequence[float]) -> pl.DataFrame:
    """Return what each number of groups is predicted to cost and to lose.

    Parameters
    ----------
    distances : [n, n] float64
        Angular distances in [0, 1], symmetric, diagonal 0.
    strategy : Strategy
        As in `partition`.
    costs : n floats
        `cost_ratio` of 1..n groups.

    Returns
    -------
    DataFrame(n_groups, cost_ratio, predicted_loss)
        One row per number of groups, 1..n; `predicted_loss` in [0, 1].
    """
    losses = [
        predicted_loss(distances, partition(distances, count, strategy)) for count in range(1, len(distances) + 1)
    ]
    return pl.DataFrame(
        {
            "n_groups": range(1, len(losses) + 1),
            "cost_ratio": pl.Series(costs, dtype=pl.Float64),
            "predicted_loss": pl.Series(losses, dtype=pl.Float64),
        }
    )


def knee(costs: Sequence[float], losses: Sequence[float]) -> int:
    """Return the place, counted from 1, of the point of a frontier that lies farthest below its chord.

    Both are scaled to [0, 1]; the point with the least sum wins, the first of equals. Where cost grows and loss falls
    from end to end, that is the point farthest below the line between the ends (Satopaa et al. 2011, "Kneedle").
    Scaling takes the units away: because predicted cost is a straight line in the number of groups, the knee is the
    same for every expansion and width. How much loss is worth how much cost is the user's decision: `groups.count`.

    Raises ValueError where the two are not of one length, or empty.
    """
    if not len(costs) or len(costs) != len(losses):
        raise ValueError(f"a frontier needs a cost and a loss per point, got {len(costs)} costs, {len(losses)} losses")
    return int(np.argmin(np.round(_scaled(costs) + _scaled(losses), SAME))) + 1


def _scaled(values: Sequence[float]) -> Matrix:
    """Return values scaled to [0, 1]; all 0 where they do not differ."""
    away = np.asarray(values, dtype=np.float64) - min(values)
    span = away.max()
    return away / span if span > 0 else away
