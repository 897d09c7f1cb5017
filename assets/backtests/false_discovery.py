"""How many of the pairs that pass would pass by luck."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def benjamini_hochberg(p: Floats) -> Floats:
    """Return the smallest false discovery rate at which each test passes (Benjamini and Hochberg 1995), [tests].

    Raises
    ------
    ValueError
        A p is no number: whoever was not tested has no place among the tests.
    """
    if np.isnan(p).any():
        raise ValueError(f"Benjamini-Hochberg: {np.isnan(p).sum()} of {len(p)} p-values are NaN; leave these tests out")
    order = np.argsort(p, kind="stable")[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return q
