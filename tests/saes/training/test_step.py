"""Training."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from fakes.sparse_streams import ACTIVE, D, batches, scale_of, sparse_data

from assets.saes.corpus.batches import Batch, InvalidActivationsError, MemberDraw
from assets.saes.metrics import fvu, fvu_of, mmcs, reconstruction_scores
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.training.step import (
    CurvePoint,
    SaeTraining,
    TrainingDivergedError,
    error_weights,
    gain_at_end,
    learning_rate_factor,
    random_sae,
    train_together,
)
from assets.saes.training.transfer import warm_start
from resources.settings.saes import Saes

N = 256
SETTINGS = Saes(k=ACTIVE, batch_tokens=N, learning_rate=4e-3, dead_after_tokens=5_000)
X, ATOMS = sparse_data()


def config_of(streams: Mapping[int, np.ndarray], activation: Any = "topk", block_biases: bool = False) -> SaeConfig:
    scales = {block: scale_of(x) for block, x in streams.items()}
    return SaeConfig(D, 4 * D, ACTIVE, tuple(streams), scales, activation, block_biases)


def means_of(streams: Mapping[int, np.ndarray]) -> torch.Tensor:
    return torch.stack([torch.from_numpy(x.mean(axis=0) * scale_of(x)).float() for x in streams.values()])


def trained(
    steps: int,
    settings: Saes = SETTINGS,
    streams: Mapping[int, np.ndarray] | None = None,
    *,
    start: Sae | None = None,
    held_out: Callable[[Sae], float] | None = None,
    **options: Any,
) -> SaeTraining:
    """An autoencoder trained alone for so many steps."""
    streams = streams or {0: X}
    config = config_of(streams, **options)
    start = start or random_sae(config, means_of(streams), settings.seed)
    training = SaeTraining(start, settings, steps, held_out)
    draws = {"one": MemberDraw(config.blocks, config.scales, settings.seed)}
    stream = batches(streams, draws, {"one": config.blocks}, settings.batch_tokens, settings.seed)
    train_together({"one": training}, stream)
    return training


@pytest.fixture(scope="module")
def learned() -> dict[str, SaeTraining]:
    return {activation: trained(586, activation=activation) for activation in ("topk", "batch_topk", "jump_relu")}


def one_batch(n: int = N, first: int = 0) -> Batch:
    return Batch(torch.from_numpy(X[first : first + n] * scale_of(X)), (n,))


def fresh(settings: Saes = SETTINGS, steps: int = 100, activation: Any = "topk") -> SaeTraining:
    return SaeTraining(random_sae(config_of({0: X}, activation), means_of({0: X}), 0), settings, steps)


def l0_of(sae: Sae, x: np.ndarray) -> float:
    """Mean number of active latents outside of training."""
    return float(reconstruction_scores(sae, {0: x}, {0: np.ones(len(x), bool)})["l0"][0])


@pytest.mark.parametrize(
    ("activation", "most", "likeness"), [("topk", 0.1, 0.95), ("batch_topk", 0.2, 0.9), ("jump_relu", 0.2, 0.9)]
)
def test_a_sparse_dictionary_is_learned(
    learned: dict[str, SaeTraining], activation: str, most: float, likeness: float
) -> None:
    training = learned[activation]
    assert training.curve[0].fvu > 0.5
    assert training.curve[-1].fvu < most
    assert mmcs(torch.from_numpy(ATOMS), training.sae.W_dec) > likeness
    torch.testing.assert_close(training.sae.W_dec.norm(dim=1), torch.ones(4 * D))


@pytest.mark.parametrize("activation", ["batch_topk", "jump_relu"])
def test_outside_of_training_about_k_latents_are_active(learned: dict[str, SaeTraining], activation: str) -> None:
    training = learned[activation]
    assert l0_of(training.sae, X) == pytest.approx(ACTIVE, rel=0.25)
    assert fvu_of(training.sae, 0, X) == pytest.approx(training.curve[-1].fvu, abs=0.05)


def test_jump_relu_comes_down_to_k_by_its_sparsity_loss() -> None:
    active = []
    for weight in (0.0, 1.0):
        start = random_sae(config_of({0: X}, "jump_relu"), means_of({0: X}), 0)
        with torch.no_grad():
            start.log_threshold.sub_(0.5)
        assert l0_of(start, X) > 4 * ACTIVE
        active.append(l0_of(trained(300, SETTINGS.model_copy(update={"sparsity_weight": weight}), start=start).sae, X))
    assert active[0] > 2 * ACTIVE
    assert active[1] == pytest.approx(ACTIVE, rel=0.25)


def test_jump_relu_keeps_to_k_where_the_mean_is_most_of_every_activation() -> None:
    """As in a language model, where the mean is three quarters of the norm."""
    assert l0_of(trained(300, streams={0: X + 1}, activation="jump_relu").sae, X + 1) == pytest.approx(ACTIVE, rel=0.25)


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    runs = [trained(16, SETTINGS.model_copy(update={"seed": seed})) for seed in (5, 5, 6)]
    weights = [b"".join(w.numpy().tobytes() for w in run.sae.state_dict().values()) for run in runs]
    assert weights[0] == weights[1]
    assert runs[0].curve == runs[1].curve
    assert weights[0] != weights[2]


def test_tokens_and_points_add_up() -> None:
    training = trained(4)
    assert [point.tokens for point in training.curve] == [256, 512, 768, 1024]
    assert (training.steps_done, training.tokens, training.done, training.ends) == (4, 1024, True, 4)


@pytest.mark.parametrize("steps", [199, 200, 450, 580])
def test_a_long_run_keeps_at_most_200_points_and_20_of_them_held_out(steps: int) -> None:
    """580 steps: every 3rd for the curve and every 29th for the held-out FVU do not coincide."""
    small = SETTINGS.model_copy(update={"batch_tokens": 4, "stop_gain": 0.0})
    curve = trained(steps, small, held_out=lambda sae: 0.5).curve
    measured = [point.tokens for point in curve if point.held_out_fvu is not None]
    assert curve[-1].tokens == measured[-1] == 4 * steps
    assert 10 <= len(measured) <= 20
    assert 100 < len(curve) <= 200


def test_without_validation_nothing_is_held_out() -> None:
    training = trained(450, SETTINGS.model_copy(update={"batch_tokens": 4}))
    assert [point.held_out_fvu for point in training.curve] == [None] * 150
    assert training.ends == training.steps_done == 450


def test_the_held_out_fvu_is_measured_as_outside_of_training() -> None:
    modes: list[bool] = []

    def held_out(sae: Sae) -> float:
        modes.append(sae.training)
        return 1 / len(modes)

    training = trained(6, held_out=held_out)
    assert modes == [False] * 6
    assert training.sae.training
    assert [point.held_out_fvu for point in training.curve] == [1 / n for n in range(1, 7)]


def test_a_start_is_continued_and_left_as_it_is() -> None:
    parent = trained(300)
    before = {name: weight.clone() for name, weight in parent.sae.state_dict().items()}
    child = trained(40, start=warm_start(parent.sae, parent.sae.config))
    assert child.curve[0].fvu < 0.5 * parent.curve[0].fvu
    assert all(torch.equal(before[name], weight) for name, weight in parent.sae.state_dict().items())
    assert not torch.equal(child.sae.W_dec, parent.sae.W_dec)


@pytest.mark.parametrize("block_biases", [False, True])
def test_a_group_learns_both_of_its_blocks(block_biases: bool) -> None:
    streams = {4: X, 5: (100 * X).astype(np.float16)}
    sae = trained(500, streams=streams, block_biases=block_biases).sae
    scores = reconstruction_scores(sae, streams, {block: np.ones(len(X), bool) for block in streams})
    assert scores["fvu"].to_list() == pytest.approx([0, 0], abs=0.15)


def test_biases_of_their_own_take_up_what_sets_blocks_apart() -> None:
    streams = {4: X, 5: X + 3}
    keep = {block: np.ones(len(X), bool) for block in streams}
    fvu = [
        reconstruction_scores(trained(200, streams=streams, block_biases=own).sae, streams, keep)["fvu"].mean()
        for own in (False, True)
    ]
    assert fvu[1] < 0.8 * fvu[0]


def test_dead_share_is_0_until_ten_batches_have_passed() -> None:
    start = random_sae(config_of({0: X}), means_of({0: X}), seed=0)
    with torch.no_grad():
        start.encoder.bias[:32] = -100
    curve = trained(12, SETTINGS.model_copy(update={"learning_rate": 1e-30}), start=start).curve
    assert [point.dead_share for point in curve[:9]] == [0.0] * 9
    assert curve[9].dead_share >= 0.25


def test_latents_count_the_tokens_since_they_were_active() -> None:
    training = fresh()
    for _ in range(2):
        training.step(one_batch())
    seen = training.sae(one_batch().x).indices.unique()
    assert set(training.silent.tolist()) <= {0, 256, 512}
    training.step(one_batch())
    assert training.silent[seen].tolist() == [0] * len(seen)


@pytest.mark.parametrize("activation", ["topk", "batch_topk", "jump_relu"])
def test_a_latent_with_value_0_is_not_active(activation: str) -> None:
    """Latent 0 is far below the others: only where rows are filled up does it have a place."""
    training = fresh(activation=activation)
    with torch.no_grad():
        training.sae.encoder.bias[0] = -100
        training.sae.encoder.bias[9:] = -100
    training.step(one_batch())
    assert training.silent[0] == N
    assert training.silent[1:9].max() == 0


@pytest.mark.parametrize("activation", ["topk", "batch_topk", "jump_relu"])
def test_a_point_has_the_fvu_of_its_batch_and_nothing_else_of_the_loss(activation: str) -> None:
    training = fresh(SETTINGS.model_copy(update={"dead_after_tokens": 1, "aux_weight": 10.0}), activation=activation)
    expected = fvu(one_batch().x, training.sae(one_batch().x).x_hat)
    assert training.step(one_batch()).fvu == pytest.approx(expected, rel=1e-5)


def test_the_threshold_of_batch_topk_follows_the_least_active_value() -> None:
    training = fresh(activation="batch_topk")
    least = []
    for step in range(3):
        batch = one_batch(first=step * N)
        found = training.sae(batch.x).values
        least.append(float(found[found > 0].min()))
        training.step(batch)
    expected = (2 * (1 * least[0] + 10 * least[1]) / 11 + 10 * least[2]) / 12
    assert float(training.sae.threshold) == pytest.approx(expected, rel=1e-5)


def test_no_gradient_is_left_along_the_decoder_rows_and_it_is_clipped() -> None:
    training = fresh()
    for step in range(5):
        rows = training.sae.W_dec.detach().clone()
        training.step(one_batch(first=step * N))
        gradient = training.sae.W_dec.grad
        assert gradient is not None
        assert float(gradient.abs().max()) > 1e-4
        assert float(torch.linalg.vecdot(gradient, rows).abs().max()) < 1e-7
        norms = [float(weight.grad.norm()) for weight in training.sae.parameters() if weight.grad is not None]
        assert math.hypot(*norms) <= 1.0001
        torch.testing.assert_close(training.sae.W_dec.norm(dim=1), torch.ones(4 * D))


def test_a_broken_batch_is_refused() -> None:
    broken = one_batch()
    broken.x[3, 3] = math.nan
    with pytest.raises(InvalidActivationsError, match=r"blocks \[0\]: a batch holds NaN or infinity"):
        fresh().step(broken)


@pytest.mark.parametrize("tokens", [0, 1])
def test_a_batch_without_variance_is_refused(tokens: int) -> None:
    few = Batch(one_batch().x[:tokens], (tokens,))
    with pytest.raises(InvalidActivationsError, match=rf"{tokens} tokens of a batch .* raise saes\.batch_tokens"):
        fresh().step(few)


def test_a_diverging_run_says_so_and_carries_its_curve() -> None:
    with pytest.raises(TrainingDivergedError, match=r"lower its learning rate") as raised:
        trained(80, SETTINGS.model_copy(update={"learning_rate": 1e30}))
    assert raised.value.curve[0].tokens == 256


def test_the_learning_rate_rises_falls_along_half_a_cosine_and_ends_low() -> None:
    """Of 400 steps 20 go up, and the cosine is down at step 340."""
    factors = [learning_rate_factor(step, 400) for step in range(400)]
    assert factors[:20] == pytest.approx([(step + 1) / 20 for step in range(20)], abs=0.01)
    assert [factors[85], factors[170], factors[255]] == pytest.approx([(1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2])
    assert sorted(factors[19:], reverse=True) == factors[19:]
    assert factors[340:] == [0.02] * 60
    assert learning_rate_factor(0, 1) == 1.0


def test_a_step_is_made_with_the_learning_rate_of_its_place() -> None:
    training = fresh(steps=40)
    for step in range(4):
        training.step(one_batch())
        rate = training.optimiser.param_groups[0]["lr"]
        assert rate == pytest.approx(4e-3 * learning_rate_factor(step, 40))


def falling(by: float) -> Callable[[Sae], float]:
    """A held-out FVU that falls by this share from one measurement to the next."""
    measured: list[float] = [1.0]

    def held_out(sae: Sae) -> float:
        measured.append(measured[-1] * (1 - by))
        return measured[-1]

    return held_out


@pytest.mark.parametrize(
    ("by", "stop_gain", "steps"),
    [(0, 0.01, 16), (0.009, 0.01, 16), (-0.5, 0.01, 16), (0.1, 0.01, 40), (0, 0, 40), (-0.5, 0, 40)],
)
def test_where_the_held_out_curve_is_flat_or_rises_the_rate_comes_down_and_training_ends(
    by: float, stop_gain: float, steps: int
) -> None:
    """It is measured every 2 of 40 steps, not called flat before step 10, and then ends within 6 steps."""
    training = trained(40, SETTINGS.model_copy(update={"stop_gain": stop_gain}), held_out=falling(by))
    assert (training.steps_done, training.ends, training.done) == (steps, steps, True)
    assert training.curve[-1].tokens == steps * N
    assert training.curve[-1].held_out_fvu is not None
    last_rate = training.optimiser.param_groups[0]["lr"] / SETTINGS.learning_rate
    assert last_rate == pytest.approx(0.02)


def test_a_curve_that_is_flat_at_the_least_rate_ends_training_at_once() -> None:
    """The rate is at its least from step 31 of 40; the curve falls until step 31."""
    measured = iter([0.9**n for n in range(15)] + [0.9**14] * 5)
    training = trained(40, SETTINGS.model_copy(update={"stop_gain": 0.01}), held_out=lambda sae: next(measured))
    assert learning_rate_factor(training.steps_done, 40) == 0.02
    assert (training.steps_done, training.ends) == (38, 38)


def test_a_rate_comes_down_before_an_early_end() -> None:
    factors = [learning_rate_factor(step, 400, 200) for step in range(200)]
    assert factors[:150] == [learning_rate_factor(step, 400) for step in range(150)]
    assert factors[170] == pytest.approx(29 / 60)
    assert factors[185] == pytest.approx(14 / 60)
    assert sorted(factors[19:], reverse=True) == factors[19:]
    assert factors[-1] == 0.02


@pytest.mark.parametrize("fvu_now", [math.nan, math.inf])
def test_a_held_out_fvu_that_is_no_number_ends_in_an_error(fvu_now: float) -> None:
    with pytest.raises(TrainingDivergedError, match="the held-out FVU is not finite after 256 tokens"):
        trained(8, held_out=lambda sae: fvu_now)


def curve_of(*points: tuple[int, float | None]) -> list[CurvePoint]:
    return [CurvePoint(tokens, 0.5, fvu, 0.0) for tokens, fvu in points]


def test_gain_at_end_by_hand() -> None:
    points = [(100, 0.9), (200, 0.8), (750, 0.5), (850, None), (900, 0.45), (1000, 0.4)]
    assert gain_at_end(curve_of(*points)) == pytest.approx(1 - 0.4 / 0.5)
    assert gain_at_end(curve_of(*points, (1100, None))) == pytest.approx(1 - 0.4 / 0.5)
    assert gain_at_end(curve_of((800, 0.5), (1000, 0.6))) == pytest.approx(-0.2)
    assert gain_at_end(curve_of((801, 0.5), (1000, 0.4))) is None
    assert gain_at_end(curve_of((1000, 0.4))) is None
    assert gain_at_end(curve_of((1000, None))) is None
    assert gain_at_end([]) is None


def test_error_weights_by_hand() -> None:
    """Blocks of spread 1 and 25, three tokens of the one and two of the other; 0 tokens of a third."""
    x = torch.tensor([[0.0, 0], [1, 0], [2, 0], [100, 5], [100, -5]])
    spreads = (2 / 3, 25.0)
    weights = error_weights(x, [3, 0, 2])
    assert weights.tolist() == pytest.approx([1 / spreads[0] / 5] * 3 + [1 / spreads[1] / 5] * 2)
    errors = torch.tensor([0.5, 0.5, 1.0, 10.0, 15.0])
    fvu = (2.0 / 2.0, 25.0 / 50.0)
    assert float((errors * weights).sum()) == pytest.approx(3 / 5 * fvu[0] + 2 / 5 * fvu[1])


def test_fvu_is_never_pooled_over_blocks() -> None:
    """Each block rebuilt by its own mean explains nothing of it, however far apart the means are."""
    x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    x[60:] += 1000
    errors = torch.cat([(part - part.mean(dim=0)).pow(2).sum(dim=1) for part in (x[:60], x[60:])])
    assert float((errors * error_weights(x, [60, 40])).sum()) == pytest.approx(1.0, rel=1e-4)


def test_a_block_without_spread_counts_with_that_of_the_batch() -> None:
    x = torch.tensor([[1.0], [3.0], [8.0]])
    assert error_weights(x, [2, 1]).tolist() == pytest.approx([1 / 1 / 3] * 2 + [1 / (26 / 3) / 3])


def test_together_each_entry_goes_on_until_it_is_done() -> None:
    streams, lengths = {0: X, 1: X[::-1].copy()}, {"short": 3, "long": 5, "done": 0}
    blocks: dict[str, Sequence[int]] = {"short": (0, 1), "long": (1,), "done": (0,)}
    trainings, draws = {}, {}
    for name, steps in lengths.items():
        config = config_of({block: streams[block] for block in blocks[name]})
        trainings[name] = SaeTraining(random_sae(config, means_of({0: X}), 0), SETTINGS, steps)
        draws[name] = MemberDraw(config.blocks, config.scales, 0)
    seen: list[int] = []
    made: list[list[int]] = []
    train_together(
        trainings,
        batches(streams, draws, blocks, N),
        progress=seen.append,
        after_step=lambda: made.append([training.steps_done for training in trainings.values()]),
    )
    assert seen == [N] * 8
    assert made == [[1, 1, 0], [2, 2, 0], [3, 3, 0], [3, 4, 0], [3, 5, 0]]


def test_random_weights_start_tied_with_the_mean_as_bias() -> None:
    means = torch.stack([torch.full((D,), 1.0), torch.full((D,), 4.0)])
    sae = random_sae(config_of({0: X, 1: X}), means, seed=1)
    assert torch.equal(sae.encoder.weight, sae.W_dec)
    torch.testing.assert_close(sae.b_dec.data, torch.full((D,), 2.5))
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(4 * D))
    own = random_sae(config_of({0: X, 1: X}, block_biases=True), means, seed=1)
    assert torch.equal(own.b_dec, means)
    assert torch.equal(own.W_dec, sae.W_dec)
    assert not torch.equal(random_sae(sae.config, means, seed=2).W_dec, sae.W_dec)


@pytest.mark.parametrize("mean", [0.0, 0.8])
def test_jump_relu_starts_with_about_k_active_latents(mean: float) -> None:
    """Activations of norm 1 on average, of which `mean` is the norm of their mean."""
    config = SaeConfig(64, 1024, 20, (0,), {0: 1.0}, "jump_relu")
    x = torch.nn.functional.normalize(torch.randn(2000, 64, generator=torch.Generator().manual_seed(0)), dim=1)
    x = (1 - mean**2) ** 0.5 * x + torch.eye(64)[0] * mean
    assert float(random_sae(config, x.mean(dim=0, keepdim=True), 0)(x).l0.detach()) == pytest.approx(20, rel=0.25)
