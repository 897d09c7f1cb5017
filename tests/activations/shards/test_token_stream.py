import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from fakes.activation_parts import ABOUT, part_of
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.activations.shards import token_stream
from assets.activations.shards.shard_files import write_part
from assets.activations.shards.shards import ShardMismatchError, Shards
from assets.activations.shards.token_stream import Sample, SampleSizeError, sample_tokens

D = 64
PARTS, ROWS = 8, 1000


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """Eight parts of 1,000 rows at two blocks, every other part of block 7 in bfloat16."""
    folder = tmp_path_factory.mktemp("shards")
    for number in range(PARTS):
        kind = "bfloat16" if number % 2 else "float16"
        part = part_of([600, 400], d_model=D, first=2 * number, dtypes={7: kind})
        write_part(folder, number, part, ABOUT, row_group_bytes=300 * 2 * D)
    return Shards(folder)


def rows_of(shards: Shards, count: int, n: int = 100, seed: int = 0, **options) -> np.ndarray:
    """Numbers of the first rows of the stream."""
    batches = islice(shards.sample_tokens(n, seed, **options), -(-count // n))
    return np.concatenate([batch.rows for batch in batches])[:count]


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 60),
    kept=st.sets(st.integers(0, 299), min_size=60),
    pool=st.integers(0, 400),
    seed=st.integers(0, 9),
)
def test_every_epoch_has_every_kept_row_once(tmp_path_factory, n: int, kept: set[int], pool: int, seed: int) -> None:
    folder = tmp_path_factory.mktemp("shards")
    for number in range(3):
        write_part(folder, number, part_of([60, 40], d_model=2, first=2 * number), ABOUT, row_group_bytes=4 * 30)
    shards, keep = Shards(folder), np.zeros(300, dtype=bool)
    keep[sorted(kept)] = True
    max_bytes = 8 * (2 * n + pool)
    rows = rows_of(shards, 3 * len(kept), n, seed, keep=keep, max_bytes=max_bytes)
    for epoch in rows.reshape(3, -1):
        assert sorted(epoch.tolist()) == sorted(kept)


@pytest.mark.parametrize("max_bytes", [1 << 18, 1 << 30])
def test_a_sample_has_the_rows_that_it_names(shards: Shards, max_bytes: int) -> None:
    streams = {block: shards.activations(block) for block in (2, 7)}
    for sample in islice(shards.sample_tokens(100, 1, max_bytes=max_bytes), 200):
        assert {block: stream.dtype for block, stream in sample.streams.items()} == {2: np.float16, 7: np.float32}
        for block, stream in sample.streams.items():
            assert stream.tobytes() == streams[block][sample.rows].tobytes()


def test_some_rows_of_one_block_can_be_taken(shards: Shards) -> None:
    for sample in islice(shards.sample_tokens(100, 1, max_bytes=1 << 18), 90, 99):
        taken = sample.take(7, np.array([3, 50, 4]))
        assert taken.tobytes() == shards.activations(7)[sample.rows[[3, 50, 4]]].tobytes()


@pytest.mark.parametrize("max_bytes", [1 << 18, 1 << 30])
def test_batches_that_are_passed_over_read_nothing_and_change_nothing(shards: Shards, max_bytes: int) -> None:
    asked: list[int] = []

    def gather(block: int, rows: np.ndarray) -> np.ndarray:
        asked.extend(rows.tolist())
        return shards.gathered(block, rows)

    def stream() -> Iterator[Sample]:
        return sample_tokens(gather, {2: np.dtype(np.float16)}, D, np.ones(8000, bool), 100, 0, max_bytes)

    straight = list(islice(stream(), 200))
    assert not asked
    late = next(islice(stream(), 150, None))
    assert late.rows.tolist() == straight[150].rows.tolist()
    assert late.streams[2].tobytes() == shards.activations(2)[late.rows].tobytes()
    assert len(asked) <= 8000


def test_rows_in_the_pool_fix_the_order_whatever_blocks_are_read(shards: Shards) -> None:
    one, both = (rows_of(shards, 9000, blocks=blocks, pool_rows=2500) for blocks in ([2], [2, 7]))
    assert one.tolist() == both.tolist()
    assert one.tolist() != rows_of(shards, 9000, blocks=[2]).tolist()


def test_rows_in_the_pool_fix_the_order_however_wide_a_block_is(
    shards: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block 7 is handed out in float32, so twice as few of its rows fit into a run."""
    monkeypatch.setattr(token_stream, "_LONGEST_RUN_BYTES", 4 * 4 * D)
    one, other = (rows_of(shards, 9000, blocks=blocks, pool_rows=2500) for blocks in ([2], [7]))
    assert one.tolist() == other.tolist()


def test_only_blocks_asked_for_are_sampled(shards: Shards) -> None:
    assert list(next(shards.sample_tokens(5, 0, blocks=[7])).streams) == [7]


@pytest.mark.parametrize("max_bytes", [1 << 18, 1 << 30])
def test_the_seed_decides_the_stream(shards: Shards, max_bytes: int) -> None:
    one, again, other = (rows_of(shards, 9000, seed=seed, max_bytes=max_bytes) for seed in (0, 0, 1))
    assert one.tolist() == again.tolist()
    assert (one != other).mean() > 0.99


@pytest.mark.parametrize("max_bytes", [1 << 18, 1 << 30])
def test_epochs_differ(shards: Shards, max_bytes: int) -> None:
    epochs = rows_of(shards, 16_000, max_bytes=max_bytes).reshape(2, -1)
    assert (epochs[0] != epochs[1]).mean() > 0.99


@pytest.mark.parametrize(("blocks", "n"), [([2], 200), ([7], 200), ([2, 7], 50)])
def test_no_more_than_the_bytes_allowed_are_held(shards: Shards, blocks: list[int], n: int) -> None:
    max_bytes = 512 << 10
    assert next(shards.sample_tokens(n, 1, blocks=blocks)).streams  # opens the files
    tracemalloc.start()
    try:
        stream = shards.sample_tokens(n, 0, blocks=blocks, max_bytes=max_bytes)
        for _ in range(3 * PARTS * ROWS // n):
            assert next(stream).streams
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    row_bytes = sum(4 * D if block == 7 else 2 * D for block in blocks)
    bookkeeping = 64 * (max_bytes // row_bytes) + (200 << 10)
    assert 0.7 * max_bytes < peak < max_bytes + bookkeeping


def test_without_a_tight_bound_an_epoch_is_a_uniform_shuffle(shards: Shards) -> None:
    epoch = rows_of(shards, 8000)
    assert abs(np.corrcoef(epoch, np.arange(8000))[0, 1]) < 4 / np.sqrt(8000)
    assert abs(np.corrcoef(epoch[1:], epoch[:-1])[0, 1]) < 4 / np.sqrt(8000)
    neighbours = (np.abs(np.diff(epoch)) == 1).sum()
    assert neighbours < 12  # 2 are expected


def test_a_small_pool_still_mixes_all_shards(shards: Shards) -> None:
    """A pool of 1,200 of 8,000 rows: every batch of 200 has rows of every part, 25 of each on average."""
    epoch = rows_of(shards, 8000, n=200, blocks=[2], max_bytes=1400 * 2 * D).reshape(-1, 200)
    counts = np.array([np.bincount(batch // ROWS, minlength=PARTS) for batch in epoch])
    assert counts.min() >= 1
    assert counts[: len(counts) // 2].sum(axis=0) == pytest.approx(np.full(PARTS, 500), abs=120)


def test_more_rows_than_are_kept_cannot_be_drawn(shards: Shards) -> None:
    keep = np.arange(8000) < 50
    with pytest.raises(SampleSizeError, match="batches of 51 rows were asked for, and 50 rows are kept"):
        shards.sample_tokens(51, 0, keep=keep)
    assert sorted(next(shards.sample_tokens(50, 0, keep=keep)).rows.tolist()) == list(range(50))
    with pytest.raises(SampleSizeError, match="batches of 0 rows"):
        shards.sample_tokens(0, 0)


def test_a_bound_below_two_batches_is_refused(shards: Shards) -> None:
    needed = 2 * 100 * 2 * D
    with pytest.raises(SampleSizeError, match=r"max_bytes is 25,599; .* 100 rows at 1 blocks need 25,600"):
        shards.sample_tokens(100, 0, blocks=[2], max_bytes=needed - 1)
    assert len(next(shards.sample_tokens(100, 0, blocks=[2], max_bytes=needed)).rows) == 100


def test_a_mask_of_another_length_is_refused(shards: Shards) -> None:
    with pytest.raises(ShardMismatchError, match=r"\(7,\), not \(8000,\)"):
        shards.sample_tokens(1, 0, keep=np.ones(7, dtype=bool))


def test_streams_are_not_disturbed_by_one_another(shards: Shards, tmp_path: Path) -> None:
    first, second = (shards.sample_tokens(100, seed, max_bytes=1 << 18) for seed in (0, 1))
    together = [(next(first).rows, next(second).rows) for _ in range(90)]
    assert np.concatenate([one for one, _ in together]).tolist() == rows_of(shards, 9000, max_bytes=1 << 18).tolist()
