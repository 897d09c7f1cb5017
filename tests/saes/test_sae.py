"""The TopK autoencoder and its closed-form gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.saes.sae import SaeConfig, SaeConfigError, TopKSae, UnknownBlockError


def random_weights(config: SaeConfig, seed: int = 0, dtype: torch.dtype = torch.float32) -> TopKSae:
    sae = TopKSae(config).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / config.d_model**0.5)
    return sae


def gradients(sae: TopKSae, x: torch.Tensor, x_hat: torch.Tensor) -> list[torch.Tensor]:
    loss = (x_hat - 1.3 * x.detach()).pow(2).mean()
    return list(torch.autograd.grad(loss, [*sae.parameters(), x]))


def dense_reconstruction(sae: TopKSae, x: torch.Tensor) -> torch.Tensor:
    """The same map with a dense code and nothing but matrix products."""
    pre = (x - sae.b_dec) @ sae.encoder.weight.T + sae.encoder.bias
    kept = torch.zeros_like(pre).scatter(1, pre.topk(sae.config.k, dim=1).indices, 1.0)
    return (pre.relu() * kept) @ sae.W_dec + sae.b_dec


@settings(max_examples=25, deadline=None)
@given(
    tokens=st.integers(1, 60),
    d=st.integers(1, 20),
    m=st.integers(1, 50),
    share=st.floats(0, 1),
    seed=st.integers(0, 999),
)
def test_gradients_equal_dense_autograd(tokens: int, d: int, m: int, share: float, seed: int) -> None:
    sae = random_weights(SaeConfig(d, m, max(1, round(share * m))), seed, torch.float64)
    x = torch.randn(tokens, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64, requires_grad=True)
    x_hat, dense = sae(x).x_hat, dense_reconstruction(sae, x)
    torch.testing.assert_close(x_hat, dense, atol=1e-12, rtol=1e-10)
    for ours, theirs in zip(gradients(sae, x, x_hat), gradients(sae, x, dense), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-10)


def test_float32_gradients_equal_dense_autograd_to_1e5() -> None:
    sae = random_weights(SaeConfig(64, 512, 16))
    x = torch.randn(300, 64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    ours, theirs = gradients(sae, x, sae(x).x_hat), gradients(sae, x, dense_reconstruction(sae, x))
    for a, b in zip(ours, theirs, strict=True):
        assert float((a - b).abs().max()) < 1e-5 * max(1.0, float(b.abs().max()))


def test_gradcheck_passes() -> None:
    sae = random_weights(SaeConfig(5, 9, 3), seed=4, dtype=torch.float64)
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y: sae(y).x_hat, (x,), nondet_tol=0.0)


def test_encode_by_hand() -> None:
    sae = TopKSae(SaeConfig(2, 3, 2))
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 0]]))
        sae.encoder.bias.copy_(torch.tensor([0.0, 0.5, 0]))
        sae.W_dec.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 0]]))
        sae.b_dec.copy_(torch.tensor([1.0, 1.0]))
    x = torch.tensor([[3.0, 2.0], [0.0, 0.0]])
    values, indices = sae.encode(x)
    codes = torch.zeros(2, 3).scatter(1, indices, values)
    assert codes.tolist() == [[2.0, 1.5, 0.0], [0.0, 0.0, 1.0]]
    assert sae.decode(values, indices).tolist() == [[3.0, 2.5], [0.0, 1.0]]


def test_forward_equals_encode_then_decode() -> None:
    sae = random_weights(SaeConfig(16, 64, 8))
    x = torch.randn(40, 16, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(sae(x).x_hat, sae.decode(*sae.encode(x)))


def test_values_are_never_negative_and_never_more_than_k() -> None:
    sae = random_weights(SaeConfig(16, 64, 8))
    values, indices = sae.encode(torch.randn(40, 16, generator=torch.Generator().manual_seed(3)))
    assert values.shape == indices.shape == (40, 8)
    assert bool((values >= 0).all())
    assert all(len(set(row)) == 8 for row in indices.tolist())


def test_each_block_has_its_own_scale() -> None:
    sae = TopKSae(SaeConfig(2, 4, 1, (3, 4), {3: 0.5, 4: 0.25}))
    x = np.array([[2.0, 4.0]], np.float16)
    assert sae.scaled(x, 3).tolist() == [[1.0, 2.0]]
    assert sae.scaled(torch.from_numpy(x), 4).tolist() == [[0.5, 1.0]]
    assert sae.scaled(x, 3).dtype == torch.float32
    with pytest.raises(UnknownBlockError, match="block 7"):
        sae.scaled(x, 7)


def test_decoder_rows_are_made_unit_length() -> None:
    sae = random_weights(SaeConfig(16, 64, 8))
    sae.normalise_decoder()
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(64))


def test_impossible_dimensions_are_refused() -> None:
    with pytest.raises(SaeConfigError, match="k = 9 of 8 latents"):
        SaeConfig(4, 8, 9)
    with pytest.raises(SaeConfigError, match="positive"):
        SaeConfig(4, 8, 0)


def test_creating_one_leaves_global_randomness_alone() -> None:
    before = torch.random.get_rng_state()
    TopKSae(SaeConfig(4, 8, 2))
    assert torch.equal(before, torch.random.get_rng_state())
