"""Training over passages starts where the directions of passages lie."""

import numpy as np
import torch
from fakes.passage_corpora import D, themed_vectors

from assets.saes.model.sae import SaeConfig
from assets.saes.model.standard import Standard
from assets.saes.training.kmeans_start import kmeans_sae
from assets.saes.training.random_start import random_sae

RAW = themed_vectors(8, 600, 0)
X = Standard.measured(RAW).of(RAW)
CONFIG = SaeConfig(D, 24, 2, (24,), {24: 1.0})


def test_decoder_is_encoder_and_one_unit_long() -> None:
    sae = kmeans_sae(CONFIG, X, 0)
    assert torch.equal(sae.encoder.weight, sae.W_dec)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(24))
    assert not sae.encoder.bias.any()
    assert not sae.b_dec.any()


def test_rows_lie_nearer_to_it_than_to_random_directions() -> None:
    unit = torch.from_numpy(X / np.linalg.norm(X, axis=1, keepdims=True))
    ours, random = kmeans_sae(CONFIG, X, 0), random_sae(CONFIG, torch.zeros(1, D), 0)
    nearest = [float((unit @ one.W_dec.T).max(dim=1).values.mean().detach()) for one in (ours, random)]
    assert nearest[0] > nearest[1] + 0.2


def test_the_seed_decides_the_start() -> None:
    first, again, other = (kmeans_sae(CONFIG, X, seed).W_dec for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rows_that_are_all_alike_start_too() -> None:
    assert kmeans_sae(CONFIG, np.ones((40, D)), 0).W_dec.isfinite().all()


def test_of_very_many_rows_some_are_clustered() -> None:
    many = np.concatenate([X] * 3)
    assert len(many) > 32 * 24
    assert kmeans_sae(CONFIG, many, 0).W_dec.isfinite().all()
