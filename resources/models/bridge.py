"""TransformerLens' view of the language model, through which a residual stream is replaced on its way."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resources.models.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor


def bridge_to(model: Any, tokenizer: Tokenizer) -> Any:
    """TransformerBridge to a causal model, sharing its weights; the model and the tokenizer stay as they are.

    The bridge rewires the modules and completes the tokenizer that it is given, so it is given copies of them.
    """
    from transformer_lens.model_bridge import TransformerBridge

    shared = {id(weight): weight for weight in (*model.parameters(), *model.buffers())}
    return TransformerBridge.boot_transformers(
        model.config.name_or_path,
        hf_model=copy.deepcopy(model, shared),
        tokenizer=copy.deepcopy(tokenizer.fast),
        trust_remote_code=False,
    )


def replacing(
    block: int, replace: "Callable[[Tensor], Tensor]", front: int
) -> "tuple[str, Callable[[Tensor, Any], Tensor]]":
    """Hook of the bridge that rewrites the stream of one window after `block`, but for its `front` first tokens.

    `replace` maps float32 [n, d_model] to the same shape, whatever type the model computes in.
    """
    import torch

    def replaced(stream: "Tensor", hook: Any) -> "Tensor":
        read = replace(stream[0, front:].float()).to(stream.dtype)
        return torch.cat([stream[0, :front], read])[None]

    return f"blocks.{block}.hook_resid_post", replaced
