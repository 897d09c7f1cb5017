"""[paper] Cosine distances between the companies of a year, z-scored with a mean and spread of many years."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALER_SHARE = 0.75
"""Of the years, the first ones: the authors' code fits its scaler on the pairs of these, and cuts all years by it."""


@dataclass(frozen=True)
class DistanceScale:
    """What turns a cosine distance into standard deviations."""

    mean: float
    spread: float

    def z(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return z-scored distances; all 0 where the pairs it was fitted on are all alike."""
        if self.spread == 0:
            return np.zeros(len(distances))
        return np.asarray((distances - self.mean) / self.spread, dtype=np.float64)


def cosine_distances(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 - cosine of all pairs of rows [n, components], condensed as in scipy [n (n - 1) / 2].

    A row of zeros has no direction and is at distance 1 from all, as in scikit-learn's `cosine_similarity`.
    """
    norms = np.linalg.norm(scores, axis=1)
    units = scores / np.where(norms > 0, norms, 1.0)[:, None]
    cosine = np.clip(units @ units.T, -1.0, 1.0)
    return np.asarray(1.0 - cosine[np.triu_indices(len(scores), 1)], dtype=np.float64)


def fit_scale(yearly: Sequence[NDArray[np.float64]]) -> DistanceScale:
    """Return the scale of the pairs of the first three quarters of the years, all pairs counted alike.

    Parameters
    ----------
    yearly : sequence of [pairs]
        Cosine distances of each year, the first year first; of a single year, or two, that one counts.
    """
    first = yearly[: max(1, int(SCALER_SHARE * len(yearly)))]
    pairs = np.concatenate([np.empty(0), *first])
    if len(pairs) == 0 or np.ptp(pairs) == 0:
        return DistanceScale(0.0, 0.0)
    return DistanceScale(float(pairs.mean()), float(pairs.std()))
