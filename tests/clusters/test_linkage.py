"""Linkage and the choice of theta."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from assets.clusters.cuts import choose_theta
from assets.clusters.linkage import (
    SimilarityError,
    cut,
    linkage_tree,
    ranked,
    z_scored_distances,
)
from assets.clusters.scores import TooFewReturnsError

LINKAGES = ["single", "average", "complete"]
THETAS = [round(-4.5 + 0.1 * i, 1) for i in range(36)]


def random_z(seed, n, d=4):
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return z_scored_distances(units @ units.T)


def groups(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in labels}


def test_z_scored_distances_have_mean_0_and_sd_1_over_pairs():
    vectors = np.random.default_rng(0).normal(size=(9, 3))
    distances = pdist(vectors, "cosine")
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(
        z_scored_distances(units @ units.T), (distances - distances.mean()) / distances.std(), atol=1e-12
    )


def test_equally_distant_companies_are_all_at_0():
    assert z_scored_distances(np.full((3, 3), 0.25)).tolist() == [0.0, 0.0, 0.0]


def test_similarity_that_is_none_is_refused():
    with pytest.raises(SimilarityError, match=r"must be \[n, n\]"):
        z_scored_distances(np.zeros((2, 3)))
    with pytest.raises(SimilarityError, match="companies 0 and 1 is infinite"):
        z_scored_distances(np.array([[1.0, np.inf], [np.inf, 1.0]]))


def test_an_unknown_pair_is_farther_apart_than_every_known_one_and_moves_no_other():
    near = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, np.nan], [0.1, np.nan, 1.0]])
    assert z_scored_distances(near).tolist() == [-1.0, 1.0, 2.0]
    assert groups(cut(z_scored_distances(near), 1.5, "complete")) == {frozenset({0, 1}), frozenset({2})}


def test_where_no_pair_is_known_all_are_equally_far_apart():
    assert z_scored_distances(np.full((3, 3), np.nan)).tolist() == [0.0, 0.0, 0.0]
    one = np.array([[1.0, 0.3, np.nan], [0.3, 1.0, np.nan], [np.nan, np.nan, 1.0]])
    assert z_scored_distances(one).tolist() == [0.0, 1.0, 1.0]


def test_a_similarity_that_is_not_symmetric_counts_as_the_mean_of_both_directions():
    near = np.random.default_rng(0).random((5, 5))
    np.testing.assert_array_equal(z_scored_distances(near), z_scored_distances((near + near.T) / 2))
    kept = near.copy()
    z_scored_distances(near)
    np.testing.assert_array_equal(near, kept)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 15), st.sampled_from(LINKAGES), st.floats(-3, 3), st.floats(0, 3))
def test_lower_theta_refines_clusters(seed, n, linkage, theta, step):
    z = random_z(seed, n)
    fine, coarse = cut(z, theta, linkage), cut(z, theta + step, linkage)
    assert all(any(small <= large for large in groups(coarse)) for small in groups(fine))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 15), st.floats(-3, 3))
def test_single_linkage_equals_components_of_the_cut_spanning_tree(seed, n, theta):
    z = random_z(seed, n)
    tree = nx.minimum_spanning_tree(nx.from_numpy_array(squareform(z - z.min() + 1)))
    far = [(a, b) for a, b, weight in tree.edges(data="weight") if weight - 1 + z.min() > theta]
    tree.remove_edges_from(far)
    assert groups(cut(z, theta, "single")) == {frozenset(part) for part in nx.connected_components(tree)}


def test_complete_linkage_never_holds_a_pair_above_theta():
    z = random_z(5, 30)
    labels, distances = cut(z, -0.5, "complete"), squareform(z)
    inside = (labels[:, None] == labels) & ~np.eye(30, dtype=bool)
    assert inside.any()
    assert distances[inside].max() <= -0.5


def test_extreme_thetas_give_singletons_and_one_cluster():
    z = random_z(1, 6)
    assert cut(z, z.min() - 1, "average").tolist() == [0, 1, 2, 3, 4, 5]
    assert cut(z, z.max() + 1, "average").tolist() == [0] * 6


def test_one_company_is_alone():
    assert cut(z_scored_distances(np.ones((1, 1))), 0.0, "single").tolist() == [0]


def test_labels_are_ranked_by_size_then_first_member():
    assert ranked(np.array([9, 4, 7, 4, 5, 7, 3])).tolist() == [2, 0, 1, 0, 3, 1, 4]


def two_industries(noise=0.3, months=24):
    """Six companies: A-C move together, D-F move together, and descriptions tell."""
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(months, 2))
    returns = np.repeat(factor, 3, axis=1) + noise * rng.normal(size=(months, 6))
    same = np.kron(np.eye(2), np.ones((3, 3)))
    near = 0.1 + 0.7 * same + 0.01 * rng.random((6, 6))
    return (near + near.T) / 2, returns


@pytest.mark.parametrize("linkage", LINKAGES)
def test_pair_lift_finds_the_industries_that_returns_know(linkage):
    similarity, returns = two_industries()
    z = z_scored_distances(similarity)
    theta, score = choose_theta(linkage_tree(z, linkage), returns, [-1.2, -1.0, 0.0, 3.0], "pair_lift")
    assert cut(z, theta, linkage).tolist() == [0, 0, 0, 1, 1, 1]
    corr = np.corrcoef(returns.T)
    inside = np.concatenate([corr[:3, :3][np.triu_indices(3, 1)], corr[3:, 3:][np.triu_indices(3, 1)]])
    assert score == pytest.approx((inside.mean() - corr[np.triu_indices(6, 1)].mean()) * np.sqrt(6))


def test_mean_corr_objective_takes_the_purest_cut():
    similarity, returns = two_industries()
    z = z_scored_distances(similarity)
    thetas = sorted(z)
    theta, score = choose_theta(linkage_tree(z, "average"), returns, thetas, "mean_corr")
    corr = np.corrcoef(returns.T)

    def by_hand(labels):
        parts = [corr[np.ix_(list(g), list(g))] for g in groups(labels) if len(g) > 1]
        return np.mean([part[np.triu_indices(len(part), 1)].mean() for part in parts])

    assert score == pytest.approx(max(by_hand(cut(z, each, "average")) for each in thetas))
    assert by_hand(cut(z, theta, "average")) == pytest.approx(score)


def test_equal_scores_choose_the_largest_theta():
    similarity, returns = two_industries()
    z = z_scored_distances(similarity)
    assert choose_theta(linkage_tree(z, "average"), returns, [-9.0, -7.0, -8.0], "pair_lift") == (-7.0, 0.0)
    assert choose_theta(linkage_tree(z, "average"), returns, [0.2, 0.1, 0.0], "pair_lift")[0] == 0.2


def test_companies_without_every_month_do_not_change_the_choice():
    similarity, returns = two_industries()
    returns[0, 5] = np.nan
    z = z_scored_distances(similarity)
    theta, score = choose_theta(linkage_tree(z, "average"), returns, [*THETAS, 0.0], "pair_lift")
    wild = returns.copy()
    wild[1:, 5] = 99.0
    assert choose_theta(linkage_tree(z, "average"), wild, [*THETAS, 0.0], "pair_lift") == (theta, score)
    assert np.isfinite(score)


def test_theta_needs_two_complete_companies():
    similarity, returns = two_industries()
    returns[3, 1:] = np.nan
    with pytest.raises(TooFewReturnsError, match="1 companies have all 24 months"):
        choose_theta(linkage_tree(z_scored_distances(similarity), "average"), returns, THETAS, "pair_lift")
