"""The nearest companies of each, block by block of rows: no more than a block of similarities is held at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
BLOCK = 1024
"""Rows looked at together: with 30,000 companies a block of float32 is 120 MB."""


def nearest_columns(similarity: Floats, order: NDArray[np.integer], k: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the `k` nearest others of every company, equally near ones in the order given.

    Parameters
    ----------
    similarity : [n, n] float64
        NaN where it is not known.
    order : [n] int
        The order in which companies are numbered in what is returned.

    Returns
    -------
    peers, similarity : [n, min(k, n - 1)]
        The nearest first; -inf where it is not known how near a company is.
    """
    return _collected(_blocks_of(similarity, order), len(order), k)


def nearest_by_vectors(vectors: csr_matrix, k: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the same by products of rows [n, d], without ever holding all n^2 of them; nearness is to 1e-6.

    Every pair is looked at, so but for rounding these are the exact ones.
    """
    rows = np.asarray(vectors.astype(np.float32).toarray())
    return _collected((rows[part] @ rows.T for part in _slices(len(rows))), len(rows), k)


def _blocks_of(similarity: Floats, order: NDArray[np.integer]) -> Iterator[Floats]:
    for rows in _slices(len(order)):
        near = similarity[np.ix_(order[rows], order)].astype(np.float64)
        near[np.isnan(near)] = -np.inf
        yield near


def _slices(n: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def _collected(blocks: Iterator[NDArray[Any]], n: int, k: int) -> tuple[NDArray[np.int64], Floats]:
    width = min(k, max(n - 1, 0))
    peers, values = np.empty((n, width), dtype=np.int64), np.empty((n, width))
    if width:
        for rows, near in zip(_slices(n), blocks, strict=True):
            near[np.arange(len(near)), np.arange(rows.start, rows.stop)] = -np.inf
            peers[rows], values[rows] = _largest(near, width)
    return peers, values


def _largest(near: NDArray[Any], width: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the columns of the largest values of every row and the values, equal ones in the order of columns."""
    found = np.sort(np.argpartition(near, -width, axis=1)[:, -width:], axis=1)
    values = np.take_along_axis(near, found, axis=1)
    last = values.min(axis=1, keepdims=True)
    # Of several equal to the last one a partition takes any.
    for row in np.flatnonzero((near == last).sum(axis=1) > (values == last).sum(axis=1)):
        found[row] = np.sort(np.argsort(-near[row], kind="stable")[:width])
    values = np.take_along_axis(near, found, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(values, order, axis=1)
