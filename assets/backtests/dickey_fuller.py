"""Dickey-Fuller regressions of many spreads at once: the number of lags by an information criterion, and t.

The regression is d[t] on e[t], d[t-1], ..., d[t-lags] without a constant; e is the spread, d[t] = e[t+1] - e[t]. Where
regressors are taken in turn, the triangular factor of [regressors, target] holds all that is asked: its last column
says how much of the target each regressor explains beyond those before it, and so the residuals of every number of
lags at once, and t of the regressor that comes last (Frisch and Waugh 1933).
"""

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from resources.settings.backtest import Criterion, most_lags

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

ONE_REGRESSOR = 1e-7
"""Length that a regressor of unit length has beside the others, below which it is a sum of them but for rounding."""
NOISELESS = 1e-10
"""Share of the length of daily changes that the Dickey-Fuller regression leaves, below which it leaves rounding."""
SOUND = 1e-6
"""Smallest square of such a length that normal equations give to 1e-9 and better: they square what rounding does."""
QR_BLOCK = 64
"""Spreads factored at once where normal equations do not do: each holds its regressors, 250 KB for five years."""
COLLINEAR_REGRESSORS, NO_NOISE = 3, 4
"""Why there is no t, codes of `cointegration.REASONS`."""


def chosen_lags(spread: Floats, criterion: Criterion) -> tuple[Whole, Whole]:
    """Return the lags that the criterion chooses, as `statsmodels.tsa.stattools.adfuller` does, and 0 or a reason.

    All numbers of lags up to Schwert's are compared on the days that the largest leaves; of equals the smallest wins.

    Parameters
    ----------
    spread : [pairs, days] float64
        Residuals of the cointegrating regression.

    Returns
    -------
    tuple of [pairs] int
        Lags; and the code of the reason, 0 where lags could be compared.
    """
    most = most_lags(spread.shape[1])
    days = spread.shape[1] - 1 - most
    explained, reason = _explained(spread, most, order=[most + 1, *range(1, most + 1), 0])
    # From the end, so that a small rest is no difference of large numbers.
    left = np.cumsum(explained[:0:-1] ** 2, axis=0)[::-1]
    penalty = 2.0 if criterion == "aic" else log(days)
    scores = days * np.log(np.maximum(left, np.finfo(float).tiny)) + penalty * np.arange(most + 1)[:, None]
    return scores.argmin(axis=0), reason


def level_t(spread: Floats, lags: int) -> tuple[Floats, Whole]:
    """Return t of the level in the regression with this many lags, 0 where there is none; and 0 or the reason.

    Parameters
    ----------
    spread : [pairs, days] float64
        Residuals of the cointegrating regression.
    """
    freedom = spread.shape[1] - 2 * (lags + 1)
    explained, reason = _explained(spread, lags, order=[*range(1, lags + 2), 0])
    reason = np.where((reason == 0) & (np.abs(explained[-1]) <= NOISELESS), NO_NOISE, reason)
    noise = np.abs(explained[-1]) / np.sqrt(freedom)
    t: Floats = np.divide(explained[-2], noise, out=np.zeros(len(spread)), where=reason == 0)
    return t, reason


def _explained(spread: Floats, lags: int, order: Sequence[int]) -> tuple[Floats, Whole]:
    """Return what each regressor explains of the target beyond those before it, and last what none explains.

    Parameters
    ----------
    order : sequence of int
        0 is the target, which comes last, 1 to `lags` the lags, `lags` + 1 the level.

    Returns
    -------
    tuple
        [lags + 2, pairs] lengths for a target of length 1; [pairs] 0 or the code of the reason why there are none.
    """
    explained, sound = _by_cholesky(_moments(spread, lags)[np.ix_(order, order)])
    reason = np.zeros(len(spread), np.int64)
    doubtful = np.flatnonzero(~sound)
    for start in range(0, len(doubtful), QR_BLOCK):
        rows = doubtful[start : start + QR_BLOCK]
        explained[:, rows], singular = _by_qr(_columns(spread[rows], lags)[:, :, order])
        reason[rows[singular]] = COLLINEAR_REGRESSORS
    return explained, reason


def _moments(spread: Floats, lags: int) -> Floats:
    """Return sums of products of changes 0 to `lags` days ago, and of the level, [lags + 2, lags + 2, pairs].

    Only products with today's change and with the level are summed over the days. Those of two lags are the ones of
    a day less, but for the first and the last day.
    """
    change = np.diff(spread, axis=1)
    level, end = np.ascontiguousarray(spread[:, lags:-1]), change.shape[1]
    today, edges = np.ascontiguousarray(change[:, lags:]), np.ascontiguousarray(change.T)
    moments = np.empty((lags + 2, lags + 2, len(spread)))
    for lag in range(lags + 1):
        earlier = change[:, lags - lag : end - lag]
        moments[0, lag] = np.vecdot(today, earlier)
        moments[lags + 1, lag] = np.vecdot(level, earlier)
    for lag in range(1, lags + 1):
        # Changes of the day that comes in and the day that goes out, for this lag and all longer ones.
        first, last = edges[lags - lag :: -1][: lags - lag + 1], edges[end - lag :: -1][: lags - lag + 1]
        moments[lag, lag : lags + 1] = moments[lag - 1, lag - 1 : lags] + first[0] * first - last[0] * last
        moments[lag, :lag] = moments[:lag, lag]
    moments[lags + 1, lags + 1] = np.vecdot(level, level)
    moments[: lags + 1, lags + 1] = moments[lags + 1, : lags + 1]
    return moments


def _by_cholesky(moments: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what `_explained` does, and where it can be trusted; by the triangular factor of [k, k, pairs] moments.

    Pairs are the last axis, so that each step is one operation on all of them; LAPACK takes one small matrix a call.
    """
    squares = np.einsum("iip->ip", moments)
    # A lag of which nearly all is in the days at the edge has lost its digits in `_moments`.
    changes = np.maximum(squares[-1], 0)
    sound = (squares > 0).all(axis=0) & (squares.min(axis=0) > SOUND * changes)
    lengths = np.sqrt(np.where(sound, squares, 1.0))
    left = moments / (lengths[:, None] * lengths)
    row = np.empty(lengths.shape)
    for step in range(len(left)):
        pivot = left[step, step]
        sound &= pivot > SOUND
        column = left[step + 1 :, step] / np.sqrt(np.where(sound, pivot, 1.0))
        left[step + 1 :, step + 1 :] -= column[:, None] * column
        row[step] = column[-1] if len(column) else np.sqrt(np.where(sound, pivot, 1.0))
    return row, sound


def _columns(spread: Floats, lags: int) -> Floats:
    """Return today's change, the lagged ones and the level, each of unit length, [pairs, days, lags + 2]."""
    change = np.diff(spread, axis=1)
    days = change.shape[1] - lags
    shifted = (change[:, lags - lag : lags - lag + days] for lag in range(lags + 1))
    columns = np.stack([*shifted, spread[:, lags:-1]], axis=2)
    lengths = np.linalg.norm(columns, axis=1, keepdims=True)
    return columns / np.where(lengths > 0, lengths, 1.0)


def _by_qr(columns: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what `_explained` does, and where a regressor is a sum of others; by QR of [pairs, days, k] columns."""
    factor: Floats = np.linalg.qr(columns, mode="r")  # type: ignore[assignment]  # of mode r it is one array
    diagonal = np.diagonal(factor, axis1=1, axis2=2)
    singular = np.asarray((np.abs(diagonal[:, :-1]) < ONE_REGRESSOR).any(axis=1))
    return (factor[:, :, -1] * np.where(diagonal < 0, -1.0, 1.0)).T, singular
