"""The cost model against the numbers the paper prints."""

import pytest

from assets.saes.grouping.flop import CostModel, harvest_flop, sae_flop


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
    assert CostModel(d_model, 16).ratio(groups, n_layers) == pytest.approx(ratio, abs=5e-4)


def test_cost_counts_the_harvest_and_the_last_blocks_own_sae() -> None:
    harvest, training = harvest_flop(1, 8, 16, 1024), sae_flop(1, 16, 4)
    assert CostModel(16, 4).ratio(2, 5, depth=8) == pytest.approx((harvest + 3 * training) / (harvest + 5 * training))
    assert CostModel(16, 4).ratio(4, 5) == 1.0


def test_a_corpus_that_is_passed_over_several_times_is_read_once() -> None:
    """The cost model's formula with N tokens read and 5 N trained on."""
    harvest, training = harvest_flop(1, 5, 16, 512), sae_flop(5, 16, 4)
    ratio = CostModel(16, 4, context=512, passes=5).ratio(2, 5)
    assert ratio == pytest.approx((harvest + 3 * training) / (harvest + 5 * training))
