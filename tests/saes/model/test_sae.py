"""The sparse autoencoder: what it computes, its closed-form gradients, and one block of several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from assets.saes.model.sae import Reconstruction, Sae, SaeConfig, SaeConfigError, UnknownBlockError
from assets.saes.model.sparse_pass import bandwidth

ACTIVATIONS = ["topk", "batch_topk", "jump_relu"]
WEIGHTS = ["encoder.weight", "encoder.bias", "W_dec", "b_dec"]
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def random_weights(config: SaeConfig, seed: int = 0, dtype: torch.dtype = torch.float32, *, whole: bool = False) -> Sae:
    """Random numbers as weights, thresholds around 0.4; `whole` ones make pre-activations tie."""
    sae = Sae(config).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in sae.parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(drawn.round() if whole else drawn / config.d_model**0.5)
        if config.activation == "jump_relu":
            sae.log_threshold.sub_(1)
    return sae


def random_tokens(tokens: int, d: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    drawn = torch.randn(tokens, d, generator=torch.Generator().manual_seed(seed + 1_000), dtype=dtype)
    return drawn.requires_grad_()


class StraightThrough(torch.autograd.Function):
    """JumpReLU and its step, dense: with the rectangle of Rajamanoharan et al. 2024, equations 11 and 12."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, width: float) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(z, threshold)
        ctx.width = width
        step = (z > threshold).to(z.dtype)
        return z * step, step

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        z, threshold = ctx.saved_tensors
        at_value, at_step = gradients
        u = (z - threshold) / ctx.width
        rectangle = ((u > -0.5) & (u < 0.5)).to(z.dtype)
        d_threshold = -(threshold / ctx.width * rectangle * at_value + rectangle / ctx.width * at_step).sum(dim=0)
        return at_value * (z > threshold), d_threshold, None


def dense_pass(sae: Sae, x: Tensor, counts: Sequence[int], found: Reconstruction) -> tuple[Tensor, Tensor]:
    """x_hat and L0 with a dense code and nothing but matrix products; of ties, those that were found are active."""
    enc, dec = (
        bias if bias.dim() == 1 else bias.repeat_interleave(torch.tensor(counts), dim=0)
        for bias in (sae.encoder.bias, sae.b_dec)
    )
    pre = (x - dec) @ sae.encoder.weight.T + enc
    if sae.config.activation == "jump_relu":
        code, step = StraightThrough.apply(pre, sae.log_threshold.exp(), bandwidth(x.shape[1]))  # type: ignore[no-untyped-call]
        return code @ sae.W_dec + dec, step.sum() / len(x)
    kept = torch.zeros_like(pre).scatter_add(1, found.indices, (found.values > 0).to(pre.dtype))
    code = pre.relu() * kept
    return code @ sae.W_dec + dec, (code > 0).sum() / len(x)


def gradients(sae: Sae, x: Tensor, x_hat: Tensor, l0: Tensor) -> dict[str, Tensor]:
    """At all weights and at `x`, of a loss of reconstruction and L0."""
    loss = (x_hat - 1.3 * x.detach()).pow(2).mean() + 0.7 * (l0 / sae.config.k - 1).pow(2)
    names = [name for name, _ in sae.named_parameters()]
    return dict(zip([*names, "x"], torch.autograd.grad(loss, [*sae.parameters(), x]), strict=True))


def check_gradients(sae: Sae, x: Tensor, counts: Sequence[int]) -> None:
    found = sae(x, counts)
    x_hat, l0 = dense_pass(sae, x, counts, found)
    atol = TOLERANCE[x.dtype]
    torch.testing.assert_close(found.x_hat, x_hat, atol=atol, rtol=atol)
    assert float(found.l0.detach()) == pytest.approx(float(l0.detach()))
    ours, theirs = gradients(sae, x, found.x_hat, found.l0), gradients(sae, x, x_hat, l0)
    for name, expected in theirs.items():
        worst = float((ours[name] - expected).abs().max())
        assert worst <= atol * max(1.0, float(expected.abs().max())), name


def several_blocks(activation: Any, d: int, m: int, k: int, spans: int) -> SaeConfig:
    blocks = tuple(range(spans))
    return SaeConfig(d, m, k, blocks, dict.fromkeys(blocks, 1.0), activation, block_biases=spans > 1)


@st.composite
def dimensions(draw: st.DrawFn) -> tuple[int, int]:
    """Latents and k; every other time so that only the groups with the largest maxima are looked through."""
    if draw(st.booleans()):
        groups = draw(st.integers(2, 5))
        return 16 * groups, draw(st.integers(1, groups // 2))
    m = draw(st.integers(1, 50))
    return m, draw(st.integers(1, m))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(max_examples=40)
@given(
    spans=st.lists(st.integers(0, 20), min_size=1, max_size=4).filter(any),
    d=st.integers(1, 20),
    sizes=dimensions(),
    seed=st.integers(0, 999),
    ties=st.booleans(),
)
def test_gradients_equal_dense_autograd(
    activation: str, spans: list[int], d: int, sizes: tuple[int, int], seed: int, ties: bool
) -> None:
    config = several_blocks(activation, d, *sizes, len(spans))
    sae = random_weights(config, seed, torch.float64, whole=ties and activation != "jump_relu")
    x = random_tokens(sum(spans), d, seed, torch.float64)
    check_gradients(sae, x.detach().round().requires_grad_() if ties else x, spans)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spans", [[1500], [700, 0, 650, 1300]])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_equal_dense_autograd_in_both_precisions(
    activation: str, spans: list[int], dtype: torch.dtype
) -> None:
    """More tokens than are looked at at once, and thresholds that hundreds of pre-activations are close to."""
    sae = random_weights(several_blocks(activation, 32, 256, 8, len(spans)), dtype=dtype)
    check_gradients(sae, random_tokens(sum(spans), 32, 1, dtype), spans)


@pytest.mark.parametrize("activation", ["topk", "batch_topk"])
def test_the_active_latents_are_those_of_torch(activation: str) -> None:
    sae = random_weights(SaeConfig(16, 64, 2, activation=activation))
    x = random_tokens(40, 16, 3).detach()
    pre = ((x - sae.b_dec) @ sae.encoder.weight.T + sae.encoder.bias).relu()
    flat = pre if activation == "topk" else pre.flatten()
    kept = torch.zeros_like(flat).scatter(-1, flat.topk(2 if activation == "topk" else 80).indices, 1.0).view_as(pre)
    torch.testing.assert_close(sae(x).x_hat, (pre * kept) @ sae.W_dec + sae.b_dec)


@pytest.mark.parametrize("spans", [[4], [3, 1]])
def test_gradcheck_passes(spans: list[int]) -> None:
    sae = random_weights(several_blocks("topk", 5, 9, 3, len(spans)), seed=4, dtype=torch.float64)
    x = random_tokens(sum(spans), 5, 2, torch.float64)

    def x_hat(*inputs: Tensor) -> Tensor:
        named = dict(zip(WEIGHTS, inputs[1:], strict=True))
        return torch.func.functional_call(sae, named, (inputs[0], spans)).x_hat

    weights = [sae.get_parameter(name) for name in WEIGHTS]
    assert torch.autograd.gradcheck(x_hat, (x, *weights), nondet_tol=0.0)


def by_hand(activation: Any = "topk", k: int = 2) -> Sae:
    """Three latents: right, up and left of [1, 1]."""
    sae = Sae(SaeConfig(2, 3, k, activation=activation))
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 0]]))
        sae.encoder.bias.copy_(torch.tensor([0.0, 0.5, 0]))
        sae.W_dec.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 0]]))
        sae.b_dec.copy_(torch.tensor([1.0, 1.0]))
    return sae


X = torch.tensor([[3.0, 2.0], [0.0, 0.0]])


def codes(values: Tensor, indices: Tensor) -> list[list[float]]:
    return torch.zeros(2, 3).scatter_add(1, indices, values).tolist()


def test_encode_by_hand() -> None:
    values, indices = by_hand().encode(X)
    assert codes(values, indices) == [[2.0, 1.5, 0.0], [0.0, 0.0, 1.0]]
    assert by_hand().decode(values, indices).tolist() == [[3.0, 2.5], [0.0, 1.0]]


def test_jump_relu_by_hand() -> None:
    sae = by_hand("jump_relu")
    with torch.no_grad():
        sae.log_threshold.copy_(torch.tensor([1.9, 1.6, 0.5]).log())
    found = sae(X)
    assert codes(found.values, found.indices) == [[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert found.x_hat.tolist() == [[3.0, 1.0], [0.0, 1.0]]
    assert float(found.l0.detach()) == 1.0


def test_batch_topk_takes_the_batch_in_training_and_a_threshold_outside() -> None:
    sae = by_hand("batch_topk", k=1)
    sae.threshold.fill_(0.9)
    trained = sae(X)
    assert codes(trained.values, trained.indices) == [[2.0, 1.5, 0.0], [0.0, 0.0, 0.0]]
    assert float(trained.l0.detach()) == 1.0
    outside = sae.eval()(X)
    assert codes(outside.values, outside.indices) == [[2.0, 1.5, 0.0], [0.0, 0.0, 1.0]]
    assert codes(*sae.train().encode(X)) == [[2.0, 1.5, 0.0], [0.0, 0.0, 1.0]]


def test_k_times_tokens_latents_are_active_in_a_batch() -> None:
    found = random_weights(SaeConfig(16, 64, 8, activation="batch_topk"))(random_tokens(40, 16, 3))
    assert int((found.values > 0).sum()) == 40 * 8
    assert float(found.l0.detach()) == 8.0
    assert found.values.shape[1] == int((found.values > 0).sum(dim=1).max()) > 8


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_equals_encode_then_decode_outside_of_training(activation: str) -> None:
    sae = random_weights(SaeConfig(16, 64, 8, activation=activation)).eval()
    if activation == "batch_topk":
        sae.threshold.fill_(0.7)
    x = random_tokens(40, 16, 3)
    torch.testing.assert_close(sae(x).x_hat, sae.decode(*sae.encode(x)))


def test_values_are_never_negative_and_never_more_than_k() -> None:
    values, indices = random_weights(SaeConfig(16, 64, 8)).encode(random_tokens(40, 16, 3))
    assert values.shape == indices.shape == (40, 8)
    assert bool((values >= 0).all())
    assert all(len(set(row)) == 8 for row in indices.tolist())


def test_where_no_latent_is_active_the_bias_is_what_is_left() -> None:
    sae = by_hand("jump_relu")
    with torch.no_grad():
        sae.log_threshold.fill_(5)
    found = sae(X)
    assert found.values.tolist() == [[0.0], [0.0]]
    assert found.x_hat.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert float(found.l0.detach()) == 0.0


def test_each_block_has_its_own_scale() -> None:
    sae = Sae(SaeConfig(2, 4, 1, (3, 4), {3: 0.5, 4: 0.25}))
    x = np.array([[2.0, 4.0]], np.float16)
    assert sae.scaled(x, 3).tolist() == [[1.0, 2.0]]
    assert sae.scaled(torch.from_numpy(x), 4).tolist() == [[0.5, 1.0]]
    assert sae.scaled(x, 3).dtype == torch.float32
    with pytest.raises(UnknownBlockError, match="block 7"):
        sae.scaled(x, 7)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_block_of_several_shares_the_weights_and_has_its_own_biases_and_scale(activation: Any) -> None:
    sae = random_weights(SaeConfig(6, 12, 2, (3, 5, 8), {3: 0.5, 5: 0.25, 8: 2.0}, activation, block_biases=True))
    one = sae.eval().at(5)
    assert (one.config.blocks, one.config.scales, one.training) == ((5,), {5: 0.25}, False)
    with torch.no_grad():
        sae.W_dec.mul_(2)
        sae.b_dec[1].add_(1)
        if activation == "batch_topk":
            sae.threshold.fill_(0.1)
    x = random_tokens(9, 6, 0)
    torch.testing.assert_close(one.decode(*one.encode(x[2:6])), sae(x, [2, 4, 3]).x_hat[2:6])
    assert sum(p.numel() for p in one.parameters()) == sum(p.numel() for p in sae.parameters()) - 2 * (12 + 6)
    with pytest.raises(UnknownBlockError, match=r"block 4 .* reads \[3, 5, 8\]"):
        sae.at(4)


def test_blocks_that_share_their_biases_are_each_the_whole() -> None:
    sae = random_weights(SaeConfig(6, 12, 2, (3, 5), {3: 0.5, 5: 0.25}))
    x = random_tokens(9, 6, 0)
    torch.testing.assert_close(sae.at(3).encode(x), sae.encode(x))
    torch.testing.assert_close(sae(x).x_hat, sae(x, [4, 5]).x_hat)


def test_encode_is_refused_where_blocks_have_their_own_biases() -> None:
    sae = random_weights(several_blocks("topk", 6, 12, 2, 3))
    with pytest.raises(SaeConfigError, match=r"blocks \[0, 1, 2\] have biases of their own: encode with at\(block\)"):
        sae.encode(random_tokens(9, 6, 0))


@pytest.mark.parametrize("counts", [None, [9], [4, 5], [3, 3, 2], [3, 3, 4], [3, 3, 3, 0]])
def test_counts_that_do_not_fit_are_refused(counts: list[int] | None) -> None:
    sae = random_weights(several_blocks("topk", 6, 12, 2, 3))
    with pytest.raises(SaeConfigError, match="9 tokens came with counts"):
        sae(random_tokens(9, 6, 0), counts)


def test_decoder_rows_are_made_unit_length_and_an_empty_one_stays() -> None:
    sae = random_weights(SaeConfig(16, 64, 8))
    with torch.no_grad():
        sae.W_dec[3] = 0
    sae.normalise_decoder()
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(64).index_fill(0, torch.tensor([3]), 0.0))


def test_a_bfloat16_product_changes_little_and_leaves_float32() -> None:
    sae = random_weights(SaeConfig(32, 128, 8))
    x = random_tokens(100, 32, 0)
    exact = sae(x).x_hat.detach()
    sae.product_dtype = torch.bfloat16
    rounded = sae(x)
    assert rounded.x_hat.dtype == rounded.values.dtype == torch.float32
    assert 0 < float((rounded.x_hat.detach() - exact).norm() / exact.norm()) < 0.1
    assert torch.equal(sae.encode(x)[0], random_weights(SaeConfig(32, 128, 8)).encode(x)[0])


def test_on_a_cpu_nothing_is_rounded() -> None:
    sae = random_weights(SaeConfig(4, 8, 2))
    assert sae.on("cpu") is sae
    assert sae.product_dtype is None


def test_impossible_dimensions_are_refused() -> None:
    with pytest.raises(SaeConfigError, match="k = 9 of 8 latents"):
        SaeConfig(4, 8, 9)
    with pytest.raises(SaeConfigError, match="positive"):
        SaeConfig(4, 8, 0)
    with pytest.raises(SaeConfigError, match="no blocks are named"):
        SaeConfig(4, 8, 2, block_biases=True)


def test_creating_one_leaves_global_randomness_alone() -> None:
    before = torch.random.get_rng_state()
    Sae(SaeConfig(4, 8, 2)).requires_grad_()
    assert torch.equal(before, torch.random.get_rng_state())
