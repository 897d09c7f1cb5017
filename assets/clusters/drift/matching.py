"""Which group of the date before is which group now: the matching with the largest sum of Jaccard indices.

The assignment problem (Kuhn 1955) over the groups of both dates, each pair worth |A and B| / |A or B| over the
companies present at both dates. Groups that share no company are never one. Greene, Doyle and Cunningham (2010) follow
communities over time by the same index.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def overlaps(both: pl.DataFrame) -> pl.DataFrame:
    """Return every pair of groups that share a company, how alike they are, and whether they are one group.

    Parameters
    ----------
    both : DataFrame
        company_id, cluster_before and cluster of the companies present at both dates.

    Returns
    -------
    DataFrame(cluster_before, cluster, shared, jaccard, same)
        `same` is true at most once for every group. Where several matchings are as good, which one is taken depends on
        who the members are and not on the numbers of groups.
    """
    columns = ["cluster_before", "cluster"]
    # Each group stands where its first company does, so that its number tells nothing.
    counted = both.sort("company_id").group_by(columns, maintain_order=True).agg(shared=pl.len().cast(pl.Int32))
    old, new, shared = (counted[name].to_numpy() for name in (*columns, "shared"))
    rows, cols = _numbered(old), _numbered(new)
    sizes_old, sizes_new = np.bincount(rows, shared), np.bincount(cols, shared)
    jaccard = shared / (sizes_old[rows] + sizes_new[cols] - shared)
    return counted.with_columns(jaccard=jaccard, same=_matched(rows, cols, jaccard))


def _numbered(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return labels numbered from 0 in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first)).astype(np.int64)[inverse]


def _matched(rows: NDArray[np.int64], cols: NDArray[np.int64], worth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return [edges] whether an edge of the bipartite graph is in the matching of the largest total worth."""
    matched = np.zeros(len(worth), dtype=bool)
    if not len(worth):
        return matched
    before, after = int(rows.max()) + 1, int(cols.max()) + 1
    graph = coo_array((np.ones(len(rows)), (rows, before + cols)), shape=(before + after, before + after))
    # A pair that shares no company is worth nothing, so each connected part is a problem of its own: 6,000 companies
    # of which most stay are thousands of small ones instead of one that takes memory and time for all pairs of groups.
    parts = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(parts, kind="stable")
    for edges in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1):
        matched[edges] = _assigned(rows[edges], cols[edges], worth[edges])
    return matched


def _assigned(rows: NDArray[np.int64], cols: NDArray[np.int64], worth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return [edges] whether an edge is in the assignment of one connected part."""
    if len(rows) == 1:
        return np.ones(1, dtype=bool)
    own_rows, row = np.unique(rows, return_inverse=True)
    own_cols, col = np.unique(cols, return_inverse=True)
    matrix = np.zeros((len(own_rows), len(own_cols)))
    matrix[row, col] = worth
    chosen = np.zeros(matrix.shape, dtype=bool)
    chosen[linear_sum_assignment(matrix, maximize=True)] = True
    return np.asarray(chosen[row, col], dtype=bool)
