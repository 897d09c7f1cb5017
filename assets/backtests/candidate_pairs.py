"""Which pairs are tested: all inside groups, and random ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]


def pairs_within(labels: Sequence[object]) -> Pairs:
    """Return all pairs i < j of members that share a label, [pairs, 2], sorted."""
    _, group = np.unique(np.asarray(labels), return_inverse=True)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []
    found = [m[np.column_stack(np.triu_indices(len(m), 1))] for m in members]
    pairs = np.concatenate([np.empty((0, 2), np.int64), *found]).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def random_pairs(n: int, count: int, seed: int) -> Pairs:
    """Return `count` different pairs i < j out of `n`, or all where there are no more, [pairs, 2], sorted."""
    total = n * (n - 1) // 2
    drawn = (
        np.sort(np.random.default_rng(seed).choice(total, min(count, total), replace=False))
        if total
        else np.empty(0, int)
    )
    row_starts = np.concatenate([[0], np.cumsum(np.arange(n - 1, 0, -1))])
    i = np.searchsorted(row_starts, drawn, side="right") - 1
    return np.column_stack([i, drawn - row_starts[i] + i + 1]).astype(np.int64)
