"""The basket of peers that takes most of a company's variance away: fitted on days before the as-of date.

With r the company's daily return and r_p those of its peers, the weights are

    w = argmin over w >= 0 of  Var(r - w'r_p) = S_rr - 2 w'S_pr + w'S_pp w,

with S the covariance of all companies' daily returns, shrunk towards a multiple of the identity as far as Ledoit and
Wolf (2004, "A well-conditioned estimator for large-dimensional covariance matrices") find best. Weights are dollars of
a peer to sell for each dollar of the company; they do not have to add up to 1. With S_pp = L L' the minimum is the
non-negative least squares problem min |L'w - L^-1 S_pr|.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from sklearn.covariance import ledoit_wolf

from assets.backtests.close_matrix import formed_prices
from assets.backtests.quotes import JUMP
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

FEWEST_DAYS = 60
"""Days of returns without which nothing is fitted: a quarter."""
SAME_SERIES = 1 - 1e-9
"""Correlation from which two companies are one security under two names, which hedges everything and says nothing."""
SMALLEST = 1e-6
"""Weights below it are rounding of the least squares."""


@dataclass(frozen=True)
class FormedReturns:
    """Daily returns before an as-of date, and their covariance."""

    company_ids: list[str]
    """Companies with enough prices, which did move."""
    returns: Floats
    """[days, companies] simple returns."""
    covariance: Floats
    """[companies, companies], shrunk."""


def formed_returns(prices: pl.DataFrame, as_of: date, settings: Backtest) -> FormedReturns:
    """Return the returns that baskets are fitted on, of the companies with a price on enough days and a recent one.

    Parameters are those of `formed_prices`.
    """
    company_ids, _, log_prices = formed_prices(prices, as_of, settings)
    return shrunk(company_ids, log_prices)


def shrunk(company_ids: Sequence[str], log_prices: Floats) -> FormedReturns:
    """Return the returns of log prices with their covariance; no company where there are too few days.

    A missing close is the last one, so the return after a gap is the whole gap's. A jump (a factor of `JUMP` in a day)
    counts as no return: one split that was not adjusted would be most of the company's variance.

    Parameters
    ----------
    log_prices : [days, companies] float64
        NaN where there is none.
    """
    moves = daily_moves(log_prices)
    returns = np.where(np.abs(moves) < np.log(JUMP), np.expm1(moves), 0.0)
    moving = np.flatnonzero(returns.var(axis=0) > 0)
    if len(returns) < FEWEST_DAYS or len(moving) < 2:
        return FormedReturns([], returns[:, :0], np.empty((0, 0)))
    returns = returns[:, moving]
    return FormedReturns([company_ids[int(i)] for i in moving], returns, ledoit_wolf(returns)[0])


def daily_moves(log_prices: Floats) -> Floats:
    """Return log returns on last known prices, 0 on the first day and before the first price: [days, companies]."""
    day = np.arange(len(log_prices))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(log_prices), -1, day), axis=0)
    known = np.take_along_axis(log_prices, np.maximum(last, 0), axis=0)
    moves: Floats = np.zeros_like(known)
    moves[1:] = np.nan_to_num(np.diff(known, axis=0))
    return moves


def basket_weights(covariance: Floats, own: int, peers: Whole) -> Floats:
    """Return the non-negative weights of least variance: [peers], dollars for each dollar of the company.

    Parameters
    ----------
    covariance : [companies, companies] float64
        Positive definite, as a shrunk covariance is.
    own : int
        The company hedged.
    peers : [peers] int64
        The companies that hedge it.
    """
    lower = np.linalg.cholesky(covariance[np.ix_(peers, peers)])
    weights: Floats = nnls(lower.T, solve_triangular(lower, covariance[peers, own], lower=True))[0]
    return np.where(weights > SMALLEST, weights, 0.0)


def fitted_baskets(formed: FormedReturns, peers: Mapping[str, Sequence[str]]) -> list[dict[str, object]]:
    """Return rows of `hedge_baskets` without method and as_of: a row for each peer that got a weight.

    A peer that is the company's own series under another name is passed over, and so is one without returns; who has
    no other peer, or none that lowers the variance, has no row.

    Parameters
    ----------
    peers : mapping
        Each company's peers.
    """
    column = {company: number for number, company in enumerate(formed.company_ids)}
    standard = (formed.returns - formed.returns.mean(axis=0)) / formed.returns.std(axis=0)
    rows: list[dict[str, object]] = []
    for company in sorted(column.keys() & peers.keys()):
        own = column[company]
        known = np.array([column[peer] for peer in peers[company] if peer in column], dtype=np.int64)
        known = known[standard[:, own] @ standard[:, known] / len(standard) < SAME_SERIES]
        weights = basket_weights(formed.covariance, own, known) if len(known) else np.empty(0)
        rows += [
            {"company_id": company, "peer_id": formed.company_ids[peer], "weight": weight, "peers": len(known)}
            for peer, weight in zip(known.tolist(), weights.tolist(), strict=True)
            if weight > 0
        ]
    return rows
