"""How sure a book's numbers are: a circular block bootstrap of its days (Politis and Romano 1992)."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from assets.backtests.book import TRADING_DAYS

Floats = NDArray[np.float64]

BLOCK_DAYS = 21
"""Days that stay together: positions are held for weeks, so a day tells of the next."""
DRAWS = 1_000
BOUNDS = (0.025, 0.975)
FEWEST_BLOCKS = 4
"""With fewer different blocks the draws are copies of each other, and an interval would be too narrow to tell."""


def bootstrap_intervals(returns: Floats, seed: int) -> dict[str, float | None]:
    """Return 95 % percentile intervals of Sharpe ratio and annual return, None on a short or flat book.

    Returns
    -------
    dict
        sharpe_low, sharpe_high, annual_return_low, annual_return_high.
    """
    names = ("sharpe_low", "sharpe_high", "annual_return_low", "annual_return_high")
    if len(returns) < FEWEST_BLOCKS * BLOCK_DAYS or np.ptp(returns) == 0:
        return dict.fromkeys(names, None)
    means, sds = bootstrap_moments(returns, BLOCK_DAYS, DRAWS, seed)
    moved = sds > 0
    sharpes = np.quantile(means[moved] / sds[moved] * sqrt(TRADING_DAYS), BOUNDS)
    years = np.quantile(means * TRADING_DAYS, BOUNDS)
    return dict(zip(names, [*sharpes.tolist(), *years.tolist()], strict=True))


def bootstrap_moments(returns: Floats, block: int, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each of `draws` resampled books, [draws].

    Blocks start on any day and run over the end to the beginning; the last one is cut, so that a resampled book is as
    long as the real one. Sums over a block are differences of running sums, so no book is ever written out.

    Parameters
    ----------
    returns : [days] float64
        Daily returns, at least `block` of them.
    """
    days = len(returns)
    blocks, rest = divmod(days, block)
    starts = np.random.default_rng(seed).integers(0, days, (draws, blocks + 1))
    # About the mean, so that the sums of squares keep their digits.
    shift = returns.mean()
    around = np.concatenate([returns, returns[:block]]) - shift
    sums = [_block_sums(values, starts, block, rest) for values in (around, around**2)]
    mean = sums[0] / days
    variance = np.maximum(sums[1] - days * mean**2, 0) / (days - 1)
    # What is left of a variance by rounding alone is none.
    variance[variance < 1e-14 * returns.var()] = 0
    return mean + shift, np.sqrt(variance)


def _block_sums(values: Floats, starts: NDArray[np.int64], block: int, rest: int) -> Floats:
    running = np.concatenate([[0.0], np.cumsum(values)])
    whole = running[starts[:, :-1] + block] - running[starts[:, :-1]]
    cut = running[starts[:, -1] + rest] - running[starts[:, -1]]
    total: Floats = whole.sum(axis=1) + cut
    return total
