"""Training."""

import math

import numpy as np
import pytest
import torch

from assets.saes.sae import SaeConfig, TopKSae
from assets.saes.sampling import CorpusTooSmallError, GroupSampler, InvalidActivationsError, layer_scales
from assets.saes.scores import mmcs
from assets.saes.train import TrainingDivergedError, auxiliary_loss, learning_rate_factor, random_sae, train_sae
from resources.profile import Saes

D, ATOMS, ACTIVE = 32, 64, 3
SETTINGS = Saes(k=ACTIVE, batch_tokens=256, learning_rate=3e-3, dead_after_tokens=5_000)


def sparse_data(tokens: int = 8192, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Activations that are sums of 3 of 64 unit atoms, and the atoms."""
    random = np.random.default_rng(seed)
    atoms = random.normal(size=(ATOMS, D))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = np.zeros((tokens, ATOMS))
    for row in codes:
        row[random.choice(ATOMS, ACTIVE, replace=False)] = random.uniform(1, 2, ACTIVE)
    return (codes @ atoms).astype(np.float32), atoms


def sampler(x: np.ndarray, seed: int = 0) -> GroupSampler:
    activations, keep = {0: x}, {0: np.ones(len(x), bool)}
    return GroupSampler(activations, keep, layer_scales(activations, keep), seed)


CONFIG = SaeConfig(D, 4 * D, ACTIVE)


def test_a_sparse_dictionary_is_learned() -> None:
    x, atoms = sparse_data()
    sae, curve = train_sae(sampler(x), CONFIG, SETTINGS, 150_000)
    assert curve[0].fvu > 0.5
    assert curve[-1].fvu < 0.1
    assert mmcs(torch.from_numpy(atoms), sae.W_dec) > 0.9
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(4 * D))


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    x, _ = sparse_data(1024)
    runs = [train_sae(sampler(x), CONFIG, SETTINGS.model_copy(update={"seed": seed}), 4_000) for seed in (5, 5, 6)]
    weights = [b"".join(w.numpy().tobytes() for w in sae.state_dict().values()) for sae, _ in runs]
    assert weights[0] == weights[1]
    assert runs[0][1] == runs[1][1]
    assert weights[0] != weights[2]


def test_tokens_are_rounded_up_to_batches_and_progress_adds_up() -> None:
    x, _ = sparse_data(1024)
    seen: list[int] = []
    _, curve = train_sae(sampler(x), CONFIG, SETTINGS, 1_000, progress=seen.append)
    assert sum(seen) == curve[-1].tokens == 1024
    assert [point.tokens for point in curve] == [256, 512, 768, 1024]


def test_a_long_run_keeps_at_most_200_points() -> None:
    x, _ = sparse_data(1024)
    small = SETTINGS.model_copy(update={"batch_tokens": 4})
    _, curve = train_sae(sampler(x), CONFIG, small, 4 * 450)
    assert len(curve) == 150
    assert curve[-1].tokens == 1800


def test_a_start_is_continued_and_left_as_it_is() -> None:
    x, _ = sparse_data()
    parent, curve = train_sae(sampler(x), CONFIG, SETTINGS, 60_000)
    before = {name: weight.clone() for name, weight in parent.state_dict().items()}
    child, continued = train_sae(sampler(x, seed=1), CONFIG, SETTINGS, 10_000, start=parent)
    assert continued[0].fvu < 0.5 * curve[0].fvu
    assert all(torch.equal(before[name], weight) for name, weight in parent.state_dict().items())
    assert not torch.equal(child.W_dec, parent.W_dec)


def test_a_group_learns_both_of_its_blocks() -> None:
    x, _ = sparse_data()
    activations = {4: x, 5: (100 * x).astype(np.float16)}
    keep = {block: np.ones(len(x), bool) for block in activations}
    scales = layer_scales(activations, keep)
    config = SaeConfig(D, 4 * D, ACTIVE, (4, 5), scales)
    sae, _ = train_sae(GroupSampler(activations, keep, scales, 0), config, SETTINGS, 100_000)
    for block in (4, 5):
        scaled = sae.scaled(activations[block], block)
        error = (scaled - sae(scaled).x_hat).pow(2).sum() / (scaled - scaled.mean(dim=0)).pow(2).sum()
        assert float(error.detach()) < 0.15


def test_the_auxiliary_loss_revives_dead_latents() -> None:
    x, _ = sparse_data()
    start = random_sae(CONFIG, torch.from_numpy(x[:256]), seed=0)
    with torch.no_grad():
        start.encoder.bias[ATOMS:] = -0.5
    batches = SETTINGS.model_copy(update={"dead_after_tokens": 2_560})
    _, without = train_sae(sampler(x), CONFIG, batches.model_copy(update={"aux_weight": 0.0}), 60_000, start=start)
    _, revived = train_sae(sampler(x), CONFIG, batches.model_copy(update={"aux_weight": 1.0}), 60_000, start=start)
    assert revived[-1].dead_share < 0.7 * without[-1].dead_share


def test_auxiliary_loss_by_hand() -> None:
    sae = TopKSae(SaeConfig(4, 3, 1))
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(4)[:3])
        sae.W_dec.copy_(torch.eye(4)[:3])
    x = torch.tensor([[0.0, 2.0, 3.0, 1.0]])
    residual = torch.tensor([[0.0, 2.0, 1.0, 1.0]])
    # Latents 1 and 2 rebuild [0, 2, 3, 0], so the error is [0, 0, 2, -1].
    assert float(auxiliary_loss(sae, x, residual, torch.tensor([1, 2]))) == 5.0
    # One dead latent of the two that may take part: [0, 2, 0, 0], error [0, 0, -1, -1], counted by half.
    assert float(auxiliary_loss(sae, x, residual, torch.tensor([1]))) == 1.0


def test_dead_share_is_0_until_ten_batches_have_passed() -> None:
    x, _ = sparse_data(1024)
    start = random_sae(CONFIG, torch.from_numpy(x), seed=0)
    with torch.no_grad():
        start.encoder.bias[:32] = -100
    _, curve = train_sae(sampler(x), CONFIG, SETTINGS.model_copy(update={"learning_rate": 0.0}), 12 * 256, start=start)
    assert [point.dead_share for point in curve[:9]] == [0.0] * 9
    assert curve[9].dead_share >= 0.25


def test_a_broken_batch_is_refused() -> None:
    x, _ = sparse_data(1024)
    broken = torch.from_numpy(x[:256]).clone()
    broken[3, 3] = math.nan
    with pytest.raises(InvalidActivationsError, match="NaN or infinity"):
        train_sae(lambda n: broken, CONFIG, SETTINGS, 1_000)


def test_a_diverging_run_says_so_and_carries_its_curve() -> None:
    x, _ = sparse_data(1024)
    wild = SETTINGS.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(TrainingDivergedError, match=r"lower saes\.learning_rate") as raised:
        train_sae(sampler(x), CONFIG, wild, 20_000)
    assert raised.value.curve[0].tokens == 256


def test_a_corpus_smaller_than_a_batch_is_refused() -> None:
    x, _ = sparse_data(100)
    with pytest.raises(CorpusTooSmallError):
        train_sae(sampler(x), CONFIG, SETTINGS, 1_000)


def test_the_learning_rate_rises_stays_and_falls() -> None:
    factors = [learning_rate_factor(step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.2)
    assert factors[4:80] == [1.0] * 76
    assert factors[90] == pytest.approx(0.5)
    assert 0 < factors[99] <= 0.05
    assert learning_rate_factor(0, 1) == 1.0


def test_random_weights_start_tied_with_the_mean_as_bias() -> None:
    x = torch.randn(50, D, generator=torch.Generator().manual_seed(0)) + 3
    sae = random_sae(CONFIG, x, seed=1)
    assert torch.equal(sae.encoder.weight, sae.W_dec)
    torch.testing.assert_close(sae.b_dec.data, x.mean(dim=0))
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(4 * D))
