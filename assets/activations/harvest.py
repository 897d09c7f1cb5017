"""Residual streams of one description: read window by window, alone, so that they depend on its text and the model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.language_model import LanguageModel
from resources.tokens import Tokens


class ActivationOverflowError(OverflowError):
    """An activation does not fit float16."""


@dataclass(frozen=True)
class FilingActivations:
    """One filing's tokens, and its residual streams after `blocks`: float16 [blocks, tokens, d_model]."""

    tokens: Tokens
    blocks: tuple[int, ...]
    activations: NDArray[np.float16]


def windows(n_tokens: int, context_length: int) -> list[tuple[int, int]]:
    """Consecutive windows [first, end) that cover `n_tokens` tokens, each at most `context_length` long, no overlap."""
    return [(first, min(first + context_length, n_tokens)) for first in range(0, n_tokens, context_length)]


def harvest(model: LanguageModel, text: str, blocks: Sequence[int], context_length: int) -> FilingActivations:
    """Tokens of a text and their residual streams after `blocks`, never padded or packed with another text.

    The first token of every window, not only of the text, carries a massive activation (METHOD.md, "Massive
    activations").

    Raises
    ------
    ActivationOverflowError
        A value is beyond float16 (65,504) or not a number; the message names block and position.
    """
    tokens = model.tokenize(text)
    activations = np.empty((len(blocks), len(tokens), model.d_model), dtype=np.float16)
    for first, end in windows(len(tokens), context_length):
        streams = model.residual_streams(tokens.ids[first:end], blocks).cpu().numpy()
        with np.errstate(over="ignore"):
            activations[:, first:end] = streams
        _check_finite(activations[:, first:end], blocks, first)
    return FilingActivations(tokens, tuple(blocks), activations)


def _check_finite(window: NDArray[np.float16], blocks: Sequence[int], first: int) -> None:
    finite = np.isfinite(window).all(axis=2)
    if finite.all():
        return
    row, position = np.argwhere(~finite)[0]
    where = f"block {blocks[row]}, position {first + position}"
    raise ActivationOverflowError(
        f"{where}: the residual stream is beyond float16's 65504; leave this block out of `activations.blocks`"
    )
