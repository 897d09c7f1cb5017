"""The fit of `stack`: least squares over pairs in which no term but the intercept may be negative.

A pair's residual is not independent of another's that shares a company, so intervals are over companies: in a bootstrap
sample a pair counts as often as both of its companies do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from assets.clusters.intervals import CONFIDENCE

Floats = NDArray[np.float64]

FEWEST_COMPANIES = 20
"""Companies without which nothing is fitted: seven weights of fewer pairs would be noise."""
ROWS = 1024
"""Companies whose pairs are multiplied at once: copies of all columns of thousands of companies would be gigabytes."""
FLAT = 1e-12
"""Variance over pairs below which a term is the same for all of them."""


@dataclass(frozen=True)
class Fit:
    """rho = intercept + sum of coefficient times term."""

    intercept: float
    coefficients: Floats
    """[terms], none below 0."""
    is_fitted: bool
    """False where there was nothing to fit, or no term told anything: then it is the plain mean of the terms."""
    pairs: int = 0
    companies: int = 0
    """In these pairs."""
    low: Floats | None = None
    """[1 + terms]: lower bounds of the 95 % intervals of intercept and coefficients; None where not asked for."""
    high: Floats | None = None


def fit(known: Sequence[Floats], later: Floats, weights: Floats | None = None) -> Fit:
    """Return the least squares fit of later correlations on the terms of every pair that has all of them.

    Parameters
    ----------
    known : sequence of [n, n] float64
        The terms, NaN where unknown.
    later : [n, n] float64
        What they are to tell, NaN where unknown.
    weights : [draws, n] float64, optional
        How often each company is in each bootstrap sample, as from `firm_weights`; without them there is no interval.
    """
    usable = np.isfinite(later) & np.logical_and.reduce([np.isfinite(term) for term in known])
    np.fill_diagonal(usable, False)
    pairs, companies = int(usable.sum()) // 2, int(usable.any(axis=0).sum())
    plain = Fit(0.0, np.full(len(known), 1 / len(known)), False, pairs, companies)
    if companies < FEWEST_COMPANIES:
        return plain
    columns = (np.ones(later.shape), *known, later)
    found = solve(pair_products(columns, usable, np.ones((1, len(later))))[0])
    if not found[1:].any():
        return plain
    low, high = (None, None) if weights is None else _bounds(pair_products(columns, usable, weights))
    return Fit(float(found[0]), found[1:], True, pairs, companies, low, high)


def pair_products(columns: Sequence[Floats], usable: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return the sums over ordered pairs of the products of every two columns: [draws, columns, columns].

    Parameters
    ----------
    columns : sequence of [n, n] float64
        Values of pairs.
    usable : [n, n] bool
        Which pairs count.
    weights : [draws, n] float64
        A pair counts w_i w_j times.
    """
    sums = np.zeros((len(weights), len(columns), len(columns)))
    for start in range(0, len(usable), ROWS):
        rows = slice(start, start + ROWS)
        values, own = [np.where(usable[rows], column[rows], 0.0) for column in columns], weights[:, rows]
        for i, one in enumerate(values):
            for j, other in enumerate(values[: i + 1]):
                sums[:, i, j] += ((own @ (one * other)) * weights).sum(axis=1)
    lower = np.tril(sums, -1)
    return np.asarray(sums + lower.transpose(0, 2, 1), dtype=np.float64)


def solve(products: Floats) -> Floats:
    """Return intercept and coefficients [1 + terms], from the products [2 + terms, 2 + terms] of 1, terms and result.

    A term that is the same for all pairs has coefficient 0; so has everything where no pair counts.
    """
    count = products[0, 0]
    if count <= 0:
        return np.zeros(len(products) - 1)
    means = products[0, 1:] / count
    covariance = products[1:, 1:] / count - np.outer(means, means)
    variance = np.diag(covariance)[:-1]
    moves = variance > FLAT
    scale = np.sqrt(np.where(moves, variance, 1.0))
    inner = np.where(moves & moves[:, None], covariance[:-1, :-1] / np.outer(scale, scale), 0.0)
    outer = np.where(moves, covariance[:-1, -1] / scale, 0.0)
    # nnls takes a matrix A and not A'A: a root of it, without the directions in which terms do not differ.
    values, vectors = np.linalg.eigh(inner)
    kept = values > FLAT * max(float(values.max()), FLAT)
    root = np.sqrt(values[kept])
    if not kept.any():
        return np.array([means[-1], *np.zeros(len(variance))])
    coefficients = nnls(root[:, None] * vectors[:, kept].T, (vectors[:, kept].T @ outer) / root)[0] / scale
    return np.array([means[-1] - coefficients @ means[:-1], *coefficients])


def _bounds(drawn_products: Floats) -> tuple[Floats, Floats]:
    drawn = np.array([solve(products) for products in drawn_products])
    low, high = np.quantile(drawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    return low, high
