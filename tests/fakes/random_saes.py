"""Autoencoders with random weights, and raw activations for them."""

import torch
from torch import Tensor

from assets.saes.model.sae import Sae, SaeConfig
from resources.settings.saes import Activation

SCALES = {8: 1 / 3, 11: 0.1234567890123}


def trained(activation: Activation = "topk", block_biases: bool = False) -> Sae:
    """An autoencoder all of whose weights are in use."""
    sae = Sae(SaeConfig(6, 30, 4, (8, 11), SCALES, activation, block_biases))
    generator = torch.Generator().manual_seed(3)
    for weight in sae.state_dict().values():
        weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    if activation == "batch_topk":
        sae.threshold.fill_(0.4)
    return sae.eval()


def raw_activations(tokens: int = 200) -> Tensor:
    """Of blocks 8 and 11."""
    return 5 * torch.randn(tokens, 6, generator=torch.Generator().manual_seed(0)) + 2
