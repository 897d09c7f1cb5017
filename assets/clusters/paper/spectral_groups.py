"""[paper] Clusters of embeddings: UMAP, a graph of five nearest neighbours, and spectral clustering."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.cluster import KMeans
from sklearn.neighbors import kneighbors_graph

from assets.clusters.linkage import ranked
from assets.clusters.paper.umap_here import check_umap

NEIGHBOURS = 5
"""Nearest neighbours of a company in the graph."""
UMAP_NEIGHBOURS = 15
"""UMAP's own default; so few companies, or fewer, are not reduced: each would have all others for neighbours."""
Reduce = Callable[[NDArray[Any], int], NDArray[np.float64]]
"""Takes vectors [n, d] and a seed, returns points [n, dimensions]."""


def umap_points(vectors: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """Return the points [n, 2] of UMAP with its own defaults (McInnes et al. 2018); the paper gives no settings.

    Raises
    ------
    UmapMissingError
        umap-learn is not installed.
    """
    check_umap()
    import umap  # noqa: PLC0415  numba behind it compiles for half a minute when it is first used

    # With a seed UMAP runs in one thread, and warns where it is not told so itself.
    return np.asarray(umap.UMAP(random_state=seed, n_jobs=1).fit_transform(vectors), dtype=np.float64)


def spectral_groups(vectors: NDArray[Any], groups: int, seed: int, reduce: Reduce = umap_points) -> NDArray[np.int64]:
    """Return labels [n] of the companies behind embeddings [n, d], numbered as by `ranked`.

    The nearest-neighbour graph of the reduced points is made symmetric by halves, as in scikit-learn's
    `SpectralClustering(affinity="nearest_neighbors")`. Its eigenvectors are computed densely here: a year has some
    thousand companies, and a graph that falls apart, which is what clusters want, needs no exception.

    Parameters
    ----------
    groups : int
        Clusters; as many as there are companies at the most.
    reduce
        What stands for UMAP; not called for so few companies that it has nothing to tell apart.
    """
    n = len(vectors)
    if n < 2:
        return np.zeros(n, dtype=np.int64)
    points = reduce(vectors, seed) if n > UMAP_NEIGHBOURS else np.asarray(vectors, dtype=np.float64)
    # scikit-learn counts a company among its own nearest, which leaves four others.
    graph = kneighbors_graph(points, min(NEIGHBOURS, n), include_self=True).toarray()
    return ranked(_spectral(0.5 * (graph + graph.T), min(groups, n), seed))


def _spectral(affinity: NDArray[np.float64], groups: int, seed: int) -> NDArray[np.int64]:
    """Return the k-means clusters of the graph's first eigenvectors (Shi and Malik 2000)."""
    np.fill_diagonal(affinity, 0.0)
    # A company nearest to nobody but itself has no edge; it keeps a degree so that nothing is divided by 0.
    root = np.sqrt(np.where(affinity.sum(axis=1) > 0, affinity.sum(axis=1), 1.0))
    normalised = affinity / root[:, None] / root[None, :]
    n = len(affinity)
    _, vectors = eigh(normalised, subset_by_index=[n - groups, n - 1])
    found = KMeans(groups, n_init=10, random_state=seed).fit_predict(vectors / root[:, None])
    return np.asarray(found, dtype=np.int64)
