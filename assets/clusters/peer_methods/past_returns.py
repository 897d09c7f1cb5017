"""`past_corr`: correlation of the monthly returns up to the as-of date."""

import numpy as np
from numpy.typing import NDArray

from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared

MONTHS = 60
FEWEST_MONTHS = 24


def past_corr(evidence: Evidence) -> Nearness:
    """Return correlations over the last 60 months."""
    return compared(paired_correlations(evidence.history[-MONTHS:]))


def paired_correlations(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson correlations [n, n] over the months that both have, NaN below 24 or where one never moves."""
    known = np.isfinite(returns)
    has, values = known.astype(np.float64), np.where(known, returns, 0.0)
    months = has.T @ has
    count, sums, squares = np.maximum(months, 1), values.T @ has, (values**2).T @ has
    covariance = values.T @ values / count - sums * sums.T / count**2
    variance = squares / count - (sums / count) ** 2
    moves = variance > 1e-12 * squares / count
    defined = (months >= FEWEST_MONTHS) & moves & moves.T
    scale = np.sqrt(np.where(defined, variance * variance.T, 1.0))
    return np.where(defined, np.clip(covariance / scale, -1.0, 1.0), np.nan)
