"""Batches of a group: one member block per token."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.activation_parts import write_streams
from hypothesis import given
from hypothesis import strategies as st

from assets.saes.corpus.batches import Batch, MemberDraw
from resources.models.tokens import Tokens

BLOCKS = (2, 3, 4)
UNSCALED = {2: 1.0, 3: 1.0, 4: 1.0}
ROWS = 1000


class Numbered:
    """Activations that say where they come from, [token, block]; keeps account of what is copied."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []

    def __call__(self, block: int, places: np.ndarray) -> np.ndarray:
        self.taken.extend((block, place) for place in places.tolist())
        return np.stack([places, np.full(len(places), block)], axis=1).astype(np.float32)


def draw(blocks: Sequence[int] = BLOCKS, seed: int = 0) -> MemberDraw:
    return MemberDraw(blocks, UNSCALED, seed)


def batch(drawing: MemberDraw, kept: np.ndarray) -> Batch:
    return drawing.batch(kept, Numbered())


def all_kept(rows: int = ROWS, blocks: int = 3) -> np.ndarray:
    return np.ones((rows, blocks), dtype=bool)


def test_every_token_is_in_the_batch_once_and_every_block_about_as_often() -> None:
    found = batch(draw(), all_kept(3000))
    assert sorted(found.x[:, 0].int().tolist()) == list(range(3000))
    assert found.counts == pytest.approx((1000, 1000, 1000), abs=110)


def test_a_batch_holds_its_blocks_one_after_another_in_the_groups_order() -> None:
    found = batch(draw((4, 2)), all_kept(50, 2))
    assert found.x[:, 1].tolist() == [4.0] * found.counts[0] + [2.0] * found.counts[1]
    assert found.x.dtype == torch.float32


@given(st.data(), st.integers(1, 40), st.integers(1, 5), st.integers(0, 999))
def test_only_kept_members_are_drawn_and_only_their_rows_are_copied(
    data: st.DataObject, rows: int, members: int, seed: int
) -> None:
    bits = data.draw(st.lists(st.booleans(), min_size=rows * members, max_size=rows * members))
    kept, blocks, take = np.array(bits).reshape(rows, members), range(10, 10 + members), Numbered()
    if not kept.any():
        return
    found = MemberDraw(blocks, dict.fromkeys(blocks, 1.0), seed).batch(kept, take)
    assert sorted(token for _, token in take.taken) == np.flatnonzero(kept.any(axis=1)).tolist()
    assert all(kept[token, block - 10] for block, token in take.taken)
    assert sum(found.counts) == len(found.x) == len(take.taken)
    assert len(found.counts) == members


def test_each_of_a_tokens_kept_members_is_as_likely() -> None:
    kept = all_kept()
    kept[:500, 0] = False
    kept[:10] = False
    drawing = draw(seed=1)
    found = torch.cat([batch(drawing, kept).x for _ in range(20)])
    token, block = found[:, 0], found[:, 1]
    assert token.min() == 10
    assert not ((token < 500) & (block == 2)).any()
    shares = [float((block[token < 500] == b).float().mean()) for b in (3, 4)]
    assert shares == pytest.approx([0.5, 0.5], abs=0.03)
    shares = [float((block[token >= 500] == b).float().mean()) for b in BLOCKS]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)


def test_which_member_a_token_gets_changes_from_batch_to_batch() -> None:
    drawing = draw()
    first, second = (batch(drawing, all_kept()) for _ in range(2))
    assert first.counts != second.counts


def test_equal_seeds_give_equal_batches() -> None:
    first, second, other = (batch(draw(seed=seed), all_kept()).x for seed in (7, 7, 8))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_draw_depends_on_no_other_group() -> None:
    alone, beside, other = draw(), draw(), draw((2, 3))
    for _ in range(5):
        batch(other, all_kept(blocks=2))
        assert torch.equal(batch(alone, all_kept()).x, batch(beside, all_kept()).x)


def test_two_groups_draw_differently_with_one_seed() -> None:
    first, second = (batch(draw(blocks), all_kept(blocks=2)) for blocks in ((2, 3), (2, 4)))
    assert first.x[: first.counts[0], 0].tolist() != second.x[: second.counts[0], 0].tolist()


def test_a_draw_goes_on_from_its_state() -> None:
    drawing, later = draw(), draw(seed=5)
    batch(drawing, all_kept())
    later.state = json.loads(json.dumps(drawing.state))
    assert torch.equal(batch(drawing, all_kept()).x, batch(later, all_kept()).x)


def test_each_block_is_multiplied_by_its_own_scale() -> None:
    found = MemberDraw((2, 3), {2: 0.5, 3: 0.01}, 0).batch(all_kept(100, 2), Numbered())
    assert set(found.x[: found.counts[0], 1].tolist()) == {1.0}
    assert found.x[found.counts[0] :, 1].tolist() == pytest.approx([0.03] * found.counts[1])


def test_the_shards_give_every_token_once_an_epoch_and_at_most_once_a_batch(tmp_path: Path) -> None:
    n = np.arange(600, dtype=np.int32)
    streams = {block: np.stack([n, np.full(600, block)], axis=1).astype(np.float16) for block in BLOCKS}
    shards = write_streams(tmp_path, [("a", Tokens(n, n, n + 1))], streams)
    drawing = draw()
    found = [drawing.batch(all_kept(200), sample.take).x for sample in islice(shards.sample_tokens(200, 0), 6)]
    assert all(len(x) == len(set(x[:, 0].tolist())) == 200 for x in found)
    tokens = torch.cat(found)[:, 0].int().reshape(2, 600)
    assert all(sorted(epoch) == n.tolist() for epoch in tokens.tolist())
    assert {2.0, 3.0, 4.0} == set(torch.cat(found)[:, 1].tolist())
