"""Peers of a similarity and of a classification: the nearest, and of what is tied a random draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.clusters.scoreboard.peers import DRAWS, draw_peers, peer_means, shared_levels

NAN = np.nan


def test_without_ties_the_nearest_are_the_peers_and_one_draw_is_enough() -> None:
    random = np.random.default_rng(0).random((9, 9))
    peers = draw_peers(random, 3)
    assert peers.shape == (1, 9, 3)
    for i in range(9):
        others = sorted((j for j in range(9) if j != i), key=lambda j: -random[i, j])
        assert set(peers[0, i]) == set(others[:3])


def test_peers_come_from_the_finest_group_then_from_the_coarser_then_from_the_market() -> None:
    fine, coarse = np.array([0, 0, 1, 2, 3, 4]), np.array([0, 0, 0, 1, 1, 2])
    peers = draw_peers(shared_levels([fine, coarse]), 3)
    assert len(peers) == DRAWS
    assert all({1, 2} < set(row) for row in peers[:, 0])
    assert {int(j) for row in peers[:, 0] for j in row} - {1, 2} == {3, 4, 5}
    assert all(4 in row for row in peers[:, 3])
    assert all(set(row) <= {0, 1, 2, 3, 4} for row in peers[:, 5])


def test_tied_peers_are_drawn_with_equal_chance() -> None:
    drawn = draw_peers(np.zeros((6, 6)), 2, draws=3000)
    counts = np.bincount(drawn[:, 0].ravel(), minlength=6)
    assert counts[0] == 0
    assert (np.abs(counts[1:] - 1200) < 4 * np.sqrt(3000 * 0.4 * 0.6)).all()


def test_whom_a_method_does_not_know_comes_last_and_is_drawn() -> None:
    similarity = np.array([[NAN, -0.9, NAN, NAN], [-0.9, NAN, NAN, NAN], [NAN] * 4, [NAN] * 4])
    peers = draw_peers(similarity, 2)
    assert all(1 in row and (2 in row or 3 in row) for row in peers[:, 0])
    assert {int(j) for row in peers[:, 2] for j in row} == {0, 1, 3}


@pytest.mark.parametrize(("n", "k", "width"), [(0, 5, 0), (1, 5, 0), (2, 5, 1), (4, 9, 3)])
def test_there_are_no_more_peers_than_other_companies(n: int, k: int, width: int) -> None:
    peers = draw_peers(np.ones((n, n)), k)
    assert peers.shape[1:] == (n, width)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 3), st.integers(0, 9))
def test_nobody_is_its_own_peer_or_twice_a_peer(n: int, k: int, levels: int, seed: int) -> None:
    near = np.random.default_rng(seed).integers(0, levels + 1, (n, n)).astype(float)
    for row in draw_peers(near, k, draws=3, seed=seed):
        for company, peers in enumerate(row):
            assert company not in peers and len(set(peers)) == len(peers) == min(k, n - 1)


def test_rounding_breaks_no_tie() -> None:
    near = np.array([[1.0, 0.3, 0.1 + 0.2], [0.3, 1.0, 0.3], [0.1 + 0.2, 0.3, 1.0]])
    assert {int(j) for j in draw_peers(near, 1)[:, 0, 0]} == {1, 2}


def test_the_peers_mean_leaves_out_who_has_no_return_and_falls_back_on_the_market() -> None:
    returns = np.array([[0.1, 0.3, 0.8, 0.6], [0.1, NAN, 0.2, NAN], [0.5, NAN, NAN, NAN]])
    peers = np.array([[[1, 2], [0, 2], [1, 3], [0, 1]]])
    means = peer_means(returns, peers)[0]
    np.testing.assert_allclose(means[0], [0.55, 0.45, 0.45, 0.2])
    np.testing.assert_allclose(means[1], [0.2, 0.15, 0.1, 0.1])
    np.testing.assert_allclose(means[2], [NAN, 0.5, 0.5, 0.5])


def test_one_company_alone_has_no_peers_mean() -> None:
    assert np.isnan(peer_means(np.array([[0.1], [0.2]]), draw_peers(np.ones((1, 1)), 5))).all()
