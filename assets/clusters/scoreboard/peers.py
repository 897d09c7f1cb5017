"""The k peers of every company, by a similarity or by a classification; what is tied is drawn at random.

A classification is a similarity with many ties: how many of its levels two companies share. So peers are drawn at
random from the finest group, filled from the next coarser level and then from the market, by one rule for all methods.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Peers = NDArray[np.int64]

DRAWS = 20
"""Draws of tied peers."""
TIE_DECIMALS = 12
"""Similarities that are equal to so many decimals are tied: what is beyond depends on the order of adding up."""


def shared_levels(levels: Sequence[NDArray[np.integer[Any]]]) -> Floats:
    """Return how many levels of a classification two companies share: [n, n].

    Parameters
    ----------
    levels : sequence of [n] int
        Groups, from the finest level to the coarsest; at least one level. Two that share a level share all coarser.
    """
    shared = np.zeros((len(levels[0]), len(levels[0])))
    for number, labels in enumerate(reversed(levels), start=1):
        shared[labels[:, None] == labels[None, :]] = number
    return shared


def ranked_similarity(similarity: Floats) -> Floats:
    """Return a copy in which nobody is near itself, and an unknown similarity (NaN) is below every known one."""
    near = np.round(similarity, TIE_DECIMALS)
    known = np.isfinite(near)
    near[~known] = near[known].min(initial=0.0) - 1
    np.fill_diagonal(near, -np.inf)
    return near


def draw_peers(similarity: Floats, k: int, draws: int = DRAWS, seed: int = 0) -> Peers:
    """Return the rows of the `k` nearest of every company: [draws, n, k], k at most n - 1, in no order.

    Where the k-th nearest is tied with others, who of the tied is a peer is drawn anew in each draw. Without such ties
    all draws are one, and one is returned.

    Parameters
    ----------
    similarity : [n, n] float64
        Row i holds how near each company is to i; NaN where the method cannot say, which comes after all others.
    """
    n = len(similarity)
    width = min(k, max(n - 1, 0))
    if width == 0:
        return np.empty((1, n, 0), dtype=np.int64)
    near = ranked_similarity(similarity)
    last = np.partition(near, n - width, axis=1)[:, n - width, None]
    above, tied = near > last, near == last
    wanted, choice = width - above.sum(axis=1), tied.sum(axis=1)
    drawn = np.empty((1 if (choice == wanted).all() else draws, n, width), dtype=np.int64)
    rows, columns = np.nonzero(above)
    drawn[:, rows, np.arange(len(rows)) - np.searchsorted(rows, rows)] = columns
    # The tied of all rows in one line: those of a row begin where all before it end.
    begins, columns = np.cumsum(choice) - choice, np.nonzero(tied)[1]
    picks = _picks(choice, wanted, len(drawn), np.random.default_rng(seed))
    for place in range(picks.shape[2]):
        still = np.flatnonzero(wanted > place)
        drawn[:, still, width - 1 - place] = columns[begins[still] + picks[:, still, place]]
    return drawn


def _picks(choice: Peers, wanted: Peers, draws: int, random: np.random.Generator) -> Peers:
    """Return which of 0 .. choice - 1 are drawn, `wanted` different ones in a row's first places: [draws, n, most].

    Every set is as likely as any other (Floyd's sampling, Bentley and Floyd 1987), and nothing is shuffled: that of
    thousands of tied companies some five are drawn costs five numbers.
    """
    picks = np.full((draws, len(choice), int(wanted.max(initial=0))), -1, dtype=np.int64)
    for place in range(picks.shape[2]):
        newest = np.maximum(choice - wanted + place, 0)
        pick = random.integers(0, newest + 1, size=(draws, len(choice)))
        taken = (picks[:, :, :place] == pick[:, :, None]).any(axis=2)
        picks[:, :, place] = np.where(taken, newest, pick)
    return picks


def peer_means(returns: Floats, peers: Peers, instead: Floats | None = None) -> Floats:
    """Return the mean return of every company's peers in every month: [draws, months, n].

    A peer without a return in a month is left out of it, and whoever has no peer with one gets the mean of all other
    companies, so that every method is judged on the same companies and months. NaN where nobody else has a return.

    Parameters
    ----------
    returns : [months, n] float64
        NaN where there is none.
    peers : [draws, n, k] int
        As from `draw_peers`.
    instead : [months, n] float64, optional
        What whoever has no peer with a return gets, in place of the mean of all others.
    """
    known, values = np.isfinite(returns), np.nan_to_num(returns)
    market = market_of_others(returns) if instead is None else instead
    means = np.empty((len(peers), *returns.shape))
    for draw, nearest in enumerate(peers):
        counts = known[:, nearest].sum(axis=2)
        means[draw] = np.where(counts > 0, _mean(values[:, nearest].sum(axis=2), counts), market)
    return means


def month_means(returns: Floats) -> Floats:
    """Return the mean return of all companies, for every month the same for all: [months, n], NaN without any."""
    known, values = np.isfinite(returns), np.nan_to_num(returns)
    means = _mean(values.sum(axis=1, keepdims=True), known.sum(axis=1, keepdims=True))
    return np.broadcast_to(means, returns.shape)


def market_of_others(returns: Floats) -> Floats:
    """Return the mean return of all other companies, for every company and month: [months, n], NaN without any.

    Its own return is left out: a market that holds it and peers that are all others would tell it exactly.
    """
    known, values = np.isfinite(returns), np.nan_to_num(returns)
    others = known.sum(axis=1, keepdims=True) - known
    return _mean(values.sum(axis=1, keepdims=True) - values, others)


def _mean(sums: Floats, counts: NDArray[Any]) -> Floats:
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
