"""Scores: whether groups and nearest peers predict which returns move together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.neighbours import nearest_columns
from resources.settings.clusters import FEWEST_MONTHS

TOLERANCE = 1e-12
"""Differences between correlations below this are rounding."""


class TooFewReturnsError(ValueError):
    """Not enough returns to correlate."""


@dataclass(frozen=True)
class ReturnWindow:
    """Returns of the companies that have every month and did move."""

    kept: NDArray[np.int64]
    """Columns of the matrix it was taken from."""
    values: NDArray[np.float64]
    """Log returns [months, kept]."""
    incomplete: int
    """Companies left out because a month is missing."""
    flat: int
    """Companies left out because their return never changed: a stale price."""

    def correlations(self) -> NDArray[np.float64]:
        """Return Pearson correlations [kept, kept], 1 on the diagonal."""
        return correlations(self.values)


@dataclass(frozen=True)
class Placebo:
    """Random clusters of the same sizes; z and p say how far above them the real ones are. None where undefined."""

    mean: float | None
    z: float | None
    p: float | None


def return_matrix(returns: pl.DataFrame, company_ids: Sequence[str], months: Sequence[date]) -> NDArray[np.float64]:
    """Return monthly log returns [months, companies] in the order given, NaN where there is none."""
    columns = pl.DataFrame({"company_id": company_ids}, schema={"company_id": pl.String}).with_row_index("column")
    rows = pl.DataFrame({"month": months}, schema={"month": pl.Date}).with_row_index("row")
    found = returns.join(columns, on="company_id").join(rows, on="month")
    matrix = np.full((len(months), len(company_ids)), np.nan)
    matrix[found["row"].to_numpy(), found["column"].to_numpy()] = found["log_return"].to_numpy()
    return matrix


def complete_returns(matrix: NDArray[np.float64]) -> ReturnWindow:
    """Return the companies of a matrix [months, n] that have every month and did move.

    Raises
    ------
    TooFewReturnsError
        Fewer than two months.
    """
    if len(matrix) < FEWEST_MONTHS:
        raise TooFewReturnsError(f"{len(matrix)} months of returns; a correlation needs at least {FEWEST_MONTHS}")
    complete = np.isfinite(matrix).all(axis=0)
    moves = complete & (matrix.max(axis=0) != matrix.min(axis=0))
    kept = np.flatnonzero(moves)
    return ReturnWindow(kept, matrix[:, kept], int((~complete).sum()), int((complete & ~moves).sum()))


def correlations(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson correlations [n, n] of the columns, 1 with itself; a column that never changes has 0."""
    centred = returns - returns.mean(axis=0)
    norms = np.linalg.norm(centred, axis=0)
    units = centred / np.where(norms > 0, norms, 1.0)
    corr = np.clip(units.T @ units, -1.0, 1.0)
    np.fill_diagonal(corr, 1.0)
    return np.asarray(corr, dtype=np.float64)


def pair_correlations(labels: NDArray[np.int64], corr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlations of all pairs inside clusters."""
    return corr[_pairs(labels)]


def mean_corr(labels: NDArray[np.int64], corr: NDArray[np.float64]) -> float | None:
    """Return MeanCorr [paper]: mean over clusters of two or more of their mean pairwise correlation, or None."""
    first, second = _pairs(labels)
    if len(first) == 0:
        return None
    _, cluster = np.unique(labels[first], return_inverse=True)
    return float((np.bincount(cluster, weights=corr[first, second]) / np.bincount(cluster)).mean())


def pair_weighted(labels: NDArray[np.int64], corr: NDArray[np.float64]) -> float | None:
    """Return the mean correlation over all pairs inside clusters; None without any."""
    inside = pair_correlations(labels, corr)
    return float(inside.mean()) if len(inside) else None


def all_pairs(corr: NDArray[np.float64]) -> float:
    """Return the mean correlation over all pairs of [n, n], n at least 2."""
    n = len(corr)
    return float((corr.sum() - np.trace(corr)) / (n * (n - 1)))


def pair_count(labels: NDArray[np.int64]) -> int:
    """Return how many pairs are inside clusters."""
    sizes = _sizes(labels)
    return int((sizes * (sizes - 1) // 2).sum())


def coverage(labels: NDArray[np.int64]) -> float:
    """Return the share of companies that have at least one peer; 0 where there is no company."""
    sizes = _sizes(labels)
    return float(sizes[sizes > 1].sum() / max(len(labels), 1))


def placebo(labels: NDArray[np.int64], corr: NDArray[np.float64], draws: int, seed: int) -> Placebo:
    """Compare the pair-weighted correlation with `draws` random groupings of the same sizes (labels permuted).

    p is (1 + draws at least as high) / (1 + draws); z is None where all groupings are alike.
    """
    observed = pair_weighted(labels, corr)
    if observed is None or draws < 2:
        return Placebo(None, None, None)
    first, second = _pairs(labels)
    flat, n, random = corr.ravel(), len(labels), np.random.default_rng(seed)
    orders = (random.permutation(n) for _ in range(draws))
    drawn = np.array([flat[order[first] * n + order[second]].mean() for order in orders])
    spread = drawn.std(ddof=1)
    z = float((observed - drawn.mean()) / spread) if spread > TOLERANCE else None
    at_least = int((drawn >= observed - TOLERANCE).sum())
    return Placebo(float(drawn.mean()), z, (1 + at_least) / (1 + draws))


def formed(labels: NDArray[np.int64]) -> dict[str, object]:
    """Return what a row of `cluster_scores` says of the groups as they were formed, whatever returns came after."""
    sizes = _sizes(labels)
    return {
        "companies": len(labels),
        "coverage": coverage(labels),
        "clusters": int((sizes > 1).sum()),
        "largest_share": float(sizes.max(initial=0) / max(len(labels), 1)),
        "pairs": pair_count(labels),
    }


def score_clusters(
    labels: NDArray[np.int64], kept: NDArray[np.int64], corr: NDArray[np.float64], *, draws: int, seed: int
) -> dict[str, object]:
    """Return what a row of `cluster_scores` says of the finished horizon, and what was lost in it.

    The correlations are None where fewer than two companies have every month: then only the losses are known.

    Parameters
    ----------
    labels : [companies] int
        Cluster of every company as formed.
    kept : [kept] int
        The companies whose returns are correlated, as in `ReturnWindow`.
    corr : [kept, kept] float64
        Correlations of the months after the as-of date.
    """
    members = labels[kept]
    lost: dict[str, object] = {
        "companies_lost": len(labels) - len(members),
        "pairs_lost": pair_count(labels) - pair_count(members),
    }
    if len(members) < 2:
        return lost
    inside, random = pair_weighted(members, corr), placebo(members, corr, draws, seed)
    return {
        **lost,
        "lift": None if inside is None or random.mean is None else inside - random.mean,
        "mean_corr": mean_corr(members, corr),
        "pair_weighted": inside,
        "all_pairs": all_pairs(corr),
        "placebo_mean": random.mean,
        "placebo_z": random.z,
        "placebo_p": random.p,
    }


def nearest_neighbours(similarity: NDArray[np.float64], company_ids: Sequence[str], k: int) -> pl.DataFrame:
    """Return the `k` nearest companies of each, fewer where there are fewer; equally near ones by company_id.

    A company of which it is not known how near it is (NaN) is nobody's neighbour.

    Returns
    -------
    DataFrame(company_id, peer_id, rank, similarity)
        Sorted by company_id and rank; rank 1 is the nearest.
    """
    by_id = np.argsort(np.asarray(company_ids, dtype=str), kind="stable")
    ids = pl.Series(company_ids, dtype=pl.String)[by_id]
    peers, near = nearest_columns(similarity, by_id, k)
    width = peers.shape[1]
    rows = pl.DataFrame(
        {
            "company_id": ids[np.repeat(np.arange(len(ids)), width)],
            "peer_id": ids[peers.ravel()],
            "rank": pl.Series(np.tile(np.arange(1, width + 1), len(ids)), dtype=pl.Int32),
            "similarity": near.ravel(),
        }
    )
    return rows.filter(pl.col("similarity").is_finite())


def nearest_peer_corr(
    neighbours: pl.DataFrame, company_ids: Sequence[str], window: ReturnWindow
) -> tuple[float | None, int]:
    """Return the mean correlation of companies with their nearest peer, and over how many companies it is.

    Only pairs of which both have every month; the mean is None without any.
    """
    place = {company_ids[column]: row for row, column in enumerate(window.kept)}
    nearest = neighbours.filter(pl.col("rank") == 1).select("company_id", "peer_id").iter_rows()
    pairs = [(place[a], place[b]) for a, b in nearest if a in place and b in place]
    if not pairs:
        return None, 0
    first, second = np.array(pairs).T
    return float(window.correlations()[first, second].mean()), len(pairs)


def _pairs(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs inside clusters, by first and second company, in the time and space of these pairs alone."""
    _, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    parts = np.split(np.argsort(numbers, kind="stable"), np.cumsum(sizes)[:-1])
    inside = [part[np.stack(np.triu_indices(len(part), 1))] for part in parts if len(part) > 1]
    first, second = np.concatenate([np.empty((2, 0), dtype=np.int64), *inside], axis=1)
    order = np.lexsort((second, first))
    return first[order], second[order]


def _sizes(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(labels, return_counts=True)[1]
