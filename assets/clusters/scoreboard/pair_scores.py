"""How returns of near companies move together later: at the same number of peers, and against the share of pairs.

Both take a matrix of correlations of companies with every month. Ties are not drawn here: the mean over all ways to
break them is exact.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from assets.clusters.intervals import group_pair_sums
from assets.clusters.scoreboard.peers import ranked_similarity

Floats = NDArray[np.float64]

SHARES = (0.001, 0.002, 0.005, 0.01, 0.0205, 0.05, 0.1)
"""Shares of all pairs at which the curve is drawn; .0205 is that of three-digit SIC in Hoberg and Phillips (2016)."""
SPARSE = 16
"""A matrix with fewer than one in so many cells filled is multiplied as a sparse one."""
FLAT = 1e-12
"""Share of a series' variance below which what the market leaves of it is rounding."""


def market_adjusted(returns: Floats) -> Floats:
    """Return what a regression of each column on the mean of all leaves: [months, n], 0 where that is rounding."""
    spread = returns - returns.mean(axis=0)
    market = spread.mean(axis=1, keepdims=True)
    squares = float((market**2).sum())
    rest = spread - market * ((market * spread).sum(axis=0) / squares if squares > 0 else 0.0)
    return np.where((rest**2).sum(axis=0) > FLAT * (returns**2).sum(axis=0), rest, 0.0)


def same_number(similarity: Floats, corr: Floats, counts: NDArray[np.int64]) -> Floats:
    """Return each company's mean correlation with its `counts` nearest: [n], NaN where it has none to look at.

    Parameters
    ----------
    similarity, corr : [n, n] float64
        Similarities as for `draw_peers`, and correlations of later returns, of the same companies.
    counts : [n] int
        Peers to look at: of the company's SIC-4 group less itself, at most n - 1.
    """
    found = np.full(len(corr), np.nan)
    near = ranked_similarity(similarity)
    for firm in np.flatnonzero(counts > 0):
        row, k = near[firm], int(counts[firm])
        last = np.partition(row, len(row) - k)[len(row) - k]
        above, tied = row > last, row == last
        found[firm] = (corr[firm, above].sum() + (k - above.sum()) * corr[firm, tied].mean()) / k
    return found


def resampled_means(values: Floats, weights: Floats) -> Floats:
    """Return the mean of per-company values in each bootstrap sample: [draws], NaN where a sample has none.

    Parameters
    ----------
    values : [n] float64
        NaN where a company has none.
    weights : [draws, n] float64
        As from `firm_weights`.
    """
    known = np.isfinite(values)
    total = weights[:, known].sum(axis=1)
    drawn = weights[:, known] @ values[known] / np.where(total > 0, total, 1)
    return np.where(total > 0, drawn, np.nan)


def resampled_medians(values: Floats, weights: Floats) -> Floats:
    """Return the median of per-company values in each bootstrap sample: [draws], NaN where a sample has none.

    Parameters
    ----------
    values : [peer draws, n] float64
        NaN where a company has none; of several draws of peers the medians are averaged.
    weights : [draws, n] float64
        As from `firm_weights`.
    """
    known = np.isfinite(values).all(axis=0)
    each, counts = values[:, known], weights[:, known].astype(np.int64)
    drawn = [np.median(np.repeat(each, row, axis=1), axis=1).mean() if row.any() else np.nan for row in counts]
    return np.array(drawn, dtype=np.float64)


@dataclass(frozen=True)
class Curve:
    """Mean correlation over the nearest pairs, by the share of all pairs; NaN everywhere without a pair."""

    shares: Floats
    """[shares], as they came out: a number of pairs is whole."""
    means: Floats
    """[shares]."""
    draws: Floats
    """[draws, shares]: the same in bootstrap samples of companies, where a pair counts w_i w_j times."""


def curve(similarity: Floats, corr: Floats, weights: Floats, shares: tuple[float, ...] = SHARES) -> Curve:
    """Return the mean correlation over the most similar pairs, the similarity of a pair being that of both directions.

    Of pairs that are tied at the last place, each counts with the same part.
    """
    return ranked_pairs(similarity, shares).curve(corr, weights)


@dataclass(frozen=True)
class RankedPairs:
    """The most similar pairs in bands, so that the pairs up to any of the shares are whole bands and part of one."""

    companies: int
    wanted: NDArray[np.int64]
    """[shares]: pairs up to each."""
    first: NDArray[np.int64]
    """Rows of the pairs' companies, the most similar pair first; so is `second`."""
    second: NDArray[np.int64]
    places: NDArray[np.int64]
    """Where bands begin and end."""
    above: NDArray[np.int64]
    """[shares]: bands whose pairs are all nearer than the last one's."""
    until: NDArray[np.int64]
    """[shares]: bands up to the last pair that is tied with it."""
    parts: Floats
    """[shares]: with which part those between the two count."""

    def curve(self, corr: Floats, weights: Floats) -> Curve:
        """Return the mean of later correlations over the pairs up to each share."""
        pairs = self.companies * (self.companies - 1) // 2
        if pairs == 0:
            shape = len(weights), len(self.wanted)
            return Curve(self.parts, np.full(len(self.wanted), np.nan), np.full(shape, np.nan))
        bands = [
            (first, second, corr[first, second])
            for first, second in (
                (self.first[start:end], self.second[start:end]) for start, end in pairwise(self.places.tolist())
            )
        ]
        means = self._up_to(np.array([values.sum() for _, _, values in bands])) / self.wanted
        sums = [
            _resampled_sums(first, second, counted, weights)
            for first, second, values in bands
            for counted in (values, np.ones(len(values)))
        ]
        total, often = (self._up_to(np.array(sums[kind::2]).reshape(len(bands), len(weights))) for kind in (0, 1))
        draws = np.where(often > 0, total / np.where(often > 0, often, 1), np.nan).T
        return Curve(self.wanted / pairs, means, draws)

    def _up_to(self, bands: Floats) -> Floats:
        """Return the sum of the bands before `above`, and of a part of those from there to `until`: by share."""
        sums = np.concatenate([np.zeros((1, *bands.shape[1:])), np.cumsum(bands, axis=0)])
        tied = sums[self.until] - sums[self.above]
        return np.asarray(sums[self.above] + (self.parts * tied.T).T, dtype=np.float64)


def ranked_pairs(similarity: Floats, shares: tuple[float, ...] = SHARES) -> RankedPairs:
    """Return the pairs that are among the largest of the shares, or tied with the last of them.

    Which pairs are near does not depend on what is scored on them, and of thousands of companies sorting takes longest.
    """
    n = len(similarity)
    first, second = np.triu_indices(n, 1)
    if len(first) == 0:
        none = np.zeros(len(shares), dtype=np.int64)
        return RankedPairs(n, none, first, second, np.zeros(1, dtype=np.int64), none, none, np.array(shares))
    far = -ranked_similarity((similarity + similarity.T) / 2)[first, second]
    wanted = np.maximum(np.round(np.array(shares) * len(first)).astype(np.int64), 1)
    near = np.flatnonzero(far <= np.partition(far, wanted.max() - 1)[wanted.max() - 1])
    order = near[np.argsort(far[near], kind="stable")]
    far = far[order]
    lasts = far[wanted - 1]
    above, until = (np.searchsorted(far, lasts, side=side) for side in ("left", "right"))
    parts = (wanted - above) / (until - above)
    # Pairs from one of these places to the next count alike in every figure, so they are added up once.
    places = np.unique(np.concatenate([[0], above, until]))
    at = np.searchsorted(places, above), np.searchsorted(places, until)
    return RankedPairs(n, wanted, first[order], second[order], places, *at, parts)


def group_point(labels: NDArray[np.int64], corr: Floats, weights: Floats) -> Curve:
    """Return the one point of a classification: the share of pairs that are inside groups, and their correlation."""
    inside, n = np.triu(labels[:, None] == labels[None, :], 1), len(labels)
    pairs = int(inside.sum())
    total, often = group_pair_sums(labels, corr, weights)
    drawn = np.where(often > 0, total / np.where(often > 0, often, 1), np.nan)
    mean = float(corr[inside].mean()) if pairs else float("nan")
    return Curve(np.array([pairs / max(n * (n - 1) / 2, 1)]), np.array([mean]), drawn[:, None])


def _resampled_sums(first: NDArray[np.int64], second: NDArray[np.int64], values: Floats, weights: Floats) -> Floats:
    """Return the sum over pairs of w_i w_j times their value in every bootstrap sample: [draws]."""
    n = weights.shape[1]
    if len(first) * SPARSE < n * n:
        matrix = csr_array((values, (first, second)), shape=(n, n))
        return np.asarray(((matrix @ weights.T).T * weights).sum(axis=1), dtype=np.float64)
    dense = np.zeros((n, n))
    dense[second, first] = values
    return np.asarray(((weights @ dense) * weights).sum(axis=1), dtype=np.float64)
