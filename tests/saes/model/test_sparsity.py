"""Which latents are active."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from assets.saes.model.sparsity import above_threshold, batch_top_k, padded, top_k


def numbers(tokens: int, latents: int, seed: int, ties: bool) -> Tensor:
    """Random pre-activations; with `ties`, of five values only."""
    random = np.random.default_rng(seed)
    drawn = random.integers(-2, 3, (tokens, latents)) if ties else random.normal(size=(tokens, latents))
    return torch.from_numpy(drawn.astype(np.float32))


def dense(values: Tensor, indices: Tensor, latents: int) -> Tensor:
    """The code as `[tokens, latents]`; places that are not used have value 0 and add nothing."""
    return torch.zeros(len(values), latents).scatter_add(1, indices, values)


@st.composite
def widths(draw: st.DrawFn) -> tuple[int, int]:
    """Latents and k; every other time so that only the groups with the largest maxima are looked through."""
    if draw(st.booleans()):
        groups = draw(st.integers(2, 12))
        return 16 * groups, draw(st.integers(1, groups // 2))
    latents = draw(st.integers(1, 70))
    return latents, draw(st.integers(1, latents))


@given(widths(), st.integers(1, 20), st.integers(0, 999), st.booleans())
def test_the_strongest_of_a_token_are_those_of_torch(
    sizes: tuple[int, int], tokens: int, seed: int, ties: bool
) -> None:
    latents, k = sizes
    pre = numbers(tokens, latents, seed, ties)
    before = pre.clone()
    values, indices = top_k(pre, k)
    assert values.shape == indices.shape == (tokens, k)
    assert torch.equal(values.sort(dim=1).values, pre.topk(k, dim=1).values.relu().sort(dim=1).values)
    assert torch.equal(values, pre.gather(1, indices).relu())
    assert all(len(set(row)) == k for row in indices.tolist())
    assert torch.equal(pre, before)


def test_the_strongest_are_found_when_all_lie_in_one_group() -> None:
    pre = torch.zeros(1, 64)
    pre[0, [1, 5]] = torch.tensor([3.0, 2.0])  # with 4 groups both are members of group 1
    values, indices = top_k(pre, 2)
    assert dict(zip(indices[0].tolist(), values[0].tolist(), strict=True)) == {1: 3.0, 5: 2.0}


@given(st.integers(1, 20), st.integers(1, 30), st.data(), st.integers(0, 999), st.booleans())
def test_the_strongest_of_a_batch_are_k_per_token_on_average(
    tokens: int, latents: int, data: st.DataObject, seed: int, ties: bool
) -> None:
    k = data.draw(st.integers(1, latents))
    pre = numbers(tokens, latents, seed, ties)
    values, indices = batch_top_k(pre, k)
    code = dense(values, indices, latents)
    expected = pre.flatten().topk(k * tokens).values
    assert torch.equal(code[code > 0].sort().values, expected[expected > 0].sort().values)
    assert torch.equal(code[code > 0], pre[code > 0])
    assert values.shape[1] == max(1, int((code > 0).sum(dim=1).max()))


def test_the_strongest_of_a_batch_by_hand() -> None:
    pre = torch.tensor([[5.0, 4.0, 3.0], [1.0, -1.0, 0.5]])
    values, indices = batch_top_k(pre, 2)
    assert dense(values, indices, 3).tolist() == [[5.0, 4.0, 3.0], [1.0, 0.0, 0.0]]
    assert values.shape == (2, 3)


def test_above_is_strictly_above_a_threshold_and_above_zero() -> None:
    pre = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.0, 5.0]])
    assert dense(*above_threshold(pre, torch.tensor([1.0, 1.0, 3.0])), 3).tolist() == [[0.0, 2.0, 0.0], [0.0, 0.0, 5.0]]
    assert dense(*above_threshold(pre, torch.tensor(-2.0)), 3).tolist() == [[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]]


@pytest.mark.parametrize("tokens", [0, 1, 3])
def test_where_nothing_is_active_there_is_one_empty_place(tokens: int) -> None:
    values, indices = above_threshold(torch.ones(tokens, 4), torch.tensor(2.0))
    assert values.shape == indices.shape == (tokens, 1)
    assert values.count_nonzero() == indices.count_nonzero() == 0


def test_rows_are_filled_up_to_the_longest() -> None:
    pre = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    mask = torch.tensor([[False, True, True], [False, False, False], [True, False, False]])
    values, indices = padded(pre, mask)
    assert values.tolist() == [[2.0, 3.0], [0.0, 0.0], [7.0, 0.0]]
    assert indices.tolist() == [[1, 2], [0, 0], [0, 0]]
