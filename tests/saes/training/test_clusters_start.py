"""Training over passages starts where the directions of passages lie."""

import numpy as np
import pytest
import torch
from fakes.passage_corpora import D, themed_vectors

from assets.saes.model.sae import SaeConfig
from assets.saes.model.standard import Standard
from assets.saes.training.clusters_start import clusters_sae
from assets.saes.training.random_start import random_sae

RAW = themed_vectors(8, 600, 0)
X = Standard.measured(RAW).of(RAW)
CONFIG = SaeConfig(D, 24, 2, (24,), {24: 1.0})


def test_decoder_is_encoder_and_one_unit_long() -> None:
    sae = clusters_sae(CONFIG, X)
    assert torch.equal(sae.encoder.weight, sae.W_dec)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(24))
    assert not sae.encoder.bias.any()
    assert not sae.b_dec.any()


def test_rows_lie_nearer_to_it_than_to_random_directions() -> None:
    unit = torch.from_numpy(X / np.linalg.norm(X, axis=1, keepdims=True))
    ours, random = clusters_sae(CONFIG, X), random_sae(CONFIG, torch.zeros(1, D), 0)
    nearest = [float((unit @ one.W_dec.T).max(dim=1).values.mean().detach()) for one in (ours, random)]
    assert nearest[0] > nearest[1] + 0.2


def test_nothing_of_the_start_is_drawn_at_random() -> None:
    assert torch.equal(clusters_sae(CONFIG, X).W_dec, clusters_sae(CONFIG, X.copy()).W_dec)


def test_each_latent_starts_at_a_theme_of_its_own() -> None:
    """Rows lie on eight orthogonal directions: as many latents find them."""
    axes = np.eye(D)[np.arange(240) % 8]
    start = clusters_sae(SaeConfig(D, 8, 1, (24,), {24: 1.0}), axes).W_dec.detach().numpy()
    assert sorted(start.argmax(axis=1)) == list(range(8))
    assert start.max(axis=1) == pytest.approx(np.ones(8))


def test_rows_that_are_all_alike_start_too() -> None:
    assert clusters_sae(CONFIG, np.ones((40, D))).W_dec.isfinite().all()


def test_of_very_many_rows_some_are_clustered() -> None:
    many = np.concatenate([X] * 3)
    assert len(many) > 32 * 24
    assert clusters_sae(CONFIG, many).W_dec.isfinite().all()
