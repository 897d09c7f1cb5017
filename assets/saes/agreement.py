"""Whether our losses with a replaced residual stream are those that TransformerLens computes."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from resources.models.language_model import LanguageModel

COMPARED_TOKENS = 64
"""Of one document."""
ALLOWED = {"float32": 1e-4, "bfloat16": 0.25}
"""Largest difference of the mean loss (nats), by the model's number type; a single token's may be ten times that."""


def agreement_with_transformer_lens(
    model: LanguageModel, block: int, documents: Sequence[NDArray[Any]]
) -> tuple[bool, str]:
    """Return whether losses agree, and a sentence that says how closely.

    Compared are the first tokens of the longest document, with the stream after `block` halved: TransformerLens runs
    all blocks, we those behind `block`. An autoencoder in its place would not do: where two latents are nearly as
    strong, last bits decide which of them is active.
    """
    window = max(documents, key=len)[: COMPARED_TOKENS + 1]
    (ours,) = model.next_token_losses([window]).replaced(block, _half)
    off = float((ours - model.bridge_losses(window, block, _half)).double().mean().abs())
    allowed = ALLOWED[model.devices[0].dtype]
    return off <= allowed, f"mean loss with block {block} halved differs by {off:.1e} nats, {allowed:g} is allowed"


def _half(stream: Tensor) -> Tensor:
    return stream / 2
