"""Groups as communities of a graph: each company linked to its mutual nearest neighbours (Traag et al. 2019)."""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from assets.clusters.linkage import ranked
from assets.clusters.neighbours import nearest_columns
from assets.clusters.scores import pair_count

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
STEPS = 20
"""Halvings of the range of resolutions, whose logarithm is searched."""
COARSEST, FINEST = 1e-3, 1e5


class LeidenMissingError(RuntimeError):
    """leidenalg is not installed."""


def check_leiden() -> None:
    """Raise LeidenMissingError where leidenalg or igraph is not installed."""
    if find_spec("leidenalg") is None or find_spec("igraph") is None:
        raise LeidenMissingError(
            "clusters.linkage: leiden needs leidenalg: pip install 'peerlens[leiden]', or take another linkage"
        )


def mutual_neighbours(similarity: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the pairs that are among each other's `k` nearest [pairs, 2] and their similarity, those above 0."""
    n = len(similarity)
    peers, near = nearest_columns(similarity, np.arange(n), k)
    linked = np.zeros((n, n), dtype=bool)
    rows = np.repeat(np.arange(n), peers.shape[1])
    says = (near > 0).ravel()
    linked[rows[says], peers.ravel()[says]] = True
    pairs = np.argwhere(np.triu(linked & linked.T, 1))
    return pairs, (similarity[pairs[:, 0], pairs[:, 1]] + similarity[pairs[:, 1], pairs[:, 0]]) / 2


def leiden(similarity: Floats, pairs: int, k: int, seed: int) -> Labels:
    """Return labels [n] of the communities at the coarsest resolution found that hold at most `pairs` pairs.

    Raises
    ------
    LeidenMissingError
        The extra is not installed.
    """
    check_leiden()
    import igraph  # noqa: PLC0415 - an extra
    import leidenalg  # noqa: PLC0415

    n = len(similarity)
    edges, weights = mutual_neighbours(similarity, k)
    graph = igraph.Graph(n=n, edges=edges.tolist())
    best, low, high = np.arange(n), np.log(COARSEST), np.log(FINEST)
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = leidenalg.find_partition(
            graph,
            leidenalg.RBConfigurationVertexPartition,
            weights=weights.tolist(),
            resolution_parameter=float(np.exp(middle)),
            seed=seed,
        )
        labels = ranked(np.asarray(found.membership, dtype=np.int64))
        if pair_count(labels) > pairs:
            low = middle
            continue
        high = middle
        if pair_count(labels) > pair_count(best):
            best = labels
    return best
