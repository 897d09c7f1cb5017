"""Which terms set a latent's windows apart: log-odds with an informative prior (Monroe, Colaresi, Quinn 2008)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

PRIOR = 50.0
"""Occurrences that the prior is worth: shares of terms over all windows."""
MIN_Z = 1.5
"""Standard errors of the log-odds ratio below which a term is chance."""
MIN_WINDOWS = 2
"""Active windows that must have a term, each counted by its activation."""
MIN_USERS = 3
"""Companies that must use a word of a theme in active windows."""
MIN_LIFT = 4.0
"""How much oftener an active window must have it than an inactive one."""
PART_OF = 0.6
PART_OF_AS_LAST = 0.85
"""Share of a word's windows that have it in a phrase, from which it is a part of that phrase."""


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


def used_by_several(present: csr_matrix, awake: NDArray[np.bool_], companies: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which terms several companies use in active windows, which have them far oftener than inactive ones.

    Parameters
    ----------
    present : [windows, terms]
        1 where a window has a term.
    awake : [windows]
        Whether the latent is active.
    companies : [windows]
        Number of the company.
    """
    inside, everywhere = (np.asarray(rows.sum(axis=0)).ravel() for rows in (present[awake], present))
    active, asleep = max(int(awake.sum()), 1), max(int((~awake).sum()), 1)
    lifted = inside / active >= MIN_LIFT * (everywhere - inside) / asleep
    row, term = present[awake].nonzero()
    users = np.unique(np.column_stack([term, companies[awake][row]]), axis=0)[:, 0]
    return np.asarray((np.bincount(users, minlength=present.shape[1]) >= MIN_USERS) & lifted, dtype=np.bool_)


def parts_of_phrases(names: Sequence[str], counts: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which terms are words that mostly stand in one phrase of the list: `real` and `estate`, of `real estate`.

    Singular and plural of a phrase are one. Its last word can stand for it, so more of them must have it.

    Parameters
    ----------
    names : [terms]
    counts : [terms]
        Windows that have each term.
    """
    phrases: dict[str, float] = {}
    for name, count in zip(names, counts, strict=True):
        if " " in name:
            phrases[name.removesuffix("s")] = phrases.get(name.removesuffix("s"), 0.0) + float(count)
    stands: dict[str, float] = {}
    for phrase, count in phrases.items():
        *before, last = phrase.split(" ")
        for word in (last, f"{last}s"):
            stands[word] = max(stands.get(word, 0.0), count / PART_OF_AS_LAST)
        for word in before:
            stands[word] = max(stands.get(word, 0.0), count / PART_OF)
    return np.array([stands.get(name, 0.0) >= n for name, n in zip(names, counts, strict=True)], dtype=np.bool_)
