"""Pooling: the latent activations of a filing's tokens become one value per latent."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from resources.settings.features import Pooling

FEATURES = pl.Schema(
    {
        "latent": pl.Int32,
        "value": pl.Float64,
        "peak_position": pl.Int32,
        "peak_start": pl.Int32,
        "peak_end": pl.Int32,
        "peak": pl.Float64,
    }
)


class PoolingError(ValueError):
    """Activations that cannot be pooled."""


def pool_filing(
    values: NDArray[np.floating[Any]],
    indices: NDArray[np.integer[Any]],
    keep: NDArray[np.bool_],
    char_start: NDArray[np.integer[Any]],
    char_end: NDArray[np.integer[Any]],
    *,
    pooling: Pooling,
) -> pl.DataFrame:
    """Pool the active latents of one filing over its kept tokens (docs/method.md; `sum` is the paper's).

    Parameters
    ----------
    values, indices: [tokens, k]
        Activations of the active latents, at least 0, and which latents they are.
    keep: [tokens]
        False for tokens never pooled: massive activations, BOS, padding.
    char_start, char_end: [tokens]
        Where each token is in the description (characters).
    pooling
        `mean` divides the sum by the number of kept tokens; `log1p_sum` is ln(1 + sum).

    Returns
    -------
    DataFrame(latent, value, peak_position, peak_start, peak_end, peak)
        Sorted by latent, zeros left out; the peak is the first kept token at which the latent is strongest, and its
        activation there.

    Raises
    ------
    PoolingError
        Shapes disagree, an activation is negative or not finite, or the pooling is unknown.
    """
    _check(values, indices, keep, char_start, char_end)
    token, slot = np.nonzero((values > 0) & keep[:, None])
    active = values[token, slot].astype(np.float64)
    latent = indices[token, slot].astype(np.int64)
    strongest = np.zeros(latent.max(initial=-1) + 1)
    np.maximum.at(strongest, latent, active)
    at_peak = active == strongest[latent]
    found, first = np.unique(latent[at_peak], return_index=True)
    peak = token[at_peak][first]
    sums = np.bincount(latent, weights=active)[found]
    pooled = _pooled(sums, strongest[found], int(keep.sum()), pooling)
    columns = [found, pooled, peak, char_start[peak], char_end[peak], strongest[found]]
    return pl.DataFrame(columns, schema=list(FEATURES)).cast(FEATURES)


def _pooled(
    sums: NDArray[np.float64], strongest: NDArray[np.float64], tokens: int, pooling: Pooling
) -> NDArray[np.float64]:
    match pooling:
        case "mean":
            return sums / max(tokens, 1)
        case "max":
            return strongest
        case "sum":
            return sums
        case "log1p_sum":
            return np.log1p(sums)
    raise PoolingError(f"pooling {pooling!r} is unknown; use mean, max, sum or log1p_sum")


def _check(
    values: NDArray[np.floating[Any]],
    indices: NDArray[np.integer[Any]],
    keep: NDArray[np.bool_],
    char_start: NDArray[np.integer[Any]],
    char_end: NDArray[np.integer[Any]],
) -> None:
    if values.ndim != 2 or values.shape != indices.shape:
        raise PoolingError(f"values {values.shape} and indices {indices.shape} must both be [tokens, k]")
    if {keep.shape, char_start.shape, char_end.shape} != {(len(values),)}:
        raise PoolingError(
            f"keep {keep.shape}, char_start {char_start.shape} and char_end {char_end.shape} "
            f"must hold one element for each of the {len(values)} tokens"
        )
    wrong = ~(np.isfinite(values) & (values >= 0)).all(axis=1) & keep
    if wrong.any():
        raise PoolingError(f"token {int(wrong.argmax())} has a negative or non-finite activation; encode it again")
