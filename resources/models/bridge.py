"""The language model in TransformerLens: for people who work with its hooks, and as a second opinion on losses."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resources.models.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor


def bridge_to(model: Any, tokenizer: Tokenizer) -> Any:
    """Return a TransformerBridge to a causal model that shares its weights; model and tokenizer stay as they are.

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


def bridge_losses(
    bridge: Any, ids: "Tensor", front: int, block: int, replace: "Callable[[Tensor], Tensor]"
) -> "Tensor":
    """Return a window's next-token losses with the stream after `block` replaced; the bridge runs all blocks.

    Parameters
    ----------
    bridge : TransformerBridge
    ids : [1, n] int64, with the BOS token where there is one
    front : tokens in front of the window's own: 1 for a BOS token, else 0
    block : zero-based
    replace : maps the stream, float32 [n - front, d_model], to its replacement of the same shape

    Returns
    -------
    float32 [n - front - 1], in nats
    """
    import torch

    def replaced(stream: "Tensor", hook: Any) -> "Tensor":
        changed = replace(stream[0, front:].float()).to(stream.dtype)
        return torch.cat([stream[0, :front], changed])[None]

    hooks = [(f"blocks.{block}.hook_resid_post", replaced)]
    with torch.inference_mode():
        logits = bridge.run_with_hooks(ids, return_type="logits", prepend_bos=False, fwd_hooks=hooks)
        return torch.nn.functional.cross_entropy(logits[0, front:-1].float(), ids[0, front + 1 :], reduction="none")
