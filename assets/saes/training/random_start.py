"""Where training from scratch starts: random weights, fitted to the mean and the spread of what they read."""

import math

import torch
from torch import Tensor

from assets.saes.model.sae import Sae, SaeConfig


@torch.no_grad()
def random_sae(config: SaeConfig, means: Tensor, seed: int) -> Sae:
    """Return untrained weights: random unit decoder rows, encoder = decoder, b_dec the means.

    `means: [blocks, d_model]` are those of the scaled activations of the blocks; with shared biases b_dec is their
    mean. JumpReLU's thresholds start where about k of the latents of an average token are above them: scaled
    activations have a mean norm of 1, of which the mean is taken away before they are encoded.
    """
    sae = Sae(config)
    sae.W_dec.copy_(torch.randn(sae.W_dec.shape, generator=torch.Generator().manual_seed(seed)))
    sae.normalise_decoder()
    sae.encoder.weight.copy_(sae.W_dec)
    sae.b_dec.copy_(means if config.bias_rows > 1 else means.mean(dim=0))
    if config.activation == "jump_relu":
        share = torch.tensor(1 - config.k / config.n_latents, dtype=torch.float64)
        normal = float(torch.special.ndtri(share).clamp_min(0.1))
        spread = float((1 - means.pow(2).sum(dim=1)).clamp_min(0.01).mean())
        sae.log_threshold.fill_(math.log(normal * math.sqrt(spread / config.d_model)))
    return sae
