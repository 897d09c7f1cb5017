"""Partitions against scikit-learn, brute force and hands; what they lose, and how many groups are worth it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering

from assets.saes.grouping.strategies import (
    STRATEGIES,
    GroupCountError,
    amad,
    choose_count,
    diameter,
    frontier,
    knee,
    partition,
    predicted_loss,
)


def random_distances(n: int, seed: int) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    return upper + upper.T


def brute_force_cost(distances: np.ndarray, count: int) -> float:
    n = len(distances)
    costs = []
    for cuts in itertools.combinations(range(1, n), count - 1):
        edges = [0, *cuts, n]
        runs = [range(a, b) for a, b in itertools.pairwise(edges)]
        costs.append(sum(len(run) * diameter(distances, run) for run in runs))
    return min(costs)


def test_amad_by_hand() -> None:
    distances = np.array([[0, 0.1, 0.4], [0.1, 0, 0.3], [0.4, 0.3, 0]])
    assert amad(distances, [[0, 1], [2]]) == pytest.approx(0.05)
    assert amad(distances, [[0, 1, 2]]) == pytest.approx(0.4)
    assert choose_count(distances, "optimal", 0.2) == 2
    assert choose_count(distances, "optimal", 0.01) == 3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [1, 2, 4, 7, 14, 15])
def test_optimal_partition_costs_what_brute_force_finds(seed: int, count: int) -> None:
    distances = random_distances(15, seed)
    found = partition(distances, count, "optimal")
    assert [i for group in found for i in group] == list(range(15))
    assert len(found) == count
    cost = sum(len(group) * diameter(distances, group) for group in found)
    assert cost == pytest.approx(brute_force_cost(distances, count))


@pytest.mark.parametrize("count", [1, 3, 6, 15])
@pytest.mark.parametrize("strategy", ["complete", "rows_of_tril"])
def test_linkage_partitions_agree_with_scipy(strategy: str, count: int) -> None:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist, squareform

    distances = random_distances(15, 5)
    condensed = squareform(distances) if strategy == "complete" else pdist(np.tril(distances, -1))
    labels = fcluster(linkage(condensed, "complete"), count, "maxclust")
    expected = sorted([int(i) for i in np.flatnonzero(labels == label)] for label in set(labels))
    assert partition(distances, count, strategy) == expected


@pytest.mark.parametrize("count", [2, 3, 6, 11])
def test_complete_linkage_is_that_of_scikit_learn(count: int) -> None:
    distances = random_distances(15, 9)
    model = AgglomerativeClustering(n_clusters=count, metric="precomputed", linkage="complete").fit(distances)
    expected = sorted([int(i) for i in np.flatnonzero(model.labels_ == label)] for label in range(count))
    assert partition(distances, count, "complete") == expected


def test_even_groups_are_runs_whose_sizes_differ_by_one_at_most() -> None:
    distances = random_distances(15, 9)
    assert partition(distances, 4, "even") == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14]]
    assert partition(distances, 6, "even") == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10], [11, 12], [13, 14]]
    assert partition(distances, 1, "even") == [list(range(15))]
    assert partition(distances, 15, "even") == [[i] for i in range(15)]
    for count in range(1, 16):
        sizes = [len(group) for group in partition(distances, count, "even")]
        assert max(sizes) - min(sizes) <= 1


def test_rows_of_tril_is_the_call_in_the_authors_code() -> None:
    distances = random_distances(12, 8)
    labels = AgglomerativeClustering(n_clusters=4, linkage="complete").fit(np.tril(distances, -1)).labels_
    for group in partition(distances, 4, "rows_of_tril"):
        assert len({labels[i] for i in group}) == 1


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 9),
    seed=st.integers(0, 1000),
    strategy=st.sampled_from(list(STRATEGIES)),
    data=st.data(),
)
def test_a_partition_holds_every_block_once(n: int, seed: int, strategy: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, n))
    found = partition(random_distances(n, seed), count, strategy)
    assert sorted(i for group in found for i in group) == list(range(n))
    assert len(found) == count
    assert found == sorted(found)


def test_impossible_partitions_are_refused() -> None:
    with pytest.raises(GroupCountError, match="9 groups of 3"):
        partition(random_distances(3, 0), 9, "optimal")
    for strategy in STRATEGIES:
        with pytest.raises(GroupCountError, match=r"one would be empty: set groups.count to 1..3"):
            partition(random_distances(3, 0), 4, strategy)
        with pytest.raises(GroupCountError, match=r"3 blocks into 0 groups: set groups.count to 1..3"):
            partition(random_distances(3, 0), 0, strategy)
    with pytest.raises(GroupCountError, match="no blocks to put into groups"):
        partition(np.zeros((0, 0)), 1, "optimal")
    with pytest.raises(GroupCountError, match="a group without blocks"):
        amad(random_distances(3, 0), [[0, 1, 2], []])
    with pytest.raises(ValueError, match="unknown strategy"):
        partition(random_distances(3, 0), 2, "ward")


def test_predicted_loss_is_the_mean_over_blocks_of_their_groups_diameter() -> None:
    distances = np.array([[0, 0.1, 0.4], [0.1, 0, 0.3], [0.4, 0.3, 0]])
    assert predicted_loss(distances, [[0, 1], [2]]) == pytest.approx((0.1 + 0.1 + 0) / 3)
    assert predicted_loss(distances, [[0, 1, 2]]) == pytest.approx(0.4)
    assert predicted_loss(distances, [[0], [1], [2]]) == predicted_loss(distances, []) == 0.0


def test_the_frontier_holds_every_number_of_groups() -> None:
    distances = np.array([[0, 0.1, 0.4], [0.1, 0, 0.3], [0.4, 0.3, 0]])
    points = frontier(distances, "optimal", [0.5, 0.7, 0.9])
    assert points["n_groups"].to_list() == [1, 2, 3]
    assert points["cost_ratio"].to_list() == [0.5, 0.7, 0.9]
    assert points["predicted_loss"].to_list() == pytest.approx([0.4, 0.2 / 3, 0])


@pytest.mark.parametrize("seed", range(4))
def test_no_partition_loses_less_than_the_optimal_one_among_runs_and_more_groups_never_lose_more(seed: int) -> None:
    distances, costs = random_distances(12, seed), list(range(12))
    losses = frontier(distances, "optimal", costs)["predicted_loss"].to_numpy()
    assert (np.diff(losses) <= 1e-12).all()
    assert (losses <= frontier(distances, "even", costs)["predicted_loss"].to_numpy() + 1e-12).all()


def test_the_knee_by_hand() -> None:
    # Costs on [0, 1]: 0, .25, .5, .75, 1; losses: 1, .5, .1, .05, 0; sums: 1, .75, .6, .8, 1.
    assert knee([0.2, 0.4, 0.6, 0.8, 1.0], [0.50, 0.30, 0.14, 0.12, 0.10]) == 3
    assert knee([0.2, 0.4, 0.6], [0.3, 0.1, 0.0]) == 2


def test_the_knee_is_the_point_farthest_below_the_chord() -> None:
    costs, losses = np.array([1.0, 2, 3, 4, 5, 6]), np.array([9.0, 5, 4, 2, 1.5, 1])
    chord = losses[0] + (losses[-1] - losses[0]) * (costs - costs[0]) / (costs[-1] - costs[0])
    assert knee(list(costs), list(losses)) == int(np.argmax(chord - losses)) + 1


def test_among_equals_the_knee_has_the_fewest_groups() -> None:
    assert knee([0.1, 0.2, 0.3, 0.4], [0.3, 0.2, 0.1, 0.0]) == 1  # a straight line: no point is better than its ends
    assert knee([1, 2, 3], [0.2, 0.2, 0.2]) == 1
    assert knee([0.7], [0.0]) == 1


@given(scale=st.floats(0.01, 100), shift=st.floats(-5, 5), seed=st.integers(0, 50))
def test_the_knee_knows_no_units(scale: float, shift: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    costs, losses = np.sort(random.random(9)), np.sort(random.random(9))[::-1]
    assert knee(list(costs * scale + shift), list(losses)) == knee(list(costs), list(losses))


def test_a_frontier_without_points_has_no_knee() -> None:
    with pytest.raises(ValueError, match="got 0 costs, 0 losses"):
        knee([], [])
    with pytest.raises(ValueError, match="got 2 costs, 1 losses"):
        knee([1, 2], [1])
