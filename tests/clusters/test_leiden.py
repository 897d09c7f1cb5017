"""Communities of mutual nearest neighbours."""

import sys

import numpy as np
import pytest

from assets.clusters.cuts import most_pairs
from assets.clusters.leiden import LeidenMissingError, leiden, mutual_neighbours
from assets.clusters.scores import pair_count


def planted(noise: float) -> np.ndarray:
    near = np.kron(np.eye(5), np.full((6, 6), 0.6)) + noise * np.random.default_rng(0).random((30, 30))
    return (near + near.T) / 2


def test_only_mutual_neighbours_that_are_alike_are_linked():
    near = np.array([[1.0, 0.9, 0.8], [0.9, 1.0, 0.1], [0.8, 0.1, 1.0]])
    pairs, weights = mutual_neighbours(near, 1)  # 2 is nearest to 0, but not the other way round
    assert (pairs.tolist(), weights.tolist()) == ([[0, 1]], [0.9])
    assert len(mutual_neighbours(np.zeros((3, 3)), 2)[0]) == 0


def test_planted_groups_are_found_within_their_share_of_pairs():
    pytest.importorskip("leidenalg")
    share = 5 * 15 / (30 * 29 / 2)
    labels = leiden(planted(0.2), most_pairs(share, 30), 5, 0)
    assert {tuple(np.flatnonzero(labels == g)) for g in labels} == {tuple(range(s, s + 6)) for s in range(0, 30, 6)}
    for pairs in (0, 10, 40):
        assert pair_count(leiden(planted(0.2), pairs, 5, 0)) <= pairs


def test_without_the_library_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "leidenalg", None)
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(LeidenMissingError, match=r"peerlens\[leiden\]"):
        leiden(planted(0.1), 10, 5, 0)
