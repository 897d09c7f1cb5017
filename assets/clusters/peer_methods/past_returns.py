"""`past_corr`: correlation of the monthly returns up to the as-of date."""

import numpy as np
from numpy.typing import NDArray

from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared

Floats = NDArray[np.float64]

MONTHS = 60
FEWEST_MONTHS = 24
FLAT = 1e-12
"""Share of the mean square below which a variance is rounding."""
ROWS = 1024
"""Companies whose pairs are looked at together."""


def past_corr(evidence: Evidence) -> Nearness:
    """Return correlations over the last 60 months."""
    return compared(paired_correlations(evidence.history[-MONTHS:]))


def paired_correlations(returns: Floats) -> Floats:
    """Return Pearson correlations [n, n] over the months that both have, NaN below 24 or where one never moves."""
    known = np.isfinite(returns)
    has, values = known.astype(np.float64), np.where(known, returns, 0.0)
    found = np.empty((returns.shape[1], returns.shape[1]))
    # A dozen matrices of all pairs are needed on the way: of thousands of companies they would be gigabytes.
    for start in range(0, len(found), ROWS):
        rows = slice(start, start + ROWS)
        found[rows] = _correlations(has[:, rows], values[:, rows], has, values)
    return found


def _correlations(has: Floats, values: Floats, other_has: Floats, other_values: Floats) -> Floats:
    """Return the correlations of some companies [months, m] with all [months, n]: [m, n]."""
    months = has.T @ other_has
    count = np.maximum(months, 1)
    mean, other_mean = values.T @ other_has / count, has.T @ other_values / count
    square, other_square = (values**2).T @ other_has / count, has.T @ other_values**2 / count
    variance, other_variance = square - mean**2, other_square - other_mean**2
    moves = (variance > FLAT * square) & (other_variance > FLAT * other_square)
    defined = (months >= FEWEST_MONTHS) & moves
    scale = np.sqrt(np.where(defined, variance * other_variance, 1.0))
    covariance = values.T @ other_values / count - mean * other_mean
    return np.where(defined, np.clip(covariance / scale, -1.0, 1.0), np.nan)
