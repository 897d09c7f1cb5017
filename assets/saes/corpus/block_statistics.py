"""What training needs to know about a block in advance: which tokens count, its scale, its mean."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.activations.shards.shards import Shards, massive_tokens
from assets.saes.corpus.batches import InvalidActivationsError


@dataclass(frozen=True)
class BlockStatistics:
    """Statistics of the residual stream after one block, massive activations left out."""

    keep: NDArray[np.bool_]
    """[rows]: False where a token is massive in its document, or in no document."""
    scale: float
    """1 / mean norm: scaled activations have a mean norm of 1 (Group-SAE, section 3)."""
    mean: NDArray[np.float64]
    """[d_model]: mean of the scaled activations."""


def statistics_of(shards: Shards, index: pl.DataFrame, block: int, massive_norm: float) -> BlockStatistics:
    """Read a block once, document by document of `index` (first_row, tokens); see `block_statistics`."""
    documents = (
        (first, shards.activations(block, first, tokens))
        for first, tokens in index.select("first_row", "tokens").iter_rows()
    )
    return block_statistics(documents, shards.rows, massive_norm, f"block {block}")


def block_statistics(
    documents: Iterable[tuple[int, NDArray[np.floating[Any]]]], rows: int, massive_norm: float, what: str
) -> BlockStatistics:
    """Return the statistics of documents, each given by its first row and its activations `[tokens, d_model]`.

    Raises
    ------
    InvalidActivationsError
        They hold NaN or infinity, are all left out, or are the same on every token.
    """
    keep = np.zeros(rows, dtype=np.bool_)
    count, norm, total, squares = 0, 0.0, np.zeros(()), np.zeros(())
    for first, stored in documents:
        x = stored.astype(np.float32)
        norms = np.linalg.norm(x, axis=1)
        if not np.isfinite(norms).all():
            raise InvalidActivationsError(f"{what}: activations hold NaN or infinity; harvest them again")
        kept = ~massive_tokens(norms, massive_norm)
        keep[first : first + len(x)] = kept
        wide = x[kept].astype(np.float64)
        count, norm = count + len(wide), norm + float(norms[kept].sum(dtype=np.float64))
        total, squares = total + wide.sum(axis=0), squares + (wide**2).sum(axis=0)
    if not count:
        raise InvalidActivationsError(f"{what}: no token is left to train on; raise activations.massive_norm")
    mean = total / count
    if not (squares / count - mean**2 > 1e-12 * squares / count).any():
        raise InvalidActivationsError(f"{what}: its activations are the same on every token; leave it out")
    return BlockStatistics(keep, count / norm, mean * count / norm)
