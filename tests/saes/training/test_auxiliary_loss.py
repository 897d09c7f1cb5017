"""AuxK."""

from itertools import islice

import pytest
import torch
from fakes.sparse_streams import ACTIVE, ATOMS, D, batches, scale_of, sparse_data

from assets.saes.corpus.batches import MemberDraw
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.training.auxiliary_loss import auxiliary_loss
from assets.saes.training.step import CurvePoint, SaeTraining, random_sae, train_together
from resources.settings.saes import Saes


def axes(blocks: tuple[int, ...] = (), block_biases: bool = False) -> Sae:
    """Latent i is dimension i of three."""
    sae = Sae(SaeConfig(4, 3, 1, blocks, dict.fromkeys(blocks, 1.0), block_biases=block_biases))
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(4)[:3])
        sae.W_dec.copy_(torch.eye(4)[:3])
    return sae


X = torch.tensor([[0.0, 2.0, 3.0, 1.0]])
RESIDUAL = torch.tensor([[0.0, 2.0, 1.0, 1.0]])


def loss(sae: Sae, tokens: int, counts: list[int], dead: list[int], weights: list[float]) -> float:
    x, residual = X.expand(tokens, 4), RESIDUAL.expand(tokens, 4)
    found = auxiliary_loss(sae, x, counts, residual, torch.tensor(dead), torch.tensor(weights))
    return float(found.detach())


def test_the_dead_latents_rebuild_the_residual() -> None:
    """Latents 1 and 2 rebuild [0, 2, 3, 0], so the error is [0, 0, 2, -1]."""
    assert loss(axes(), 1, [1], [1, 2], [1.0]) == 5.0


def test_fewer_than_half_as_many_as_dimensions_count_in_proportion() -> None:
    """One dead latent of the two that may take part: [0, 2, 0, 0], error [0, 0, -1, -1], counted by half."""
    assert loss(axes(), 1, [1], [1], [1.0]) == 1.0


def test_only_the_strongest_half_as_many_as_dimensions_take_part() -> None:
    sae = axes()
    with torch.no_grad():
        sae.encoder.bias[0] = 1  # latent 0 is 1, and weaker than the two others
    assert loss(sae, 1, [1], [0, 1, 2], [1.0]) == 5.0


def test_every_token_has_its_weight() -> None:
    assert loss(axes(), 2, [2], [1, 2], [0.5, 3.0]) == 0.5 * 5 + 3 * 5


def test_each_block_has_its_own_biases() -> None:
    """At block 8 the encoder's biases take 3 off latent 2: [0, 2, 0, 0], error [0, 0, -1, -1]."""
    sae = axes((7, 8), block_biases=True)
    with torch.no_grad():
        sae.encoder.bias[1, 2] = -3
    assert loss(sae, 3, [1, 2], [1, 2], [1.0, 1.0, 10.0]) == 5 + 2 + 10 * 2
    with torch.no_grad():
        sae.b_dec[0, 1] = 1  # at block 7 latent 1 is 1: [0, 1, 3, 0], error [0, -1, 2, -1]
    assert loss(sae, 3, [1, 2], [1, 2], [1.0, 0.0, 0.0]) == 6


def test_only_dead_latents_are_changed() -> None:
    sae = axes()
    auxiliary_loss(sae, X, [1], RESIDUAL, torch.tensor([1]), torch.ones(1)).backward()
    for weight in (sae.encoder.weight, sae.W_dec, sae.encoder.bias):
        assert weight.grad is not None
        assert weight.grad[[0, 2]].count_nonzero() == 0


def curve(aux_weight: float) -> list[CurvePoint]:
    """Half of the latents begin with a bias that keeps them silent."""
    x, _ = sparse_data()
    scales = {0: scale_of(x)}
    config = SaeConfig(D, 4 * D, ACTIVE, (0,), scales)
    start = random_sae(config, torch.from_numpy(x.mean(axis=0) * scales[0]).float()[None], seed=0)
    with torch.no_grad():
        start.encoder.bias[ATOMS:] = -0.5
    settings = Saes(k=ACTIVE, learning_rate=4e-3, dead_after_tokens=2_560, aux_weight=aux_weight)
    training = SaeTraining(start, settings, 235)
    stream = batches({0: x}, {"one": MemberDraw((0,), scales, 0)}, {"one": (0,)}, 256)
    train_together({"one": training}, stream)
    return training.curve


def test_dead_latents_are_revived() -> None:
    assert curve(1.0)[-1].dead_share < 0.7 * curve(0.0)[-1].dead_share


@pytest.mark.parametrize("dead_after", [3 * 256, 3 * 256 - 1])
def test_a_latent_is_dead_when_it_is_silent_for_longer_than_the_settings_say(dead_after: int) -> None:
    """A latent that is never among the strongest gets a gradient from the auxiliary loss alone, here in step 3."""
    x, _ = sparse_data(1024)
    start = random_sae(SaeConfig(D, 4 * D, ACTIVE, (0,), {0: 1.0}), torch.zeros(1, D), seed=0)
    with torch.no_grad():
        start.encoder.weight[5], start.encoder.bias[5] = 0, 0.3
    training = SaeTraining(start, Saes(k=ACTIVE, dead_after_tokens=dead_after, aux_weight=1.0), 10)
    stream, moved = batches({0: x}, {"one": MemberDraw((0,), {0: 1.0}, 0)}, {"one": (0,)}, 256), []
    for batch_of in islice(stream, 3):
        training.step(batch_of("one"))
        moved.append(bool(training.sae.get_parameter("encoder.weight").grad[5].any()))  # type: ignore[index]
    assert moved == [False, False, dead_after < 3 * 256]
