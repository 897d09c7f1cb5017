"""Which blocks share an autoencoder: known groups recovered, the three ways to their number, the rows of the table."""

import numpy as np
import pytest

from assets.saes.grouping.flop import CostModel
from assets.saes.grouping.layer_groups import AngularDistances, amad, group_frontier, group_name, layer_groups
from assets.saes.grouping.strategies import GroupCountError, choose_count, knee, partition
from assets.schemas import LAYER_GROUPS
from resources.settings.groups import Groups


def random_distances(n: int, seed: int) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    return upper + upper.T


def synthetic_stream(sizes: list[int]) -> np.ndarray:
    """Residual streams of consecutive groups of blocks that share all but noise: [blocks, 400, 32] float16."""
    random = np.random.default_rng(3)
    bases = [random.normal(size=(400, 32)) for _ in sizes]
    streams = [
        base + 0.2 * random.normal(size=base.shape) for base, n in zip(bases, sizes, strict=True) for _ in range(n)
    ]
    return np.stack(streams).astype(np.float16)


def measured(x: np.ndarray) -> AngularDistances:
    angles = AngularDistances()
    angles.add_means(x)
    angles.add(x)
    return angles


def blocked() -> np.ndarray:
    """Two pairs of like blocks, and a last one unlike any."""
    distances = np.full((5, 5), 0.5)
    distances[:2, :2] = distances[2:4, 2:4] = 0.1
    np.fill_diagonal(distances, 0)
    return distances


@pytest.mark.parametrize("strategy", ["optimal", "complete", "rows_of_tril"])
def test_known_blocks_of_a_synthetic_stream_are_recovered(strategy: str) -> None:
    distances = measured(synthetic_stream([4, 2, 5])).distances()
    assert partition(distances, 3, strategy) == [[0, 1, 2, 3], [4, 5], [6, 7, 8, 9, 10]]
    assert choose_count(distances, strategy, 0.2) == 3


def test_even_groups_know_nothing_of_the_stream() -> None:
    distances = measured(synthetic_stream([4, 2, 5])).distances()
    assert partition(distances, 3, "even") == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert choose_count(distances, "even", 0.2) > 3


@pytest.mark.parametrize("strategy", ["optimal", "complete", "rows_of_tril"])
def test_without_a_count_and_a_threshold_the_knee_recovers_them_too(strategy: str) -> None:
    distances = measured(synthetic_stream([4, 2, 5, 1])).distances()
    rows = layer_groups(distances, Groups(strategy=strategy), CostModel(16, 4), range(12))  # type: ignore[arg-type]
    assert rows["group"].unique(maintain_order=True).to_list() == [
        "blocks-00-03", "blocks-04-05", "blocks-06-10", "block-11",
    ]  # fmt: skip


def test_group_names_tell_runs_from_gaps() -> None:
    assert group_name([8, 9, 10, 11]) == "blocks-08-11"
    assert group_name([29]) == "block-29"
    assert group_name([2, 5]) == "blocks-02+05"
    assert group_name([2, 3, 9]) == "blocks-02+03+09"


def test_layer_groups_are_rows_of_the_table_and_the_last_block_stands_alone() -> None:
    distances = random_distances(5, 2)
    rows = layer_groups(distances, Groups(count=2), CostModel(16, 4), [3, 4, 5, 6, 7])
    LAYER_GROUPS.validate(rows)
    assert rows["block"].to_list() == [3, 4, 5, 6, 7]
    last = rows.row(-1, named=True)
    assert (last["group"], last["diameter"]) == ("block-07", 0.0)
    expected = partition(distances[:-1, :-1], 2, "optimal")
    assert rows["amad"].unique().to_list() == [pytest.approx(amad(distances, expected))]
    assert rows["cost_ratio"][0] == pytest.approx(CostModel(16, 4).ratio(2, 5, depth=8))


def test_with_a_threshold_the_papers_rule_decides() -> None:
    rows = layer_groups(blocked(), Groups(max_amad=0.2), CostModel(16, 4), range(5))
    assert rows["group"].to_list() == ["blocks-00-01"] * 2 + ["blocks-02-03"] * 2 + ["block-04"]
    strict = layer_groups(blocked(), Groups(max_amad=0.05), CostModel(16, 4), range(5))
    assert strict["group"].n_unique() == 4  # AMAD of three groups: (0.1 + 0 + 0) / 3


def test_a_count_goes_before_a_threshold() -> None:
    assert layer_groups(blocked(), Groups(count=1, max_amad=0.2), CostModel(16, 4), range(5))["group"].n_unique() == 2


def test_by_default_the_knee_of_cost_against_loss_decides() -> None:
    assert (Groups().count, Groups().max_amad) == (None, None)
    rows = layer_groups(blocked(), Groups(), CostModel(16, 4), range(5))
    points = group_frontier(blocked(), "optimal", CostModel(16, 4), range(5))
    assert points["predicted_loss"].to_list() == pytest.approx([0.5, 0.1, 0.05, 0])
    assert points["cost_ratio"].to_list() == [CostModel(16, 4).ratio(n, 5) for n in (1, 2, 3, 4)]
    assert knee(points["cost_ratio"].to_list(), points["predicted_loss"].to_list()) == 2
    assert rows["group"].to_list() == ["blocks-00-01"] * 2 + ["blocks-02-03"] * 2 + ["block-04"]
    assert rows["predicted_loss"].unique().to_list() == [pytest.approx(0.1)]


def test_more_groups_than_blocks_before_the_last_are_refused() -> None:
    with pytest.raises(GroupCountError, match="cannot make 5 groups of 4 blocks"):
        layer_groups(blocked(), Groups(count=5), CostModel(16, 4), range(5))


def test_a_single_block_is_its_own_group() -> None:
    rows = layer_groups(np.zeros((1, 1)), Groups(), CostModel(16, 4), [24])
    assert rows["group"].to_list() == ["block-24"]
    assert rows["cost_ratio"][0] == 1.0
    assert (rows["predicted_loss"][0], rows["amad"][0]) == (0.0, 0.0)
    assert group_frontier(np.zeros((1, 1)), "optimal", CostModel(16, 4), [24]).is_empty()
