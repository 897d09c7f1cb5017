"""Warm starts, and who starts from whom."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.training.random_start import random_sae
from assets.saes.training.transfer import TransferMismatchError, nearest, parents, warm_start

PARENT = random_sae(SaeConfig(8, 32, 4, (1,), {1: 0.5}), torch.ones(1, 8), seed=0)
GROUPS = [[0, 1], [2], [3, 4, 5], [6]]


def config(*blocks: int, own: bool = False, activation: Any = "topk", k: int = 4) -> SaeConfig:
    return SaeConfig(8, 32, k, blocks, dict.fromkeys(blocks, 0.1), activation, block_biases=own)


def with_own_biases(*blocks: int) -> Sae:
    """Every bias of block b is b."""
    sae = random_sae(config(*blocks, own=True), torch.zeros(len(blocks), 8), seed=0)
    with torch.no_grad():
        for bias in (sae.encoder.bias, sae.b_dec):
            bias.copy_(torch.tensor(blocks).unsqueeze(1).expand_as(bias))
    return sae


def test_a_child_has_the_parents_weights_and_its_own_scales() -> None:
    child = warm_start(PARENT, SaeConfig(8, 32, 4, (2, 3), {2: 0.1, 3: 0.2}))
    assert all(torch.equal(a, b) for a, b in zip(child.parameters(), PARENT.parameters(), strict=True))
    assert child.config.blocks == (2, 3)
    x = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(child(child.scaled(5 * x, 2)).x_hat, PARENT(PARENT.scaled(x, 1)).x_hat)


def test_a_child_does_not_share_memory_with_its_parent() -> None:
    for parent in (PARENT, with_own_biases(1, 2)):
        child = warm_start(parent, parent.config)
        with torch.no_grad():
            for weight in child.parameters():
                weight.fill_(7)
        assert all(float(weight.detach().max()) < 7 for weight in parent.parameters())


def test_a_block_takes_the_biases_of_the_parents_nearest_block() -> None:
    child = warm_start(with_own_biases(4, 5, 6), config(0, 5, 9, own=True))
    assert child.b_dec[:, 0].tolist() == child.encoder.bias[:, 0].tolist() == [4, 5, 6]
    assert warm_start(with_own_biases(4, 5, 6), config(7, own=True)).b_dec.tolist() == [6] * 8


def test_biases_for_all_blocks_are_the_mean_of_the_parents_nearest_ones() -> None:
    child = warm_start(with_own_biases(4, 5, 6), config(0, 1, 9))
    assert child.b_dec.tolist() == pytest.approx([(4 + 4 + 6) / 3] * 8)


def test_each_block_starts_with_the_biases_that_a_parent_has_for_all() -> None:
    child = warm_start(PARENT, config(2, 3, own=True))
    assert torch.equal(child.b_dec, PARENT.b_dec.expand(2, 8))
    assert torch.equal(child.encoder.bias, PARENT.encoder.bias.expand(2, 32))


@pytest.mark.parametrize(("activation", "name"), [("batch_topk", "threshold"), ("jump_relu", "log_threshold")])
def test_thresholds_are_handed_down(activation: str, name: str) -> None:
    parent = random_sae(config(1, activation=activation), torch.zeros(1, 8), seed=0)
    with torch.no_grad():
        parent.state_dict()[name].fill_(0.7)
    child = warm_start(parent, config(2, activation=activation))
    assert torch.equal(child.state_dict()[name], torch.full_like(parent.state_dict()[name], 0.7))


def test_another_k_is_no_obstacle() -> None:
    assert warm_start(PARENT, config(2, k=7)).config.k == 7


def test_other_dimensions_and_activations_are_refused() -> None:
    with pytest.raises(TransferMismatchError, match=r"\[8, 64, 'topk'\] from \[8, 32, 'topk'\]: train it from scratch"):
        warm_start(PARENT, SaeConfig(8, 64, 4))
    with pytest.raises(TransferMismatchError, match=r"\[9, 32, 'topk'\] from"):
        warm_start(PARENT, SaeConfig(9, 32, 4))
    with pytest.raises(TransferMismatchError, match=r"\[8, 32, 'jump_relu'\] from"):
        warm_start(PARENT, config(2, activation="jump_relu"))


def test_the_nearest_block_is_the_earlier_of_two() -> None:
    assert [nearest(block, (2, 4, 9)) for block in (0, 2, 3, 4, 6, 7, 20)] == [0, 0, 0, 1, 1, 2, 2]


def test_forward_each_group_starts_from_the_one_before() -> None:
    assert parents(GROUPS, "forward", 2) == [((0, 1), None), ((2,), 0), ((3, 4, 5), 1), ((6,), None)]
    assert [parent for _, parent in parents(GROUPS, "forward", 0)] == [None] * 4
    assert [parent for _, parent in parents(GROUPS, "forward", 99)] == [None, 0, 1, 2]


def test_backward_each_group_starts_from_the_one_after() -> None:
    assert parents(GROUPS, "backward", 2) == [((0, 1), None), ((2,), 2), ((3, 4, 5), 3), ((6,), None)]
    assert [parent for _, parent in parents(GROUPS, "backward", 0)] == [None] * 4
    assert [parent for _, parent in parents(GROUPS, "backward", 99)] == [1, 2, 3, None]


def test_along_the_tree_each_block_of_a_group_starts_from_its_group() -> None:
    groups = [(tuple(group), None) for group in GROUPS]
    assert parents(GROUPS, "tree", 0) == groups
    assert parents(GROUPS, "tree", 1) == [*groups, ((0,), 0), ((1,), 0)]
    assert parents(GROUPS, "tree", 9) == [*groups, ((0,), 0), ((1,), 0), ((3,), 2), ((4,), 2), ((5,), 2)]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.sampled_from(["forward", "backward", "tree"]), st.data())
def test_whoever_starts_from_another_leads_back_to_one_from_scratch(
    sizes: list[int], direction: Any, data: st.DataObject
) -> None:
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    groups = [list(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]
    planned = parents(groups, direction, data.draw(st.integers(0, 10)))
    assert [list(blocks) for blocks, _ in planned[: len(groups)]] == groups
    assert len({blocks for blocks, _ in planned}) == len(planned)
    ready: set[int] = set()
    for _ in planned:
        ready |= {i for i, (_, parent) in enumerate(planned) if parent is None or parent in ready}
    assert len(ready) == len(planned)
