"""Scores of groups and of nearest peers."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from sklearn.neighbors import NearestNeighbors

from assets.clusters.scores import (
    TooFewReturnsError,
    complete_returns,
    coverage,
    formed,
    mean_corr,
    nearest_neighbours,
    nearest_peer_corr,
    pair_weighted,
    placebo,
    return_matrix,
    score_clusters,
)

MONTHS = [date(2005, 1, 31), date(2005, 2, 28), date(2005, 3, 31), date(2005, 4, 30)]
CORR = np.array(
    [
        [1.0, 0.8, 0.6, 0.1, 0.0],
        [0.8, 1.0, 0.4, 0.2, 0.0],
        [0.6, 0.4, 1.0, 0.3, 0.0],
        [0.1, 0.2, 0.3, 1.0, 0.5],
        [0.0, 0.0, 0.0, 0.5, 1.0],
    ]
)


def long_returns(matrix, company_ids):
    rows = [
        (company, month, float(matrix[row, column]))
        for row, month in enumerate(MONTHS[: len(matrix)])
        for column, company in enumerate(company_ids)
        if np.isfinite(matrix[row, column])
    ]
    return pl.DataFrame(rows, schema=["company_id", "month", "log_return"], orient="row")


def test_mean_corr_weighs_clusters_and_pair_weighted_weighs_pairs():
    labels = np.array([0, 0, 0, 1, 1])
    assert mean_corr(labels, CORR) == pytest.approx((0.6 + 0.5) / 2)
    assert pair_weighted(labels, CORR) == pytest.approx((0.8 + 0.6 + 0.4 + 0.5) / 4)


def test_singletons_are_skipped_but_lower_coverage():
    labels = np.array([0, 0, 1, 2, 3])
    assert mean_corr(labels, CORR) == pair_weighted(labels, CORR) == pytest.approx(0.8)
    assert coverage(labels) == pytest.approx(2 / 5)


def test_all_alone_has_no_correlation_to_report():
    labels = np.arange(5)
    assert mean_corr(labels, CORR) is None
    assert pair_weighted(labels, CORR) is None
    assert placebo(labels, CORR, 50, 0).z is None
    assert coverage(labels) == 0.0


def test_correlations_equal_numpy():
    matrix = np.random.default_rng(0).normal(size=(12, 7))
    np.testing.assert_allclose(complete_returns(matrix).correlations(), np.corrcoef(matrix.T), atol=1e-12)


def test_incomplete_and_stale_companies_are_left_out_and_counted():
    matrix = np.random.default_rng(0).normal(size=(4, 5))
    matrix[2, 0] = np.nan
    matrix[:, 3] = 0.01
    window = complete_returns(matrix)
    assert (window.kept.tolist(), window.incomplete, window.flat) == ([1, 2, 4], 1, 1)
    assert np.isfinite(window.correlations()).all()


def test_placebo_of_random_labels_is_uniform_and_centred():
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(12, 40)) + rng.normal(size=(12, 1))
    corr = complete_returns(matrix).correlations()
    results = [placebo(rng.integers(0, 8, 40), corr, 99, seed) for seed in range(200)]
    assert kstest([result.p for result in results], "uniform").pvalue > 0.01
    assert abs(np.mean([result.z for result in results])) < 3 / np.sqrt(200)


def test_placebo_sees_real_groups():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 5)
    matrix = rng.normal(size=(12, 8))[:, labels] + rng.normal(size=(12, 40))
    result = placebo(labels, complete_returns(matrix).correlations(), 200, 0)
    assert result.z > 5
    assert result.p == pytest.approx(1 / 201)


def test_placebo_mean_is_the_mean_of_all_pairs():
    labels = np.array([0, 0, 0, 1, 1])
    mean = placebo(labels, CORR, 4000, 0).mean
    assert mean == pytest.approx(CORR[np.triu_indices(5, 1)].mean(), abs=0.01)


def test_one_cluster_of_everybody_is_no_better_than_its_placebo():
    result = placebo(np.zeros(5, dtype=int), CORR, 50, 0)
    assert result.z is None
    assert result.p == 1.0


def test_placebo_repeats_with_its_seed():
    labels = np.array([0, 0, 1, 1, 2])
    assert placebo(labels, CORR, 50, 3) == placebo(labels, CORR, 50, 3)
    assert placebo(labels, CORR, 50, 3) != placebo(labels, CORR, 50, 4)


def score(matrix, labels, draws=20):
    window = complete_returns(matrix)
    return formed(labels) | score_clusters(labels, window.kept, window.correlations(), draws=draws, seed=0)


def test_what_was_formed_is_counted_whatever_was_lost_after():
    matrix = np.random.default_rng(1).normal(size=(4, 6))
    matrix[1, 5] = np.nan
    found = score(matrix, np.array([0, 0, 1, 1, 2, 2]), draws=50)
    corr = np.corrcoef(matrix[:, :5].T)
    assert found["pair_weighted"] == pytest.approx((corr[0, 1] + corr[2, 3]) / 2)
    assert found["all_pairs"] == pytest.approx(corr[np.triu_indices(5, 1)].mean())
    assert found["lift"] == pytest.approx(found["pair_weighted"] - found["placebo_mean"])
    assert [found[k] for k in ("companies", "clusters", "pairs", "coverage", "largest_share")] == [6, 3, 3, 1.0, 2 / 6]
    assert [found[k] for k in ("companies_lost", "pairs_lost")] == [1, 1]


def test_half_of_the_companies_delisted_leaves_coverage_as_it_was_formed():
    matrix = np.random.default_rng(1).normal(size=(4, 8))
    matrix[2, ::2] = np.nan
    found = score(matrix, np.repeat(np.arange(4), 2))
    assert [found[k] for k in ("companies", "companies_lost", "pairs", "pairs_lost")] == [8, 4, 4, 4]
    assert found["coverage"] == 1.0
    assert found["lift"] is None and found["pair_weighted"] is None


def test_where_all_are_lost_nothing_is_scored_and_the_loss_is_counted():
    found = score(np.full((4, 3), np.nan), np.array([0, 0, 1]))
    assert found == formed(np.array([0, 0, 1])) | {"companies_lost": 3, "pairs_lost": 1}


def test_return_matrix_keeps_the_order_given():
    returns = long_returns(np.array([[1.0, 2.0], [3.0, np.nan]]), ["A", "B"])
    matrix = return_matrix(returns, ["B", "Z", "A"], MONTHS[:2])
    np.testing.assert_array_equal(matrix, [[2.0, np.nan, 1.0], [np.nan, np.nan, 3.0]])


def test_one_month_is_refused():
    with pytest.raises(TooFewReturnsError, match="1 months of returns; a correlation needs at least 2"):
        complete_returns(np.ones((1, 3)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(1, 5))
def test_nearest_neighbours_agree_with_scikit_learn(seed, n, k):
    vectors = np.random.default_rng(seed).normal(size=(n, 6))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{i:03d}" for i in range(n)]
    width = min(k, n - 1)
    distances, peers = NearestNeighbors(n_neighbors=width, metric="cosine").fit(vectors).kneighbors()
    rows = nearest_neighbours(units @ units.T, ids, k)
    assert rows["peer_id"].to_list() == [ids[j] for j in peers.ravel()]
    assert rows["rank"].to_list() == list(range(1, width + 1)) * n
    np.testing.assert_allclose(rows["similarity"], 1 - distances.ravel(), atol=1e-9)


def test_equally_near_peers_are_ordered_by_id_whatever_the_input_order():
    rows = nearest_neighbours(np.full((3, 3), 0.5), ["C", "A", "B"], 2)
    assert rows.select("company_id", "peer_id").rows() == [
        ("A", "B"),
        ("A", "C"),
        ("B", "A"),
        ("B", "C"),
        ("C", "A"),
        ("C", "B"),
    ]


def nearest(pairs):
    return pl.DataFrame(
        [(a, b, 1, 0.5) for a, b in pairs], schema=["company_id", "peer_id", "rank", "similarity"], orient="row"
    )


def test_nearest_peer_corr_averages_over_pairs_with_every_month():
    matrix = np.random.default_rng(0).normal(size=(4, 4))
    matrix[0, 3] = np.nan
    corr = np.corrcoef(matrix[:, :3].T)
    rows, window = nearest([("A", "B"), ("B", "C"), ("C", "D"), ("D", "A")]), complete_returns(matrix)
    mean, companies = nearest_peer_corr(rows, ["A", "B", "C", "D"], window)
    assert (mean, companies) == (pytest.approx((corr[0, 1] + corr[1, 2]) / 2), 2)
    assert nearest_peer_corr(nearest([("C", "D")]), ["A", "B", "C", "D"], window) == (None, 0)
