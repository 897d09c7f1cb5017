"""The parts of `stack` for every pair: each term times its coefficient, and an intercept, which add up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.clusters.stacking.fit import Fit, fit
from assets.clusters.stacking.terms import KNOWN, PAST, Terms

Floats = NDArray[np.float64]

ANY_PAIR = "any_pair"
"""The intercept: what is foretold of two companies that share nothing."""
PARTS = (ANY_PAIR, *KNOWN, PAST)


@dataclass(frozen=True)
class Stacked:
    """Two fits, with past returns and without, and which pairs are of which."""

    with_history: Fit
    """Coefficients of `KNOWN` and, last, `PAST`."""
    without_history: Fit
    """Coefficients of `KNOWN`."""
    has_history: NDArray[np.bool_]
    """[n, n]: whether a pair's past is known, and what it is worth."""
    terms: Terms

    def part(self, name: str) -> Floats:
        """Return what a part adds to the similarity of every pair: [n, n], finite."""
        one, other = (self._weight(name, found) for found in (self.with_history, self.without_history))
        weight = np.where(self.has_history, one, other)
        if name == ANY_PAIR:
            return weight
        if name == PAST:
            return weight * np.where(self.has_history, self.terms.past, 0.0)
        return weight * self.terms.known[KNOWN.index(name)]

    def similarity(self) -> Floats:
        """Return the sum of the parts [n, n]: the correlation beyond the market that is foretold."""
        return np.asarray(sum(self.part(name) for name in PARTS), dtype=np.float64)

    def placed(self) -> NDArray[np.bool_]:
        """Return whether anything but the intercept speaks of a company and another: [n]."""
        speaks = np.zeros(self.has_history.shape, dtype=bool)
        for name in PARTS[1:]:
            speaks |= self.part(name) != 0
        np.fill_diagonal(speaks, False)
        return np.asarray(speaks.any(axis=1))

    def _weight(self, name: str, found: Fit) -> float:
        if name == ANY_PAIR:
            return found.intercept
        places = (*KNOWN, PAST)[: len(found.coefficients)]
        return float(found.coefficients[places.index(name)]) if name in places else 0.0


def stacked(found: Terms, weights: Floats | None = None) -> Stacked:
    """Return the fits on pairs, applied to every pair.

    Where too few have a past to fit what it is worth, a pair with a past is stacked without it, unless nothing can be
    fitted at all: then both are plain means.

    Parameters
    ----------
    found : Terms
        As from `terms`.
    weights : [draws, n] float64, optional
        As `fit` takes them.
    """
    whole = fit([*found.known, found.earlier], found.later, weights)
    without = fit(found.known, found.later, weights)
    has_history = np.isfinite(found.past)
    if without.is_fitted and not whole.is_fitted:
        has_history = np.zeros_like(has_history)
    return Stacked(whole, without, has_history, found)
