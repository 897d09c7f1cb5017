"""Nearest companies in blocks are those of all pairs at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from assets.clusters import neighbours
from assets.clusters.neighbours import nearest_by_vectors, nearest_columns


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20), st.sampled_from([2, 10**6]))
def test_blocks_give_what_a_stable_sort_of_all_gives(seed, n, k, distinct):
    near = np.random.default_rng(seed).integers(0, distinct, size=(n, n)).astype(float)
    apart = near.copy()
    np.fill_diagonal(apart, -np.inf)
    expected = np.argsort(-apart, axis=1, kind="stable")[:, : min(k, n - 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "BLOCK", 3)
        peers, values = nearest_columns(near, np.arange(n), k)
    np.testing.assert_array_equal(peers, expected)
    np.testing.assert_array_equal(values, np.take_along_axis(apart, expected, axis=1))


def test_a_company_of_which_nothing_is_known_comes_last():
    near = np.array([[1.0, np.nan, 0.2], [np.nan, 1.0, np.nan], [0.2, np.nan, 1.0]])
    peers, values = nearest_columns(near, np.arange(3), 2)
    assert peers[[0, 2], 0].tolist() == [2, 0]
    assert values.tolist() == [[0.2, -np.inf], [-np.inf, -np.inf], [0.2, -np.inf]]


def test_vectors_have_the_neighbours_of_their_products(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    rows = np.random.default_rng(0).gamma(0.3, size=(25, 12))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    peers, values = nearest_by_vectors(csr_matrix(rows), 4)
    expected, near = nearest_columns(rows @ rows.T, np.arange(25), 4)
    np.testing.assert_array_equal(peers, expected)
    np.testing.assert_allclose(values, near, atol=1e-6)


def test_nobody_and_one_company_have_no_neighbours():
    assert nearest_columns(np.zeros((0, 0)), np.arange(0), 3)[0].shape == (0, 0)
    assert nearest_by_vectors(csr_matrix(np.ones((1, 2))), 3)[0].shape == (1, 0)
