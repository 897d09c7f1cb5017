"""How sure a mean lift is: over firms by a bootstrap, over time by dates whose horizons share no month.

What is estimated is the lift that such firms have in expectation over such times: the firms are a draw from those of
this kind of market, and the months a draw from its history. Two things make the mean over dates uncertain.

- **Time.** A date whose horizon overlaps another's says little new. Dates are dealt into as many rows as horizons
  overlap, so that inside a row no two share a month; the variance is that inside the rows, over as many blocks as
  horizons fit without overlap. There are few blocks, so the interval is Student's, not normal.
- **Firms.** The same firms, in much the same groups, come back at every date, so what is particular about them does
  not average out over time. Each bootstrap draw gives every firm one weight for all dates; the covariance of the draws
  of two dates that share no month is the variance that the firms bring to both.

What firms bring to one date alone is in the variance over time already, and so is not counted twice (the inclusion and
exclusion of two-way clustering: Cameron, Gelbach and Miller 2011, equation 2.11).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]

DRAWS = 200
"""Bootstrap draws: the standard error that they give is within about 5 % of that of infinitely many."""
CONFIDENCE = 0.95
ENOUGH_BLOCKS = 2
ENOUGH_DRAWS = 2


@dataclass(frozen=True)
class LiftInterval:
    """The mean lift of a method over its finished dates, and the bounds of its interval.

    The standard errors and bounds are None where the dates hold fewer than two horizons that do not overlap: then
    nothing tells how the lift varies over time. So they are where no two draws tell what the firms bring.
    """

    lift: float
    dates: int
    blocks: int
    """Horizons that fit into the dates without overlap; Student's t has one degree of freedom less."""
    se_time: float | None
    se_firms: float | None
    low: float | None
    high: float | None


def firm_weights(company_ids: Sequence[str], seed: int, draws: int = DRAWS) -> Floats:
    """Return how often each firm is in each bootstrap sample: [draws, firms], independent Poisson counts of mean 1.

    A firm's counts depend on its id and the seed alone, so a firm has the same at every date and under every method,
    whoever else is there (Poisson bootstrap: Hanley and MacGibbon 2006).
    """
    counts = np.empty((draws, len(company_ids)))
    for column, company in enumerate(company_ids):
        key = int.from_bytes(hashlib.sha256(company.encode()).digest()[:8])
        counts[:, column] = np.random.default_rng([seed, key]).poisson(1.0, draws)
    return counts


def lift_draws(
    labels: NDArray[np.int64], corr: Floats, weights: Floats, everyone: tuple[Floats, Floats] | None = None
) -> Floats:
    """Return the lift of each bootstrap sample of firms: [draws], NaN where a sample has no pair inside a group.

    A pair counts as often as both of its firms are drawn, w_i w_j times. Copies of one firm are no pair: their
    correlation of 1 says nothing about groups.

    Parameters
    ----------
    labels : [firms] int
        Group of each firm.
    corr : [firms, firms] float64
        Correlations of returns.
    weights : [draws, firms] float64
        As from `firm_weights`.
    everyone : tuple, optional
        `pair_sums` of all firms, where they are known: they are the same for every grouping.
    """
    total, pairs = everyone or pair_sums(corr, weights)
    inside, inside_pairs = group_pair_sums(labels, corr, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(inside / inside_pairs - total / pairs, dtype=np.float64)


def pair_sums(corr: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return, for each draw, the sum of correlations over ordered pairs of different firms, and how many pairs."""
    squares = (weights**2).sum(axis=1)
    sums = ((weights @ corr) * weights).sum(axis=1) - (weights**2) @ np.diag(corr)
    return sums, weights.sum(axis=1) ** 2 - squares


def group_pair_sums(labels: NDArray[np.int64], corr: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return `pair_sums` over the pairs inside groups."""
    inside, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        sums = pair_sums(corr[np.ix_(members, members)], weights[:, members])
        inside, pairs = inside + sums[0], pairs + sums[1]
    return inside, pairs


def lift_interval(as_of: Sequence[date], lifts: Sequence[float], draws: Floats, horizon_months: int) -> LiftInterval:
    """Return the mean of `lifts` and its interval.

    Parameters
    ----------
    as_of : sequence of date
        The finished dates, ascending; at least one.
    lifts : sequence of float
        Lift at each.
    draws : [draws, dates] float64
        Lift of every bootstrap sample of firms at every date, NaN where it has none.
    horizon_months : int
        Months that each date is scored on.
    """
    values, months = np.asarray(lifts, dtype=np.float64), np.array([day.year * 12 + day.month for day in as_of])
    mean, rows = float(values.mean()), _rows(months, horizon_months)
    blocks = len(values) // rows
    if blocks < ENOUGH_BLOCKS:
        return LiftInterval(mean, len(values), blocks, None, None, None, None)
    apart = np.abs(months[:, None] - months[None, :]) >= horizon_months
    over_time, over_firms = _variance_over_time(values, rows), _variance_over_firms(draws, apart)
    if over_firms is None:
        return LiftInterval(mean, len(values), blocks, None, None, None, None)
    half = float(student.ppf((1 + CONFIDENCE) / 2, blocks - 1)) * float(np.sqrt(over_time + over_firms))
    errors = float(np.sqrt(over_time)), float(np.sqrt(over_firms))
    return LiftInterval(mean, len(values), blocks, *errors, mean - half, mean + half)


def _rows(months: NDArray[np.int64], horizon_months: int) -> int:
    """Return the most dates that begin within one horizon: every so many dates, no two horizons overlap."""
    ends = np.searchsorted(months, months + horizon_months, side="left")
    return int((ends - np.arange(len(months))).max())


def _variance_over_time(values: Floats, rows: int) -> float:
    """Return the variance of the mean from that inside rows of dates that do not overlap."""
    squares = sum(float(((row := values[start::rows]) - row.mean()) @ (row - row.mean())) for start in range(rows))
    return squares / (len(values) - rows) * rows / len(values)


def _variance_over_firms(draws: Floats, apart: NDArray[np.bool_]) -> float | None:
    """Return the mean covariance of the draws of dates that share no month; 0 where it is negative by chance.

    That of two dates is over the draws that both have: over few pairs, no draw may have every date. None where no two
    dates have two draws in common.
    """
    known = np.isfinite(draws)
    has = known.astype(np.float64)
    # What is common to all draws of a date is taken off first, for the digits.
    counts, values = np.maximum(has.sum(axis=0), 1), np.where(known, draws, 0.0)
    rest = np.where(known, values - values.sum(axis=0) / counts, 0.0)
    both, sums = has.T @ has, rest.T @ has
    told = apart & (both >= ENOUGH_DRAWS)
    if not told.any():
        return None
    covariance = (rest.T @ rest - sums * sums.T / np.maximum(both, 1)) / np.maximum(both - 1, 1)
    return max(float(covariance[told].mean()), 0.0)
