"""The line of one log price on another, for many pairs at once: hedge ratio, its stability, the spread's half-life."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

COLLINEAR = 100 * sqrt(np.finfo(float).eps)
"""Share of variance left by the regression below which two series are one; statsmodels' limit."""
CONSTANT = 1e-6
"""Range of log prices that is none: single precision makes up 1e-7, and what is traded moves by more in a week."""
CONSTANT_PRICE, ONE_SERIES = 1, 2
"""Why a spread cannot be tested, codes of `cointegration.REASONS`."""


@dataclass(frozen=True)
class Line:
    """Least squares of y on x with an intercept, row by row."""

    slope: Floats
    """[pairs], 0 where a price is constant."""
    intercept: Floats
    """[pairs], log USD."""
    spread: Floats
    """[pairs, days] residuals, log USD."""
    reason: Whole
    """[pairs] 0, or why the residuals cannot be tested."""


def fitted_line(y: Floats, x: Floats) -> Line:
    """Regress y on x, [pairs, days] each, row by row."""
    y_mean, x_mean = y.mean(axis=1), x.mean(axis=1)
    moves = _both_move(y, x)
    y, x = y - y_mean[:, None], x - x_mean[:, None]
    slope = _slope(y, x, moves)
    spread = y - slope[:, None] * x
    one = np.vecdot(spread, spread) <= COLLINEAR * np.vecdot(y, y)
    reason = np.select([~moves, one], [CONSTANT_PRICE, ONE_SERIES], 0)
    return Line(slope, y_mean - slope * x_mean, spread, reason)


def half_slopes(y: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return the hedge ratios of the first and of the second half of the days; NaN where a price does not move in it.

    The middle day of an odd number belongs to the second half.
    """
    middle = y.shape[1] // 2
    first, second = (_own_slope(y[:, days], x[:, days]) for days in (slice(middle), slice(middle, None)))
    return first, second


def half_life(spread: Floats) -> Floats:
    """Return -ln 2 / ln(1 + phi), phi the slope of changes on the level; NaN where the spread does not revert.

    Parameters
    ----------
    spread : [pairs, days] float64
        Residuals of the cointegrating regression.

    Returns
    -------
    [pairs] float64
        Days in which half of a deviation is gone.
    """
    level = np.ascontiguousarray(spread[:, :-1])
    phi = np.vecdot(level, np.diff(spread, axis=1)) / np.vecdot(level, level)
    reverts = (phi < 0) & (phi > -1)
    return np.where(reverts, -np.log(2) / np.log1p(np.where(reverts, phi, -0.5)), np.nan)


def _both_move(y: Floats, x: Floats) -> NDArray[np.bool_]:
    return np.asarray((np.ptp(y, axis=1) > CONSTANT) & (np.ptp(x, axis=1) > CONSTANT))


def _own_slope(y: Floats, x: Floats) -> Floats:
    moves = _both_move(y, x)
    slope = _slope(y - y.mean(axis=1, keepdims=True), x - x.mean(axis=1, keepdims=True), moves)
    return np.where(moves, slope, np.nan)


def _slope(y: Floats, x: Floats, moves: NDArray[np.bool_]) -> Floats:
    """Return the slope of centred rows, 0 where one of them does not move."""
    slope: Floats = np.divide(np.vecdot(x, y), np.vecdot(x, x), out=np.zeros(len(y)), where=moves)
    return slope
