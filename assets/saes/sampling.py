"""Training batches of a group: per token one member block, drawn uniformly (Group-SAE, section 3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Activations = Mapping[int, NDArray[Any]]
"""Per block `[tokens, d_model]` float16 or float32, the same tokens in every block; memory maps are fine."""
Keep = Mapping[int, NDArray[np.bool_]]
"""Per block `[tokens]`: False where the activation is massive and left out (METHOD.md A)."""
CHUNK = 8192


class InvalidActivationsError(ValueError):
    """Activations hold NaN or infinity, are all left out, or do not match their mask."""


class CorpusTooSmallError(ValueError):
    """The corpus has fewer tokens than one batch."""


def layer_scales(activations: Activations, keep: Keep) -> dict[int, float]:
    """Return per block 1 / mean norm over kept tokens: scaled activations have a mean norm of 1 (Group-SAE, section 3).

    Raises InvalidActivationsError where a block's mean norm is not a positive number.
    """
    return {block: 1 / _mean_norm(block, x, keep[block]) for block, x in sorted(activations.items())}


def _mean_norm(block: int, x: NDArray[Any], keep: NDArray[np.bool_]) -> float:
    if len(x) != len(keep) or not keep.any():
        raise InvalidActivationsError(
            f"block {block}: {len(x)} tokens, a mask of {len(keep)}, {int(keep.sum())} of them kept"
        )
    total = 0.0
    for start in range(0, len(x), CHUNK):
        norms = np.linalg.norm(x[start : start + CHUNK].astype(np.float32), axis=1)
        total += float(norms[keep[start : start + CHUNK]].sum(dtype=np.float64))
    mean = total / int(keep.sum())
    if not 0 < mean < np.inf:
        raise InvalidActivationsError(
            f"block {block}: the mean norm is {mean}; its activations hold NaN, infinity or only zeros"
        )
    return mean


class GroupSampler:
    """Endless batches of scaled activations: tokens permuted anew each epoch, per token one of the blocks that keep it.

    The same seed gives the same batches.
    """

    def __init__(self, activations: Activations, keep: Keep, scales: Mapping[int, float], seed: int) -> None:
        self._blocks = sorted(activations)
        self._rows = [activations[block] for block in self._blocks]
        self._scales = [scales[block] for block in self._blocks]
        self._kept = np.stack([keep[block] for block in self._blocks], axis=1)
        self._tokens = np.flatnonzero(self._kept.any(axis=1))
        self._queue = self._tokens[:0]
        self._random = np.random.default_rng(seed)

    def __call__(self, n: int) -> Tensor:
        """Return the next `[n, d_model]` float32; raises CorpusTooSmallError where no epoch has `n` tokens."""
        if n > len(self._tokens):
            raise CorpusTooSmallError(
                f"blocks {self._blocks}: {len(self._tokens)} tokens, less than one batch of {n}: "
                "lower saes.batch_tokens or raise corpus.max_tokens"
            )
        if n > len(self._queue):
            self._queue = np.concatenate([self._queue, self._random.permutation(self._tokens)])
        tokens, self._queue = self._queue[:n], self._queue[n:]
        return self._gather(tokens)

    def _gather(self, tokens: NDArray[np.int64]) -> Tensor:
        batch = np.empty((len(tokens), self._rows[0].shape[1]), dtype=np.float32)
        member = self._draw_members(self._kept[tokens])
        for i, (rows, scale) in enumerate(zip(self._rows, self._scales, strict=True)):
            drawn = member == i
            batch[drawn] = rows[tokens[drawn]].astype(np.float32) * np.float32(scale)
        return torch.from_numpy(batch)

    def _draw_members(self, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return per row of `kept: [tokens, blocks]` the index of one kept block, each as likely."""
        ordinal = np.floor(self._random.random(len(kept)) * kept.sum(axis=1))
        drawn: NDArray[np.int64] = (kept.cumsum(axis=1) > ordinal[:, None]).argmax(axis=1)
        return drawn
