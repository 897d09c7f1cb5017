"""Mean and spread of every dimension are folded into the weights, to the last bits of float32."""

import numpy as np
import pytest
import torch

from assets.saes.model.sae import Sae, SaeConfig, SaeConfigError
from assets.saes.model.standard import Standard

D, N = 12, 30
RANDOM = np.random.default_rng(0)
RAW = (RANDOM.normal(size=(400, D)) * np.geomspace(0.05, 900, D) + np.linspace(-500, 2000, D)).astype(np.float32)


def random_sae(activation: str = "topk", scale: float = 1.0) -> Sae:
    sae, generator = Sae(SaeConfig(D, N, 4, (24,), {24: scale}, activation)), torch.Generator().manual_seed(1)
    for tensor in sae.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=generator))
    if activation == "batch_topk":
        sae.threshold.fill_(0.5)
    sae.normalise_decoder()
    return sae.eval()


def test_standardised_rows_have_mean_0_and_spread_1() -> None:
    x = Standard.measured(RAW).of(RAW)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("activation", ["topk", "batch_topk"])
@torch.inference_mode()
def test_folded_weights_have_the_same_latents_of_raw_rows(activation: str) -> None:
    standard, sae = Standard.measured(RAW), random_sae(activation)
    values, indices = sae.encode(torch.from_numpy(standard.of(RAW)))
    folded = standard.folded(sae)
    raw_values, raw_indices = folded.encode(folded.scaled(RAW, 24))
    ours, theirs = (
        torch.zeros(len(RAW), N).scatter_add_(1, where, what)
        for where, what in ((indices, values), (raw_indices, raw_values))
    )
    torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=1e-4)
    assert ((ours > 0) == (theirs > 0)).float().mean() > 0.999
    rebuilt = folded.decode(raw_values, raw_indices).numpy()
    expected = standard.mean + standard.spread * sae.decode(values, indices).numpy()
    np.testing.assert_allclose((rebuilt - expected) / standard.spread, 0, atol=2e-3)


@torch.inference_mode()
def test_folding_is_exact_but_for_the_rounding_of_float32() -> None:
    """In float64, encoder and decoder are the same functions to 1e-12."""
    standard, sae = Standard.measured(RAW), random_sae()
    folded = standard.folded(sae)
    wide = torch.from_numpy(RAW.astype(np.float64))
    w = {name: tensor.double() for name, tensor in sae.state_dict().items()}
    x = (wide - torch.from_numpy(standard.mean)) / torch.from_numpy(standard.spread)
    pre = (x - w["b_dec"]) @ w["encoder.weight"].T + w["encoder.bias"]
    f = {name: tensor.double() for name, tensor in folded.state_dict().items()}
    raw_pre = (wide - f["b_dec"]) @ f["encoder.weight"].T + f["encoder.bias"]
    # b_dec near 2,000 is rounded to 1e-4, in a dimension with a spread of 900; the narrowest has one of .05.
    torch.testing.assert_close(raw_pre, pre, atol=2e-3, rtol=1e-5)
    torch.testing.assert_close(f["W_dec"], w["W_dec"] * torch.from_numpy(standard.spread), rtol=1e-7, atol=0)


def test_a_constant_dimension_is_left_as_it_is() -> None:
    x = RAW.copy()
    x[:, 5] = 7.25
    standard = Standard.measured(x)
    assert standard.spread[5] == 1
    assert (standard.of(x)[:, 5] == 0).all()


def test_what_scales_its_input_is_not_folded() -> None:
    with pytest.raises(SaeConfigError, match="scale is 1"):
        Standard.measured(RAW).folded(random_sae(scale=0.1))
