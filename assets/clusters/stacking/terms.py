"""What `stack` adds up: what texts, codes and past returns say of every two companies, and what they are to foretell.

The market is taken out of returns first: what all companies have in common makes no two of them peers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.clusters.methods import FEWEST
from assets.clusters.peer_methods.latents import by_latents
from assets.clusters.peer_methods.nearness import Evidence
from assets.clusters.peer_methods.past_returns import FEWEST_MONTHS, MONTHS, paired_correlations
from assets.clusters.peer_methods.sic import LEVELS, sic_levels

Floats = NDArray[np.float64]

VIEWS = ("passages", "tokens")
CODES = LEVELS[:3]
"""Levels of SIC codes; a division is too wide to say anything that the major group does not."""
KNOWN = (*VIEWS, "words", *CODES)
"""Terms that every company has, from its filing."""
PAST = "past"
"""The term that only companies with returns have."""
FLAT = 1e-12
"""Share of a series' squares below which what the market leaves of it is rounding."""


@dataclass(frozen=True)
class Terms:
    """Terms of every pair at a date, and what the fit learns from."""

    known: Sequence[Floats]
    """Each of `KNOWN` in its order: [n, n], finite; 0 where a company lacks the view."""
    past: Floats
    """Correlations over the last 60 months [n, n], NaN where two have fewer than 24 in common."""
    earlier: Floats
    """The same over the months before `later`."""
    later: Floats
    """Correlations over the last 30 months [n, n], which the fit explains."""


def terms(evidence: Evidence) -> Terms:
    """Return the terms of all companies; nothing after the as-of date is in any."""
    recent = evidence.history[-MONTHS:]
    last = fitted_months(len(recent))
    cut = len(recent) - last
    return Terms(
        known_terms(evidence),
        rest_correlations(recent),
        rest_correlations(recent[:cut]),
        rest_correlations(recent[cut:]),
    )


def known_terms(evidence: Evidence) -> list[Floats]:
    """Return cosines of themes, of token latents and of words, and whether SIC codes are one, level by level."""
    n = len(evidence.known.ids)
    if n < FEWEST:  # nobody to compare, and TF-IDF has no vocabulary
        return [np.zeros((n, n))] * len(KNOWN)
    cosines = [by_latents(method)(evidence).similarity for method in ("sae_passages", "sae_tokens")]
    same = [labels[:, None] == labels[None, :] for labels in sic_levels(evidence)[: len(CODES)]]
    # A company without a view shares nothing of it: a row that is not known would leave it without a similarity.
    return [
        *(np.nan_to_num(cosine) for cosine in cosines),
        evidence.words,
        *(level.astype(np.float64) for level in same),
    ]


def fitted_months(months: int) -> int:
    """Return how many of the last months are foretold: half of them, and as many as a correlation needs at least."""
    return max(months // 2, min(months, FEWEST_MONTHS))


def rest_correlations(returns: Floats) -> Floats:
    """Return correlations [n, n] of what the market leaves of returns [months, n], NaN below 24 months in common."""
    return paired_correlations(market_rest(returns))


def market_rest(returns: Floats) -> Floats:
    """Return what a regression of each column on the mean of all leaves, over the months that it has: [months, n].

    NaN where the return is; 0 where what is left is rounding. With every month known it is `market_adjusted`.
    """
    known = np.isfinite(returns)
    months, values = np.maximum(known.sum(axis=0), 1), np.where(known, returns, 0.0)
    others = known.sum(axis=1, keepdims=True)
    market = np.where(known, values.sum(axis=1, keepdims=True) / np.maximum(others, 1), 0.0)
    swing = np.where(known, market - market.sum(axis=0) / months, 0.0)
    spread = np.where(known, values - values.sum(axis=0) / months, 0.0)
    squares = (swing**2).sum(axis=0)
    beta = (swing * spread).sum(axis=0) / np.where(squares > 0, squares, 1.0)
    rest = spread - swing * beta
    moves = (rest**2).sum(axis=0) > FLAT * (values**2).sum(axis=0)
    return np.where(known, np.where(moves, rest, 0.0), np.nan)
