"""Scores: whether groups and nearest peers predict which returns move together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

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
        centred = self.values - self.values.mean(axis=0)
        units = centred / np.linalg.norm(centred, axis=0)
        corr = np.clip(units.T @ units, -1.0, 1.0)
        np.fill_diagonal(corr, 1.0)
        return np.asarray(corr, dtype=np.float64)


@dataclass(frozen=True)
class Placebo:
    """Random clusters of the same sizes; z and p say how far above them the real ones are. None where undefined."""

    mean: float | None
    z: float | None
    p: float | None


def return_matrix(returns: pl.DataFrame, company_ids: Sequence[str], months: Sequence[date]) -> NDArray[np.float64]:
    """Return monthly log returns [months, companies] in the order given, NaN where there is none."""
    columns = pl.DataFrame({"company_id": company_ids}).with_row_index("column")
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
    if len(matrix) < 2:
        raise TooFewReturnsError(f"{len(matrix)} months of returns; a correlation needs at least 2")
    complete = np.isfinite(matrix).all(axis=0)
    moves = complete & (matrix.max(axis=0) != matrix.min(axis=0))
    kept = np.flatnonzero(moves)
    return ReturnWindow(kept, matrix[:, kept], int((~complete).sum()), int((complete & ~moves).sum()))


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
    return float(corr[np.triu_indices(len(corr), 1)].mean())


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


def score_clusters(
    labels: NDArray[np.int64],
    company_ids: Sequence[str],
    returns: pl.DataFrame,
    months: Sequence[date],
    *,
    draws: int,
    seed: int,
) -> dict[str, object]:
    """Return one row of `cluster_scores`, without method and as_of, over the companies that have every month.

    Parameters
    ----------
    labels: [n]
        Cluster of each of `company_ids`.
    returns
        company_id, month, log_return.
    months
        Months scored, in order, all after the as-of date.

    Raises
    ------
    TooFewReturnsError
        Fewer than two months, or fewer than two companies with all of them.
    """
    window = complete_returns(return_matrix(returns, company_ids, months))
    if len(window.kept) < 2:
        raise TooFewReturnsError(
            f"{len(window.kept)} companies have all {len(months)} months from {months[0]} to {months[-1]}; "
            "a score needs at least 2"
        )
    corr, members = window.correlations(), labels[window.kept]
    sizes, random = _sizes(members), placebo(members, corr, draws, seed)
    return {
        "first_month": months[0],
        "last_month": months[-1],
        "months": len(months),
        "companies": len(members),
        "mean_corr": mean_corr(members, corr),
        "pair_weighted": pair_weighted(members, corr),
        "all_pairs": all_pairs(corr),
        "coverage": coverage(members),
        "clusters": int((sizes > 1).sum()),
        "largest_share": float(sizes.max() / len(members)),
        "pairs": len(pair_correlations(members, corr)),
        "placebo_mean": random.mean,
        "placebo_z": random.z,
        "placebo_p": random.p,
        "placebo_draws": draws,
    }


def nearest_neighbours(similarity: NDArray[np.float64], company_ids: Sequence[str], k: int) -> pl.DataFrame:
    """Return the `k` nearest companies of each, fewer where there are fewer; equally near ones by company_id.

    Returns
    -------
    DataFrame(company_id, peer_id, rank, similarity)
        Sorted by company_id and rank; rank 1 is the nearest.
    """
    by_id = np.argsort(np.asarray(company_ids, dtype=str), kind="stable")
    ids, near = pl.Series(company_ids, dtype=pl.String)[by_id], similarity[np.ix_(by_id, by_id)].astype(np.float64)
    np.fill_diagonal(near, -np.inf)
    width = min(k, max(len(ids) - 1, 0))
    peers = np.argsort(-near, axis=1, kind="stable")[:, :width]
    return pl.DataFrame(
        {
            "company_id": ids[np.repeat(np.arange(len(ids)), width)],
            "peer_id": ids[peers.ravel()],
            "rank": pl.Series(np.tile(np.arange(1, width + 1), len(ids)), dtype=pl.Int32),
            "similarity": np.take_along_axis(near, peers, axis=1).ravel(),
        }
    )


def same_group_share(
    neighbours: pl.DataFrame, group: Mapping[str, str | None], min_members: int = 4
) -> tuple[float, int]:
    """Return the share of companies whose nearest peer is in their group, and how many were asked.

    Asked are the companies of `neighbours` whose group has at least `min_members` of them; the share is 0 where none
    is. Compare with `chance_share` over the same companies.
    """
    nearest = neighbours.filter(pl.col("rank") == 1)
    own, peer = ([group.get(company) for company in nearest[column]] for column in ("company_id", "peer_id"))
    sizes = _group_sizes(own)
    asked = [mine == theirs for mine, theirs in zip(own, peer, strict=True) if sizes.get(mine, 0) >= min_members]
    return (sum(asked) / len(asked) if asked else 0.0), len(asked)


def chance_share(groups: Mapping[str, str | None], min_members: int = 4) -> float:
    """Return what `same_group_share` expects of a random peer, over the companies in `groups` (None: in no group)."""
    sizes = [size for size in _group_sizes(groups.values()).values() if size >= min_members]
    asked = sum(sizes)
    return sum(size * (size - 1) for size in sizes) / (asked * (len(groups) - 1)) if asked else 0.0


def nearest_peer_corr(
    neighbours: pl.DataFrame, company_ids: Sequence[str], matrix: NDArray[np.float64]
) -> float | None:
    """Return the mean correlation of returns [months, companies] with the nearest peer; only pairs with every month."""
    window = complete_returns(matrix)
    place = {company_ids[column]: row for row, column in enumerate(window.kept)}
    nearest = neighbours.filter(pl.col("rank") == 1).select("company_id", "peer_id").iter_rows()
    pairs = [(place[a], place[b]) for a, b in nearest if a in place and b in place]
    if not pairs:
        return None
    first, second = np.array(pairs).T
    return float(window.correlations()[first, second].mean())


def _pairs(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = np.nonzero(np.triu(labels[:, None] == labels[None, :], 1))
    return first, second


def _sizes(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(labels, return_counts=True)[1]


def _group_sizes(groups: Iterable[str | None]) -> dict[str | None, int]:
    return Counter(group for group in groups if group is not None)
