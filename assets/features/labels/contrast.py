"""Which terms set a latent's windows apart: log-odds with an informative prior (Monroe, Colaresi, Quinn 2008)."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

PRIOR = 50.0
"""Occurrences that the prior is worth: shares of terms over all windows."""
MIN_Z = 1.5
"""Standard errors of the log-odds ratio below which a term is chance."""
MIN_WINDOWS = 2
"""Active windows that must have a term, each counted by its activation."""


def contrast(
    present: csr_matrix, totals: NDArray[np.float64], active: NDArray[np.int64], weights: NDArray[np.float32], most: int
) -> NDArray[np.int64]:
    """Return the terms that are over-represented in the active windows, the surest first.

    Parameters
    ----------
    present : [windows, terms]
        1 where a window has a term.
    totals : [terms]
        Windows of the making set that have each term.
    active : [n]
        Active windows of the making set.
    weights : [n]
        Their activations: a strong window says more about what wakes the latent.
    most : int
        Terms at the most.
    """
    if not len(active):
        return np.zeros(0, dtype=np.int64)
    rows = present[active]
    counts = np.asarray(rows.sum(axis=0), dtype=np.float64).ravel()
    inside = np.asarray(rows.T @ (weights / weights.mean()), dtype=np.float64).ravel()
    used = np.flatnonzero(inside > 0)
    inside, outside = inside[used], np.maximum(totals[used] - counts[used], 0.0)
    everywhere = totals.sum()
    prior = PRIOR * totals[used] / everywhere
    n_inside, n_outside = inside.sum(), everywhere - counts.sum()
    odds_inside = np.log((inside + prior) / (n_inside + PRIOR - inside - prior))
    odds_outside = np.log((outside + prior) / (n_outside + PRIOR - outside - prior))
    z = (odds_inside - odds_outside) / np.sqrt(1 / (inside + prior) + 1 / (outside + prior))
    order = np.argsort(-z, kind="stable")[:most]
    chosen = order[(z[order] > MIN_Z) & (inside[order] >= MIN_WINDOWS)]
    return np.asarray(used[chosen], dtype=np.int64)
