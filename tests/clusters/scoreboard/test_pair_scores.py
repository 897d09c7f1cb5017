"""The same number of peers, and the curve over the share of pairs: as written out pair by pair."""

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.stats import t as student

from assets.clusters.intervals import firm_weights
from assets.clusters.scoreboard.pair_scores import (
    curve,
    group_point,
    market_adjusted,
    resampled_means,
    resampled_medians,
    same_number,
)
from assets.clusters.scoreboard.peers import shared_levels
from assets.clusters.scores import correlations

NAN = np.nan


def similar(seed: int, n: int = 7, steps: int = 4) -> np.ndarray:
    """Return a symmetric similarity with many ties."""
    drawn = np.random.default_rng(seed).integers(0, steps, (n, n)).astype(float)
    return np.triu(drawn, 1) + np.triu(drawn, 1).T


def moving(seed: int, n: int = 7) -> np.ndarray:
    return correlations(np.random.default_rng(seed).normal(size=(12, n)))


def test_what_the_market_leaves_is_the_rest_of_a_regression() -> None:
    returns = np.random.default_rng(0).normal(size=(12, 5))
    found = market_adjusted(returns)
    design = np.column_stack([np.ones(12), returns.mean(axis=1)])
    for firm in range(5):
        fitted = design @ np.linalg.lstsq(design, returns[:, firm], rcond=None)[0]
        np.testing.assert_allclose(found[:, firm], returns[:, firm] - fitted, atol=1e-12)


def test_identical_companies_are_the_market_and_share_nothing_beyond_it() -> None:
    returns = np.tile(np.random.default_rng(1).normal(size=(12, 1)), 4)
    np.testing.assert_array_equal(correlations(market_adjusted(returns)), np.eye(4))
    np.testing.assert_allclose(correlations(returns), 1)


def test_the_same_number_of_peers_is_the_mean_over_all_ways_to_break_ties() -> None:
    near, corr, counts = similar(2, 6, 2), moving(2, 6), np.array([1, 2, 3, 4, 5, 0])
    found = same_number(near, corr, counts)
    for firm in range(5):
        others = [j for j in range(6) if j != firm]
        means = []
        for order in permutations(others):
            nearest = sorted(order, key=lambda j: -near[firm, j])[: counts[firm]]
            means.append(corr[firm, nearest].mean())
        assert found[firm] == pytest.approx(np.mean(means))
    assert np.isnan(found[5])


def test_a_classification_at_its_own_number_of_peers_is_its_groups() -> None:
    labels, corr = np.array([0, 0, 0, 1, 1, 2, 3]), moving(3)
    counts = np.array([2, 2, 2, 1, 1, 0, 0])
    found = same_number(shared_levels([labels, np.zeros(7, dtype=int)]), corr, counts)
    assert found[0] == pytest.approx((corr[0, 1] + corr[0, 2]) / 2)
    assert found[3] == found[4] == pytest.approx(corr[3, 4])
    assert np.isnan(found[5:]).all()


def test_the_curve_is_the_mean_over_all_ways_to_break_ties() -> None:
    near, corr = similar(4, 5, 2), moving(4, 5)
    found = curve(near, corr, np.ones((1, 5)), (0.1, 0.3, 0.5, 1.0))
    pairs = list(combinations(range(5), 2))
    high = [pair for pair in pairs if near[pair] == 1]
    low = [pair for pair in pairs if near[pair] == 0]
    for share, mean in zip(found.shares, found.means, strict=True):
        count = round(share * 10)
        first, rest = (high, low) if count > len(high) else ([], high)
        over = sum(corr[p] for p in first) + (count - len(first)) * np.mean([corr[p] for p in rest])
        assert mean == pytest.approx(over / count)
    np.testing.assert_allclose(found.draws[0], found.means)


def test_a_pair_counts_as_often_as_both_of_its_companies() -> None:
    near, corr, weights = np.random.default_rng(5).random((7, 7)), moving(5), np.array([[2.0, 0, 1, 3, 1, 1, 2]])
    both = (near + near.T) / 2
    ordered = sorted(combinations(range(7), 2), key=lambda pair: -both[pair])
    found = curve(near, corr, weights, (0.25,))
    times = [weights[0, i] * weights[0, j] for i, j in ordered[:5]]
    assert found.means[0] == pytest.approx(np.mean([corr[pair] for pair in ordered[:5]]))
    assert found.draws[0, 0] == pytest.approx(np.average([corr[pair] for pair in ordered[:5]], weights=times))


def test_many_and_few_pairs_are_added_up_alike() -> None:
    """Few pairs are multiplied as a sparse matrix, where there are many as a dense one."""
    random = np.random.default_rng(10)
    near, corr = random.random((40, 40)), moving(10, 40)
    weights = firm_weights([str(i) for i in range(40)], 0, 5)
    found, both = curve(near, corr, weights, (0.01, 0.9)), (near + near.T) / 2
    ordered = sorted(combinations(range(40), 2), key=lambda pair: -both[pair])
    for number, count in enumerate((8, 702)):
        for draw in range(5):
            times = [weights[draw, i] * weights[draw, j] for i, j in ordered[:count]]
            expected = np.average([corr[pair] for pair in ordered[:count]], weights=times)
            assert found.draws[draw, number] == pytest.approx(expected)


def test_a_group_s_point_is_its_share_of_pairs_and_their_mean() -> None:
    corr = moving(6)
    found = group_point(
        np.array([0, 0, 0, 1, 1, 2, 3]), corr, np.array([[1.0, 2, 0, 3, 1, 1, 1], [1, 0, 0, 1, 0, 1, 1]])
    )
    inside = [(0, 1), (0, 2), (1, 2), (3, 4)]
    assert (found.shares[0], found.means[0]) == pytest.approx((4 / 21, np.mean([corr[p] for p in inside])))
    assert found.draws[0, 0] == pytest.approx((2 * corr[0, 1] + 3 * corr[3, 4]) / 5)
    assert np.isnan(found.draws[1, 0])


def test_a_planted_structure_is_found_and_random_pairs_are_worth_nothing() -> None:
    labels = np.repeat(np.arange(20), 6)
    random = np.random.default_rng(7)
    returns = random.normal(size=(36, 20))[:, labels] + random.normal(size=(36, 120))
    corr, same = correlations(market_adjusted(returns)), (labels[:, None] == labels).astype(float)
    counts, weights = np.full(120, 5), firm_weights([str(i) for i in range(120)], 0)
    right, wrong = curve(same, corr, weights), curve(np.zeros_like(same), corr, weights)
    assert right.means[0] == pytest.approx(0.5, abs=0.08)
    assert (np.diff(right.means[4:]) < 0).all()  # beyond 4.2 % of pairs there are none of one group
    assert same_number(same, corr, counts).mean() == pytest.approx(0.5, abs=0.08)
    chance = same_number(np.zeros_like(same), corr, counts)
    assert abs(chance.mean()) < 2 * resampled_means(chance, weights).std(ddof=1) + 1 / 119
    assert (np.abs(wrong.means) < 0.02).all()


def test_a_better_similarity_has_the_higher_curve() -> None:
    labels, random = np.repeat(np.arange(20), 6), np.random.default_rng(8)
    returns = random.normal(size=(36, 20))[:, labels] + random.normal(size=(36, 120))
    corr, same = correlations(market_adjusted(returns)), (labels[:, None] == labels).astype(float)
    noise = random.normal(size=same.shape)
    better, worse = (curve(same + s * noise, corr, np.ones((1, 120))).means for s in (0.3, 3.0))
    assert (better > worse).all()


@pytest.mark.parametrize("n", [0, 1])
def test_without_a_pair_there_is_no_curve_and_no_point(n: int) -> None:
    found = curve(np.ones((n, n)), np.ones((n, n)), np.ones((3, n)))
    assert np.isnan(found.means).all() and np.isnan(found.draws).all()
    point = group_point(np.arange(n), np.ones((n, n)), np.ones((3, n)))
    assert point.shares[0] == 0 and np.isnan(point.means).all() and np.isnan(point.draws).all()
    assert np.isnan(same_number(np.ones((n, n)), np.ones((n, n)), np.zeros(n, dtype=int))).all()


def test_whom_a_method_does_not_know_is_paired_last() -> None:
    near = np.full((4, 4), NAN)
    near[0, 1] = near[1, 0] = -0.5
    corr = moving(9, 4)
    assert curve(near, corr, np.ones((1, 4)), (1 / 6,)).means[0] == pytest.approx(corr[0, 1])
    rest = [corr[pair] for pair in combinations(range(4), 2) if pair != (0, 1)]
    assert curve(near, corr, np.ones((1, 4)), (0.5,)).means[0] == pytest.approx((corr[0, 1] + 2 * np.mean(rest)) / 3)


def test_resampled_figures_are_those_of_the_sample_written_out() -> None:
    values, weights = np.array([0.4, NAN, 0.1, 0.9]), np.array([[2.0, 1.0, 0.0, 1.0], [0.0, 3.0, 0.0, 0.0]])
    np.testing.assert_allclose(resampled_means(values, weights), [(0.4 + 0.4 + 0.9) / 3, NAN])
    np.testing.assert_allclose(resampled_medians(values[None], weights), [0.4, NAN])
    other = np.array([0.2, NAN, 0.6, 0.3])
    np.testing.assert_allclose(resampled_medians(np.array([values, other]), weights), [(0.4 + 0.2) / 2, NAN])


def test_the_interval_over_companies_covers_the_mean() -> None:
    """Of a skewed figure of 60 companies, in 400 worlds."""
    weights, inside = firm_weights([str(i) for i in range(60)], 0), 0
    for seed in range(400):
        values = np.random.default_rng(seed).exponential(size=60)
        half = student.ppf(0.975, 59) * resampled_means(values, weights).std(ddof=1)
        inside += abs(values.mean() - 1) <= half
    assert 0.90 <= inside / 400 <= 0.98
