"""Johansen's test beside Engle and Granger's: it needs no choice of which price depends on which."""

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.vector_ar.vecm import coint_johansen

Floats = NDArray[np.float64]

AT_5_PERCENT = 1
"""Column of the critical values at 90, 95 and 99 %."""


def johansen(y: Floats, x: Floats, lags: int) -> tuple[float, int]:
    """Return the trace statistic of no cointegration, and the rank at 5 % (0, 1 or 2), by statsmodels.

    Rank 1 is a cointegrated pair; 2 says that both log prices are stationary, which makes every pair of them look so.

    Parameters
    ----------
    y, x : [days] float64
        Log prices, none missing.
    lags : int
        Lagged differences.
    """
    found = coint_johansen(np.column_stack([y, x]), det_order=0, k_ar_diff=lags)
    rejected = found.trace_stat > found.trace_stat_crit_vals[:, AT_5_PERCENT]
    # Ranks are tested upwards, up to the first that is not rejected.
    return float(found.trace_stat[0]), int(np.cumprod(rejected).sum())
