"""What the decoder blocks of a plain transformers model give out, by hooks of its own."""

from typing import Any

import torch


def layer_outputs(plain: Any, batch: torch.Tensor) -> list[torch.Tensor]:
    """Output of each decoder block, [batch, tokens, d_model]."""
    outputs: list[torch.Tensor] = []
    hooks = [layer.register_forward_hook(lambda m, a, out: outputs.append(out)) for layer in plain.model.layers]
    with torch.inference_mode():
        plain.model(batch, use_cache=False)
    for hook in hooks:
        hook.remove()
    return outputs
