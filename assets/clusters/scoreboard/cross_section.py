"""Cross-section R2: how much of the spread of a month's returns the returns of peers explain.

Every month r_i = a + b mean_{j in P(i)} r_j + e over companies (Bhojraj, Lee and Oler 2003; Hoberg and Phillips 2016).
A market return, the same for all in a month, is in a: adjusting for it changes nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from assets.clusters.scoreboard.peers import Peers, month_means, peer_means

Floats = NDArray[np.float64]

FEWEST_FIRMS = 3
"""Companies without which a line through them has no degree of freedom left."""
CONFIDENCE = 0.95
FLAT = 1e-12
"""Share of a series' scale below which its spread is rounding."""


@dataclass(frozen=True)
class MonthlyMean:
    """A mean over months, its Newey-West standard error and 95 % interval; all but `months` None where undefined."""

    mean: float | None
    months: int
    error: float | None
    low: float | None
    high: float | None


def monthly_r2(returns: Floats, peers: Peers) -> Floats:
    """Return the adjusted R2 of every month, the mean over the draws of peers: [months], NaN where there is none.

    Where the peers of everybody may be all others with a return there is none: their mean is the month's sum less the
    company's own return, and explains it whatever the returns are. For the same reason whoever has no peer with a
    return gets the mean of the month with its own return in it: one number for all, which explains nothing.
    """
    known = np.isfinite(returns).sum(axis=1)
    draws = peer_means(returns, peers, month_means(returns))
    found = np.mean([adjusted_r2(returns, means) for means in draws], axis=0)
    return np.where(known > peers.shape[2] + 1, found, np.nan)


def adjusted_r2(returns: Floats, means: Floats, weights: Floats | None = None) -> Floats:
    """Return 1 - (1 - R2)(n - 1)/(n - 2) of every row's regression of `returns` on `means`, both [rows, n].

    NaN where fewer than three companies have both, or where all returns are the same: there is nothing to explain.
    Peers' means that are all the same explain nothing, so R2 is 0 before the adjustment.

    Parameters
    ----------
    returns, means : [rows, n] float64
        A row for each month.
    weights : [rows, n] float64, optional
        How often each company counts in each row, as in a bootstrap sample: 2 is as two companies.
    """
    both = (np.isfinite(returns) & np.isfinite(means)).astype(np.float64)
    both = both if weights is None else both * weights
    n = both.sum(axis=1)
    y, x = _centred(returns, both, n), _centred(means, both, n)
    yy, xx, xy = (both * y**2).sum(axis=1), (both * x**2).sum(axis=1), (both * x * y).sum(axis=1)
    moving = xx > 0
    r2 = np.where(moving, xy**2 / np.where(moving, xx * np.where(yy > 0, yy, 1), 1), 0.0)
    adjusted = 1 - (1 - r2) * (n - 1) / np.maximum(n - 2, 1)
    return np.where((n >= FEWEST_FIRMS) & (yy > 0), adjusted, np.nan)


def newey_west(values: Floats, lags: int | None = None) -> MonthlyMean:
    """Return the mean of a monthly series and how sure it is, autocorrelation allowed for.

    Bartlett's weights (Newey and West 1987), by default over 4 (T/100)^(2/9) lags (1994), T/(T - 1) for small samples;
    the interval is Student's with T - 1 degrees of freedom.

    Parameters
    ----------
    values : [months] float64
        In the order of months; NaN where there is none, which is left out.
    """
    known = values[np.isfinite(values)]
    count = len(known)
    if count == 0:
        return MonthlyMean(None, 0, None, None, None)
    mean = float(known.mean())
    if count < 2:
        return MonthlyMean(mean, count, None, None, None)
    most = int(4 * (count / 100) ** (2 / 9)) if lags is None else lags
    most = min(most, count - 1)
    rest = known - mean
    covariances = [float(rest[lag:] @ rest[: count - lag]) / count for lag in range(most + 1)]
    weights = 1 - np.arange(1, most + 1) / (most + 1)
    long_run = covariances[0] + 2 * float(weights @ np.array(covariances[1:]))
    error = float(np.sqrt(max(long_run, 0.0) / (count - 1)))
    half = float(student.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    return MonthlyMean(mean, count, error, mean - half, mean + half)


def paired_difference(first: Floats, second: Floats, lags: int | None = None) -> MonthlyMean:
    """Return the mean of `first` less `second` over the months that both have, with its Newey-West error."""
    return newey_west(first - second, lags)


def _centred(values: Floats, weights: Floats, n: Floats) -> Floats:
    """Return values less their row's mean, 0 where they do not count; what is rounding becomes 0."""
    counts = weights > 0
    used = np.where(counts, values, 0.0)
    rest = np.where(counts, used - ((weights * used).sum(axis=1) / np.maximum(n, 1))[:, None], 0.0)
    scale = np.abs(used).max(axis=1, initial=0.0)[:, None]
    return np.where(np.abs(rest).max(axis=1, initial=0.0)[:, None] > FLAT * scale, rest, 0.0)
