"""Training batches of a group: per token one member block, drawn uniformly (Group-SAE, section 3)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Keep = Mapping[int, NDArray[np.bool_]]
"""Per block `[tokens]`: False where the activation is massive and left out (docs/method.md)."""
Take = Callable[[int, NDArray[np.int64]], NDArray[np.floating[Any]]]
"""Copies of a block's rows `[n, d_model]` at these places of what was drawn."""


class InvalidActivationsError(ValueError):
    """Activations hold NaN or infinity, vary nowhere, are all left out, or do not match their mask."""


class CorpusTooSmallError(ValueError):
    """The corpus has fewer tokens than one batch."""


@dataclass(frozen=True)
class Batch:
    """Scaled activations of several blocks, one block after another."""

    x: Tensor
    """[tokens, d_model] float32."""
    counts: tuple[int, ...]
    """Tokens of each block of the group, in its order; together all of `x`."""


class MemberDraw:
    """For every token that a batch drew, one block of the group, each as likely; only that block's row is copied.

    The same seed gives the same members for the same tokens, whatever other groups are trained beside this one.

    Parameters
    ----------
    blocks : sequence of int
        The group's blocks.
    scales : mapping
        What each block is multiplied by.
    seed : int
        Of the draw; the blocks are mixed in, so that two groups draw differently.
    """

    def __init__(self, blocks: Sequence[int], scales: Mapping[int, float], seed: int) -> None:
        self._blocks, self._scales = tuple(blocks), scales
        self._random = np.random.default_rng([seed, *blocks])

    @property
    def state(self) -> dict[str, Any]:
        """State of the random draw, in types that JSON has."""
        return dict(self._random.bit_generator.state)

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._random.bit_generator.state = state

    def batch(self, kept: NDArray[np.bool_], take: Take) -> Batch:
        """Return the batch of the tokens drawn.

        Parameters
        ----------
        kept : [tokens, blocks] bool
            Where a token is massive in a block it is not drawn there; where it is so in all, it is left out.
        take : Take
            Copies rows of a block by their place among the tokens drawn.
        """
        member = self._members(kept)
        places = [np.flatnonzero(member == i) for i in range(len(self._blocks))]
        pieces = [
            np.multiply(take(block, here), np.float32(self._scales[block]), dtype=np.float32)
            for block, here in zip(self._blocks, places, strict=True)
        ]
        return Batch(torch.from_numpy(np.concatenate(pieces)), tuple(map(len, places)))

    def _members(self, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return per row of `kept` the index of one kept block; -1 where there is none."""
        ordinal = np.floor(self._random.random(len(kept)) * kept.sum(axis=1))
        drawn = (kept.cumsum(axis=1) > ordinal[:, None]).argmax(axis=1)
        return np.where(kept.any(axis=1), drawn, -1)
