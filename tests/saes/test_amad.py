"""Angular distances, AMAD, partitions, cost."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering

from assets.saes import amad as groups_of
from assets.saes.amad import (
    AngularDistances,
    DistanceError,
    GroupCountError,
    amad,
    choose_count,
    cost_ratio,
    diameter,
    group_name,
    harvest_flop,
    layer_groups,
    partition,
    sae_flop,
)
from assets.schemas import LAYER_GROUPS
from resources.profile import Groups


def random_distances(n: int, seed: int) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    return upper + upper.T


def measured(x: np.ndarray, chunks: int = 1) -> AngularDistances:
    angles = AngularDistances()
    parts = np.array_split(x, chunks, axis=1)
    for part in parts:
        angles.add_means(part)
    for part in parts:
        angles.add(part)
    return angles


def dense_distances(x: np.ndarray) -> np.ndarray:
    """The definition in float64, token by token."""
    centred = x.astype(np.float64) - x.astype(np.float64).mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=2, keepdims=True)
    return np.arccos(np.einsum("itd,jtd->tij", unit, unit).clip(-1, 1)).mean(axis=0) / np.pi


def brute_force_cost(distances: np.ndarray, count: int) -> float:
    n = len(distances)
    costs = []
    for cuts in itertools.combinations(range(1, n), count - 1):
        edges = [0, *cuts, n]
        runs = [range(a, b) for a, b in itertools.pairwise(edges)]
        costs.append(sum(len(run) * diameter(distances, run) for run in runs))
    return min(costs)


def test_streamed_distances_equal_the_definition() -> None:
    x = np.random.default_rng(0).normal(3.0, 1.0, (5, 700, 12)).astype(np.float16)
    angles = measured(x, chunks=7)
    expected = dense_distances(x)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(angles.distances(), expected, atol=2e-6)
    assert angles.tokens == 700


def test_distances_are_means_of_angles_and_not_angles_of_means() -> None:
    a = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    b = np.array([[1.0, 0], [-1, 0], [1, 0], [-1, 0]], np.float32)
    assert measured(np.stack([a, b])).distances()[0, 1] == pytest.approx((0 + 0 + 0.5 + 0.5) / 4, abs=1e-6)


def test_a_shift_common_to_all_tokens_does_not_change_distances() -> None:
    x = np.random.default_rng(1).normal(size=(3, 200, 8)).astype(np.float32)
    shifted = x + np.arange(24, dtype=np.float32).reshape(3, 1, 8)
    np.testing.assert_allclose(measured(shifted).distances(), measured(x).distances(), atol=1e-5)


def test_distances_need_means_tokens_and_finite_numbers() -> None:
    x = torch.ones(2, 3, 4)
    with pytest.raises(DistanceError, match="add_means"):
        AngularDistances().add(x)
    with pytest.raises(DistanceError, match="no tokens"):
        AngularDistances().distances()
    with pytest.raises(DistanceError, match="NaN or infinity"):
        AngularDistances().add_means(x * torch.inf)


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


def test_rows_of_tril_is_the_call_in_the_authors_code() -> None:
    distances = random_distances(12, 8)
    labels = AgglomerativeClustering(n_clusters=4, linkage="complete").fit(np.tril(distances, -1)).labels_
    for group in partition(distances, 4, "rows_of_tril"):
        assert len({labels[i] for i in group}) == 1


@pytest.mark.parametrize("strategy", ["optimal", "complete", "rows_of_tril"])
def test_known_blocks_of_a_synthetic_stream_are_recovered(strategy: str) -> None:
    random = np.random.default_rng(3)
    bases = [random.normal(size=(400, 32)) for _ in range(3)]
    sizes = [4, 2, 5]
    x = np.stack(
        [base + 0.2 * random.normal(size=base.shape) for base, n in zip(bases, sizes, strict=True) for _ in range(n)]
    )
    distances = measured(x.astype(np.float16)).distances()
    assert partition(distances, 3, strategy) == [[0, 1, 2, 3], [4, 5], [6, 7, 8, 9, 10]]
    assert choose_count(distances, strategy, 0.2) == 3


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 9),
    seed=st.integers(0, 1000),
    strategy=st.sampled_from(["optimal", "complete", "rows_of_tril"]),
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
    with pytest.raises(ValueError, match="unknown strategy"):
        partition(random_distances(3, 0), 2, "ward")


@pytest.mark.parametrize(
    ("n_layers", "d_model", "harvest", "training"),
    [(12, 768, 207.62, 94.37), (24, 1024, 704.64, 167.77), (16, 2048, 1744.83, 671.09)],
)
def test_printed_pythia_costs_are_reproduced(n_layers: int, d_model: int, harvest: float, training: float) -> None:
    assert harvest_flop(1e9, n_layers, d_model, 1024) / 1e15 == pytest.approx(harvest, abs=0.005)
    assert sae_flop(1e9, d_model, 16) / 1e15 == pytest.approx(training, abs=0.005)


@pytest.mark.parametrize(
    ("groups", "n_layers", "d_model", "ratio"), [(6, 12, 768, 0.648), (9, 24, 1024, 0.504), (6, 16, 2048, 0.516)]
)
def test_saving_counts_the_last_layer(groups: int, n_layers: int, d_model: int, ratio: float) -> None:
    assert cost_ratio(groups, n_layers, d_model, 16) == pytest.approx(ratio, abs=5e-4)


def test_group_names_tell_runs_from_gaps() -> None:
    assert group_name([8, 9, 10, 11]) == "blocks-08-11"
    assert group_name([29]) == "block-29"
    assert group_name([2, 5]) == "blocks-02+05"
    assert group_name([2, 3, 9]) == "blocks-02+03+09"


def test_layer_groups_are_rows_of_the_table_and_the_last_block_stands_alone() -> None:
    distances = random_distances(5, 2)
    rows = layer_groups(distances, Groups(count=2), 16, 4, [3, 4, 5, 6, 7])
    LAYER_GROUPS.validate(rows)
    assert rows["block"].to_list() == [3, 4, 5, 6, 7]
    last = rows.row(-1, named=True)
    assert (last["group"], last["diameter"]) == ("block-07", 0.0)
    expected = partition(distances[:-1, :-1], 2, "optimal")
    assert rows["amad"].unique().to_list() == [pytest.approx(amad(distances, expected))]
    assert rows["cost_ratio"][0] == pytest.approx(cost_ratio(2, 5, 16, 4, depth=8))


def test_without_a_count_the_threshold_decides() -> None:
    distances = np.full((5, 5), 0.5)
    distances[:2, :2] = distances[2:4, 2:4] = 0.1
    np.fill_diagonal(distances, 0)
    rows = layer_groups(distances, Groups(), 16, 4, range(5))
    assert rows["group"].to_list() == ["blocks-00-01"] * 2 + ["blocks-02-03"] * 2 + ["block-04"]


def test_a_single_block_is_its_own_group() -> None:
    rows = layer_groups(np.zeros((1, 1)), Groups(), 16, 4, [24])
    assert rows["group"].to_list() == ["block-24"]
    assert rows["cost_ratio"][0] == 1.0


def test_distances_do_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).normal(size=(4, 300, 8)).astype(np.float32)
    whole = measured(x).distances()
    monkeypatch.setattr(groups_of, "CHUNK", 17)
    np.testing.assert_allclose(measured(x).distances(), whole, atol=1e-9)
