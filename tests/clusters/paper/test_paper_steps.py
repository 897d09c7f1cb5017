"""The paper's steps: principal components, distances, cuts, rolling theta, spectral clusters, and MeanCorr."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from assets.clusters.linkage import cut_tree, linkage_tree, ranked
from assets.clusters.paper import pca
from assets.clusters.paper.distances import DistanceScale, cosine_distances, fit_scale
from assets.clusters.paper.pca import NothingToAnalyseError, principal_components
from assets.clusters.paper.rolling_theta import cut_scores, rolling_theta
from assets.clusters.paper.spectral_groups import spectral_groups
from assets.clusters.scores import mean_corr

RANDOM = np.random.default_rng(0)
FEATURES = np.where(RANDOM.random((30, 50)) < 0.4, RANDOM.exponential(5.0, (30, 50)), 0.0)


def test_components_are_those_of_scikit_learn_on_its_standardised_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca, "COLUMNS_AT_ONCE", 7)
    found = principal_components(csr_matrix(FEATURES), 12)
    theirs = PCA(12, svd_solver="full")
    expected = theirs.fit_transform(StandardScaler().fit_transform(FEATURES))
    np.testing.assert_allclose(np.abs(found.scores), np.abs(expected), atol=1e-8)
    np.testing.assert_allclose(found.explained, theirs.explained_variance_ratio_, atol=1e-12)


def test_components_have_one_sign_and_no_unit() -> None:
    found = principal_components(FEATURES, 12).scores
    assert (found[np.abs(found).argmax(axis=0), range(12)] > 0).all()
    units = np.exp(RANDOM.normal(size=50))
    np.testing.assert_allclose(principal_components(FEATURES * units, 12).scores, found, atol=1e-8)


def test_a_constant_feature_adds_nothing_and_there_are_no_more_components_than_filings_less_one() -> None:
    constant = np.hstack([FEATURES, np.full((30, 1), 0.1)])
    found = principal_components(constant, 4000)
    assert found.scores.shape == (30, 29)
    np.testing.assert_allclose(found.scores, principal_components(FEATURES, 4000).scores, atol=1e-8)
    assert found.explained.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("features", [np.ones((3, 2)), np.ones((1, 2)), np.empty((3, 0))])
def test_features_that_do_not_differ_have_no_components(features: NDArray[np.float64]) -> None:
    with pytest.raises(NothingToAnalyseError, match="do not differ"):
        principal_components(features, 2)


def test_distances_are_scaled_by_the_pairs_of_the_first_three_quarters_of_the_years() -> None:
    yearly = [np.array([0.0, 2.0]), np.array([4.0]), np.array([2.0]), np.array([1000.0])]
    assert fit_scale(yearly) == DistanceScale(2.0, np.sqrt(2.0))
    assert fit_scale(yearly[:1]) == DistanceScale(1.0, 1.0)
    assert fit_scale([np.array([3.0])]).z(np.array([3.0, 9.0])).tolist() == [0.0, 0.0]
    assert fit_scale([]) == DistanceScale(0.0, 0.0)


def test_cosine_distances_of_rows_by_hand() -> None:
    rows = np.array([[1.0, 0.0], [3.0, 0.0], [-2.0, 0.0], [0.0, 0.0]])
    assert cosine_distances(rows).tolist() == [0.0, 2.0, 1.0, 2.0, 1.0, 1.0]


def spanning_tree_components(z: NDArray[np.float64], theta: float) -> NDArray[np.int64]:
    """The paper's own steps: a minimum spanning tree, its edges above theta dropped, connected components."""
    shift = z.min() - 1.0  # a sparse graph has no edge of length 0
    tree = minimum_spanning_tree(squareform(z - shift)).tocoo()
    kept = tree.data + shift <= theta
    edges = csr_matrix((np.ones(kept.sum()), (tree.row[kept], tree.col[kept])), tree.shape)
    return ranked(connected_components(edges, directed=False)[1])


@given(st.integers(0, 10_000), st.floats(-3.0, 3.0))
def test_c_cd_is_the_cut_spanning_tree_and_scipys_single_linkage(seed: int, theta: float) -> None:
    z = np.random.default_rng(seed).normal(size=15 * 14 // 2)
    found = cut_tree(linkage_tree(z, "single"), theta)
    assert found.tolist() == spanning_tree_components(z, theta).tolist()
    scipys = fcluster(scipy_linkage(z - z.min(), "single"), theta - z.min(), "distance")
    assert found.tolist() == ranked(scipys).tolist()


@given(st.integers(0, 10_000), st.floats(-3.0, 3.0), st.floats(0.0, 3.0))
def test_a_lower_theta_refines_a_higher_one(seed: int, theta: float, more: float) -> None:
    tree = linkage_tree(np.random.default_rng(seed).normal(size=15 * 14 // 2), "single")
    fine, coarse = cut_tree(tree, theta), cut_tree(tree, theta + more)
    assert all(len(set(coarse[fine == cluster])) == 1 for cluster in set(fine))


@given(st.integers(0, 10_000))
def test_mean_corr_is_the_papers_formula_written_out(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, returns = random.integers(0, 6, 12), random.normal(size=(12, 12))
    means = []
    for cluster in set(labels.tolist()):
        members = [i for i in range(12) if labels[i] == cluster]
        if len(members) <= 1:
            continue
        pairs = [np.corrcoef(returns[:, a], returns[:, b])[0, 1] for a, b in combinations(members, 2)]
        means.append(sum(pairs) / len(pairs))
    found = mean_corr(labels, np.corrcoef(returns.T))
    assert found == (pytest.approx(sum(means) / len(means)) if means else None)


def test_every_cut_is_scored_on_its_own_year() -> None:
    corr = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.3], [0.1, 0.3, 1.0]])
    tree = linkage_tree(np.array([-1.0, 0.0, 1.0]), "single")
    found = cut_scores(tree, [-2.0, -1.0, 0.0], corr)
    assert found == {-2.0: None, -1.0: pytest.approx(0.8), 0.0: pytest.approx(0.4)}


def test_rolling_theta_is_the_best_mean_of_the_years_before_and_never_sees_its_own() -> None:
    scores = {
        2000: {-2.0: 0.9, -1.0: 0.2},
        2001: {-2.0: None, -1.0: 0.4},
        2002: {-2.0: 0.1, -1.0: 0.9},
    }
    assert rolling_theta(scores, 2002, 2) == (-2.0, pytest.approx(0.9))
    assert rolling_theta(scores, 2003, 2) == (-1.0, pytest.approx(0.65))
    assert rolling_theta(scores, 2003, 3) == (-2.0, pytest.approx(0.5))
    assert rolling_theta(scores, 2002, 3) is None
    assert rolling_theta(scores, 2005, 1) is None
    assert rolling_theta({2000: {-2.0: None}}, 2001, 1) is None


def test_spectral_groups_recover_planted_blocks_whatever_their_order() -> None:
    random = np.random.default_rng(3)
    truth = random.permutation(np.repeat(np.arange(4), [20, 15, 10, 8]))
    vectors = np.eye(4)[truth] * 10 + random.normal(size=(53, 4))
    found = spectral_groups(vectors, 4, 0, reduce=lambda rows, seed: rows)
    assert len({(t, f) for t, f in zip(truth, found, strict=True)}) == 4
    assert np.bincount(found).tolist() == [20, 15, 10, 8]


def test_spectral_groups_of_few_companies_need_no_umap() -> None:
    def never(vectors: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        raise AssertionError("asked to reduce")

    vectors = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]])
    assert sorted(spectral_groups(vectors, 9, 0, never).tolist()) == [0, 1, 2, 3]
    assert spectral_groups(vectors[:1], 9, 0, never).tolist() == [0]
    assert spectral_groups(vectors, 1, 0, never).tolist() == [0] * 4


@pytest.mark.slow  # numba compiles UMAP for half a minute
def test_umap_keeps_planted_blocks_apart() -> None:
    pytest.importorskip("umap")
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 25)
    vectors = np.eye(3)[truth] @ random.normal(size=(3, 64)) * 5 + random.normal(size=(75, 64))
    found = spectral_groups(vectors, 3, 0)
    assert len({(t, f) for t, f in zip(truth, found, strict=True)}) == 3
    assert found.tolist() == spectral_groups(vectors, 3, 0).tolist()
