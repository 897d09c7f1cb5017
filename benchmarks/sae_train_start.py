"""From what all train in sae_train.py: activations, first weights, and whether our gradients at these are right."""

from pathlib import Path

import numpy as np

from assets.saes.model.sae import SaeConfig  # before torch: the package says how idle threads wait
from assets.saes.training.random_start import random_sae

# isort: split
import torch
from torch import Tensor

SEED, D_MODEL, K, BATCH_TOKENS, BATCHES = 0, 576, 32, 2048, 64
CHECKED_TOKENS, NOISE, ROUNDING = 512, 0.01, 1e-6
"""Tokens on which gradients are compared; what is added to the first weights, so that no bias is zero; by how much
the last active latent of a token is ahead of the next, for else the order of additions decides between them."""


def write_input(path: Path) -> Tensor:
    """Write `[batches, tokens, d_model]`, variance of the i-th direction 1/i, mean norm 1; return the first batch."""
    numbers = np.random.default_rng(SEED)
    directions = np.linalg.qr(numbers.standard_normal((D_MODEL, D_MODEL)))[0].astype(np.float32)
    mixing = directions / np.sqrt(np.arange(1, D_MODEL + 1, dtype=np.float32))[:, None]
    x = numbers.standard_normal((BATCHES, BATCH_TOKENS, D_MODEL), dtype=np.float32) @ mixing
    x /= np.linalg.norm(x, axis=2).mean()
    np.save(path, x)
    return torch.from_numpy(x[0].copy())


def write_start(path: Path, x: Tensor, n_latents: int) -> float:
    """Write the weights from which all start, as ours makes them; return the error of their gradients."""
    sae = random_sae(SaeConfig(D_MODEL, n_latents, K, (0,), {0: 1.0}), x.mean(dim=0, keepdim=True), SEED)
    np.savez(path, **{name: weight.numpy() for name, weight in sae.state_dict().items()})
    return grad_error(sae, x)


def grad_error(sae: torch.nn.Module, x: Tensor) -> float:
    """Return our largest difference from dense gradients of the squared error, over the largest gradient or 1."""
    torch.manual_seed(SEED)
    with torch.no_grad():
        for weight in sae.parameters():
            weight.add_(torch.randn_like(weight), alpha=NOISE)
    dense = {name: weight.detach().clone().requires_grad_() for name, weight in sae.named_parameters()}
    strongest = pre_activations(dense, x).topk(K + 1, dim=1).values
    x = x[strongest[:, K - 1] - strongest[:, K] > ROUNDING][:CHECKED_TOKENS]
    (x - sae(x).x_hat).pow(2).sum().backward()
    dense_loss(dense, x).backward()
    pairs = [(weight.grad, dense[name].grad) for name, weight in sae.named_parameters()]
    return max(float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1)) for ours, theirs in pairs)


def dense_loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return the squared error of a TopK autoencoder in plain operations, over all latents."""
    pre = pre_activations(weights, x)
    values, indices = pre.topk(K, dim=1)
    latents = torch.zeros_like(pre).scatter(1, indices, values)
    return (x - latents @ weights["W_dec"] - weights["b_dec"]).pow(2).sum()


def pre_activations(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return the pre-activations of all latents, `[tokens, n_latents]`, none of them negative."""
    return ((x - weights["b_dec"]) @ weights["encoder.weight"].T + weights["encoder.bias"]).relu()
