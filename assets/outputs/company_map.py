"""The map of companies: classical scaling of their cosines to two dimensions, coloured by SIC division."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

WIDTH = 960.0
MAX_HEIGHT = 640.0
MARGIN = 36.0


@dataclass(frozen=True)
class CompanyMap:
    """Positions of companies on a page.

    `xy`: [companies, 2] float64, pixels, rounded to 0.1; `height` in pixels; `shown_share` is the share of squared
    distances that two dimensions keep.
    """

    xy: NDArray[np.float64]
    height: float
    shown_share: float


def map_companies(cosines: NDArray[np.float64]) -> CompanyMap:
    """Return positions [companies, 2] in pixels, y downwards; one scale for both axes unless that is too tall.

    Parameters
    ----------
    cosines : NDArray[np.float64]
        [companies, companies], symmetric, 1 on the diagonal.
    """
    points, shown_share = classical_scaling(cosines)
    spans = np.ptp(points, axis=0) if len(points) else np.zeros(2)
    across = (WIDTH - 2 * MARGIN) / (float(spans[0]) or 1.0)
    scale = np.array([across, min(across, (MAX_HEIGHT - 2 * MARGIN) / (float(spans[1]) or 1.0))])
    lowest = points.min(axis=0) if len(points) else np.zeros(2)
    xy = np.round(MARGIN + (points - lowest) * scale, 1)
    return CompanyMap(xy, round(2 * MARGIN + float(spans[1] * scale[1]), 1), shown_share)


def classical_scaling(cosines: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return coordinates [companies, 2] whose squared distances come closest to 2 (1 - cosine), and the share kept.

    The largest coordinate of each axis is positive, so that the same cosines give the same map. Source: Torgerson 1952.
    """
    n = len(cosines)
    if n < 2:
        return np.zeros((n, 2)), 1.0
    centred = cosines - cosines.mean(axis=0) - cosines.mean(axis=1)[:, None] + cosines.mean()
    values, vectors = eigh(centred, subset_by_index=[n - 2, n - 1])
    values = np.clip(values[::-1], 0.0, None)
    points = vectors[:, ::-1] * np.sqrt(values)
    points *= np.where(points[np.abs(points).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    return points, float(values.sum() / (np.trace(centred) or 1.0))
