"""What peers add to the market, company by company: in explaining its returns, and in hedging them.

The market m of a company is the mean of all others with a return in the month.
"""

import numpy as np
from numpy.typing import NDArray

from assets.clusters.scoreboard.peers import Peers, market_of_others, peer_means

Floats = NDArray[np.float64]

FEWEST_BEFORE = 24
"""Months before the date without which a company's betas are not fitted."""
MOST_REGRESSORS = 3
"""With the intercept: months beyond these are needed to adjust an R2."""
FLAT = 1e-12
"""Share of a variance below which what is left of it is rounding."""


def hedge_cut(before: Floats, after: Floats, peers: Peers) -> Floats:
    """Return what share of the variance that a market hedge leaves a hedge with peers, too, removes: [draws, n].

    VR = 1 - Var(r - b_m m - b_p p) / Var(r - b m), with p the peers' mean; the betas are those of ordinary regressions
    with intercept on the months before the date, the variances those of the months after it. Below 0 the peers made
    the hedge worse. A draw of peers is one hedge: the mean of a company's cuts over draws is that of no hedge, and is
    nearer to its expectation than a cut by peers without ties.

    NaN for a company with fewer than `FEWEST_BEFORE` months before the date, without a return in every month after it,
    or with nothing left to hedge.

    Parameters
    ----------
    before, after : [months, n] float64
        Returns up to the date and after it, NaN where there is none.
    """
    cuts: Floats = np.full((len(peers), before.shape[1]), np.nan)
    if len(after) < 2 or not len(before):
        return cuts
    earlier, later = market_of_others(before), market_of_others(after)
    for draw, (past, future) in enumerate(zip(peer_means(before, peers), peer_means(after, peers), strict=True)):
        known = np.isfinite(before) & np.isfinite(past) & np.isfinite(earlier)
        alone, of_market, of_peers = _betas(before, earlier, past, known)
        usable = (known.sum(axis=0) >= FEWEST_BEFORE) & np.isfinite(after).all(axis=0) & np.isfinite(future).all(axis=0)
        left = (after - later * alone).var(axis=0)
        defined = usable & (left > FLAT * (after**2).mean(axis=0))
        hedged = (after - later * of_market - future * of_peers).var(axis=0)
        cuts[draw] = np.where(defined, 1 - hedged / np.where(defined, left, 1), np.nan)
    return cuts


def incremental_r2(after: Floats, peers: Peers) -> Floats:
    """Return the adjusted R2 of a company's returns on market and peers, less that on the market alone: [n].

    Both regressions are over the months after the date. Mean over the draws; NaN without a return in every month, with
    three months or fewer, or where the return never changes.
    """
    months = len(after)
    gains: Floats = np.full((len(peers), after.shape[1]), np.nan)
    if months <= MOST_REGRESSORS:
        return np.full(after.shape[1], np.nan)
    market, spread = _demeaned(market_of_others(after)), _demeaned(after)
    for draw, means in enumerate(peer_means(after, peers)):
        peer = _demeaned(means)
        total, alone = (spread**2).sum(axis=0), _left(spread, market)
        both = _left(alone, _left(peer, market), (peer**2).sum(axis=0))
        defined = np.isfinite(total) & np.isfinite(both).all(axis=0) & (total > FLAT * (after**2).sum(axis=0))
        shares = [(rest**2).sum(axis=0) / np.where(defined, total, 1) for rest in (alone, both)]
        gain = shares[0] * (months - 1) / (months - 2) - shares[1] * (months - 1) / (months - MOST_REGRESSORS)
        gains[draw] = np.where(defined, gain, np.nan)
    return np.asarray(gains.mean(axis=0), dtype=np.float64)


def _demeaned(values: Floats) -> Floats:
    return np.asarray(values - values.mean(axis=0), dtype=np.float64)


def _left(values: Floats, regressor: Floats, scale: Floats | float = 0.0) -> Floats:
    """Return what a regression on one regressor leaves, column by column, both without their means.

    A regressor whose squares are a vanishing share of `scale` is rounding, and takes nothing.
    """
    squares = (regressor**2).sum(axis=0)
    used = squares > FLAT * scale
    beta = np.where(used, (values * regressor).sum(axis=0) / np.where(used, squares, 1), 0.0)
    return np.asarray(values - beta * regressor, dtype=np.float64)


def _betas(own: Floats, market: Floats, peer: Floats, known: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return b of the market alone, and b_m and b_p of market and peers together, each [n], over the known months."""
    r, p = _known_demeaned(own, known), _known_demeaned(peer, known)
    m = _known_demeaned(market, known)
    alone, across = _slopes(r, m), _slopes(p, m)
    rest = p - across * m
    # A peers' mean that is the market itself leaves rounding, whose slope would be anything.
    rest[:, (rest**2).sum(axis=0) <= FLAT * (p**2).sum(axis=0)] = 0.0
    of_peers = _slopes(r, rest)
    return alone, alone - of_peers * across, of_peers


def _known_demeaned(values: Floats, known: NDArray[np.bool_]) -> Floats:
    used = np.where(known, values, 0.0)
    return np.where(known, used - used.sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.0)


def _slopes(y: Floats, x: Floats) -> Floats:
    squares = (x**2).sum(axis=0)
    return np.where(squares > 0, (x * y).sum(axis=0) / np.where(squares > 0, squares, 1), 0.0)
