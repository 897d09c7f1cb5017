"""What reading with a language model costs, from its configuration alone: weights, and FLOP of a window."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resources.models.model_source import config_at_hand
from resources.settings.model import Model

PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    "meta-llama/Meta-Llama-3-8B": {
        "num_hidden_layers": 32,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128_256,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
    }
}
"""Configurations as their makers published them, of models that need not be on this machine to know their cost."""
GATED = frozenset({"silu", "swiglu", "gelu_pytorch_tanh"})
"""Activations of MLPs with a gate, a third matrix beside up and down, in Llama, Qwen and Gemma."""


@dataclass(frozen=True)
class ModelSize:
    """Sizes of a decoder of the Llama kind that decide what it costs to read with it."""

    blocks: int
    """Decoder blocks."""
    d_model: int
    """Width of the residual stream."""
    attention: int
    """Width of all heads together."""
    block_weights: int
    """Weights of the matrices of one block; norms are not counted."""
    parameters: int
    """Weights of all matrices, embedding and output included."""

    def window_flop(self, tokens: int, last_block: int) -> int:
        """Return the FLOP of reading a window up to and including `last_block`, zero-based.

        Two for each weight and token, and four for each pair of tokens and dimension of attention, as torch counts
        them; a kernel that leaves out the pairs of a later token does half of the latter.
        """
        matrices = 2 * self.block_weights * tokens
        return (last_block + 1) * (matrices + 4 * self.attention * tokens**2)


def model_size(settings: Model, models: Path) -> ModelSize | None:
    """Return the size of the settings' model; None where neither this machine nor PUBLISHED knows it.

    Raises
    ------
    ModelNotFoundError
        The wheel or the folder is not there.
    """
    file = config_at_hand(settings, models)
    config = json.loads(file.read_text(encoding="utf-8")) if file else PUBLISHED.get(settings.id)
    return size_of(config) if config and "intermediate_size" in config else None


def size_of(config: Mapping[str, Any]) -> ModelSize:
    """Return the size that a configuration of transformers tells, one of the Llama kind."""
    d_model, heads = config["hidden_size"], config["num_attention_heads"]
    width = config.get("head_dim") or d_model // heads
    shared = config.get("num_key_value_heads") or heads
    mlp = (3 if config.get("hidden_act") in GATED else 2) * d_model * config["intermediate_size"]
    block = 2 * d_model * width * (heads + shared) + mlp
    embeddings = config["vocab_size"] * d_model * (1 if config.get("tie_word_embeddings") else 2)
    blocks = config["num_hidden_layers"]
    return ModelSize(blocks, d_model, heads * width, block, blocks * block + embeddings)
