"""A Llama with random weights, saved as transformers saves it, and its residual streams in float64, written out anew.

transformers' own model in float64 is no float64 reference: its norms are computed in float32.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention, silu
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

disable_progress_bar()

SMOLLM2 = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "max_position_embeddings": 8192,
    "vocab_size": 49_152,
}
"""The shape of SmolLM2-135M: what its weights are makes no difference to how fast it is read."""
SMALL = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "vocab_size": 500,
}
OVERFLOWS_AFTER = 2
BEYOND_FLOAT16 = 1e7


def save_llama(folder: Path, shape: dict[str, int], seed: int, *, overflows: bool = False) -> Path:
    """Save a model of random weights, and a tokenizer of as many words as it has; return the folder.

    Parameters
    ----------
    shape : of `LlamaConfig`
    overflows : whether values after block 2 are beyond float16
    """
    torch.manual_seed(seed)
    # A spread of 1 / sqrt(d) keeps what a block adds as long as what it reads: else its error would be lost in the sum.
    config = LlamaConfig(**shape, initializer_range=shape["hidden_size"] ** -0.5, bos_token_id=1, eos_token_id=2)
    model = LlamaForCausalLM(config)
    if overflows:
        model.model.layers[OVERFLOWS_AFTER].mlp.down_proj.weight.data *= BEYOND_FLOAT16
    model.save_pretrained(folder)
    _save_tokenizer(folder, shape["vocab_size"])
    return folder


def _save_tokenizer(folder: Path, size: int) -> None:
    words = ["<unk>", "<s>", "</s>", *(f"w{i}" for i in range(3, size))]
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=backend, **names).save_pretrained(folder)


class Float64Llama:
    """The decoder of a Llama in float64 on the CPU, from weights rounded to a number type (Touvron et al. 2023).

    Parameters
    ----------
    folder : of the model
    dtype : of the weights
    """

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
        self.config: Any = model.config
        self._weights = {name: weight.detach().double() for name, weight in model.model.named_parameters()}

    @torch.no_grad()
    def streams(self, ids: Sequence[int]) -> list[Tensor]:
        """Return the residual stream after each block, `[tokens, d_model]`."""
        x = self._weights["embed_tokens.weight"][torch.tensor(list(ids))]
        found = []
        for block in range(self.config.num_hidden_layers):
            x = x + self._attention(block, self._norm(f"layers.{block}.input_layernorm", x))
            x = x + self._mlp(block, self._norm(f"layers.{block}.post_attention_layernorm", x))
            found.append(x)
        return found

    def _norm(self, name: str, x: Tensor) -> Tensor:
        return (
            x
            * (x.pow(2).mean(dim=1, keepdim=True) + self.config.rms_norm_eps).rsqrt()
            * self._weights[f"{name}.weight"]
        )

    def _product(self, block: int, name: str, x: Tensor) -> Tensor:
        return x @ self._weights[f"layers.{block}.{name}.weight"].T

    def _mlp(self, block: int, x: Tensor) -> Tensor:
        gate, up = self._product(block, "mlp.gate_proj", x), self._product(block, "mlp.up_proj", x)
        return self._product(block, "mlp.down_proj", silu(gate) * up)

    def _attention(self, block: int, x: Tensor) -> Tensor:
        heads, shared = self.config.num_attention_heads, self.config.num_key_value_heads
        query, key, value = (
            self._product(block, f"self_attn.{name}_proj", x).view(len(x), count, -1).transpose(0, 1)
            for name, count in (("q", heads), ("k", shared), ("v", shared))
        )
        repeated = [one.repeat_interleave(heads // shared, dim=0) for one in (self._rotated(key), value)]
        mixed = scaled_dot_product_attention(self._rotated(query), *repeated, is_causal=True)
        return self._product(block, "self_attn.o_proj", mixed.transpose(0, 1).reshape(len(x), -1))

    def _rotated(self, x: Tensor) -> Tensor:
        """Return `[heads, tokens, width]` turned by position; angles are float32, as in every type of the model."""
        half = x.shape[2] // 2
        theta = torch.tensor(self._theta, dtype=torch.float32)
        frequency = 1 / theta ** (torch.arange(0, 2 * half, 2).float() / (2 * half))
        angle = (torch.arange(x.shape[1]).float()[:, None] * frequency).double()
        first, second = x[..., :half], x[..., half:]
        return torch.cat(
            [first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin()], dim=2
        )

    @property
    def _theta(self) -> float:
        """The base of the angles; it is a part of `rope_parameters` since transformers 5."""
        parameters = getattr(self.config, "rope_parameters", None) or {}
        return float(parameters.get("rope_theta") or self.config.rope_theta)
