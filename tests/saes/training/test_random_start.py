"""Where training from scratch starts."""

import pytest
import torch

from assets.saes.model.sae import SaeConfig
from assets.saes.training.random_start import random_sae

D = 16


def config(block_biases: bool) -> SaeConfig:
    return SaeConfig(D, 4 * D, 3, (0, 1), {0: 1.0, 1: 1.0}, block_biases=block_biases)


def test_random_weights_start_tied_with_the_mean_as_bias() -> None:
    means = torch.stack([torch.full((D,), 1.0), torch.full((D,), 4.0)])
    sae = random_sae(config(block_biases=False), means, seed=1)
    assert torch.equal(sae.encoder.weight, sae.W_dec)
    torch.testing.assert_close(sae.b_dec.data, torch.full((D,), 2.5))
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(4 * D))
    own = random_sae(config(block_biases=True), means, seed=1)
    assert torch.equal(own.b_dec, means)
    assert torch.equal(own.W_dec, sae.W_dec)
    assert not torch.equal(random_sae(sae.config, means, seed=2).W_dec, sae.W_dec)


@pytest.mark.parametrize("mean", [0.0, 0.8])
def test_jump_relu_starts_with_about_k_active_latents(mean: float) -> None:
    """Activations of norm 1 on average, of which `mean` is the norm of their mean."""
    sizes = SaeConfig(64, 1024, 20, (0,), {0: 1.0}, "jump_relu")
    x = torch.nn.functional.normalize(torch.randn(2000, 64, generator=torch.Generator().manual_seed(0)), dim=1)
    x = (1 - mean**2) ** 0.5 * x + torch.eye(64)[0] * mean
    assert float(random_sae(sizes, x.mean(dim=0, keepdim=True), 0)(x).l0.detach()) == pytest.approx(20, rel=0.25)
