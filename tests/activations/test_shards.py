from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.activations.shards import (
    ShardMismatchError,
    ShardNotFoundError,
    Shards,
    ShardWriter,
    copy_rows,
    massive_tokens,
)
from assets.schemas import activation_shard
from resources.tokens import Tokens

D = 6
MADE_BY = {"model": "someone/model@abc", "context_length": "64"}


def filing(n: int, blocks: int, seed: int) -> tuple[Tokens, np.ndarray]:
    bits = np.random.default_rng(seed).integers(0, 2**16, size=(blocks, n, D), dtype=np.uint16)
    start = np.arange(n, dtype=np.int32) * 3
    return Tokens(np.arange(n, dtype=np.int32) + 100 * seed, start, start + 3), bits.view(np.float16)


def write(folder: Path, sizes: list[int], blocks: tuple[int, ...] = (2, 7), group: int = 4) -> np.ndarray:
    """Filings `a-0`, `a-1`, ... of these sizes; returns everything written, uint16 [blocks, rows, D]."""
    written = []
    with ShardWriter(folder, blocks, D, MADE_BY, group) as writer:
        for seed, n in enumerate(sizes):
            tokens, activations = filing(n, len(blocks), seed)
            writer.append(f"a-{seed}", tokens, activations)
            written.append(activations.view(np.uint16))
        assert writer.rows == sum(sizes)
    return np.concatenate([np.empty((len(blocks), 0, D), dtype=np.uint16), *written], axis=1)


def same_bits(read: np.ndarray, written: np.ndarray) -> bool:
    return read.dtype == np.float16 and np.array_equal(read.view(np.uint16), written)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 11), max_size=5), st.integers(1, 7), st.data())
def test_rows_come_back_bit_for_bit(tmp_path_factory, sizes: list[int], group: int, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("shards")
    written = write(folder, sizes, group=group)
    shards, total = Shards(folder), sum(sizes)
    first = data.draw(st.integers(0, total))
    rows = data.draw(st.integers(0, total - first))
    assert (shards.rows, shards.blocks, shards.d_model) == (total, (2, 7), D)
    for axis, block in enumerate(shards.blocks):
        assert same_bits(shards.activations(block), written[axis])
        assert same_bits(shards.activations(block, first, rows), written[axis, first : first + rows])


def test_tokens_of_a_range_name_their_filing_and_characters(tmp_path: Path) -> None:
    write(tmp_path, [3, 5])
    rows = Shards(tmp_path).tokens(2, 3)
    assert rows.columns == ["accession", "position", "token_id", "char_start", "char_end"]
    assert rows.rows() == [("a-0", 2, 2, 6, 9), ("a-1", 0, 100, 0, 3), ("a-1", 1, 101, 3, 6)]


def test_rows_of_one_row_group_are_read_without_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = write(tmp_path, [8], group=4)
    read = []
    original = pq.ParquetFile.read_row_group

    def remember(self, *args, **kwargs):
        read.append(original(self, *args, **kwargs))
        return read[-1]

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", remember)
    view = Shards(tmp_path).activations(2, 5, 2)
    (buffer,) = [chunk.buffers()[1] for chunk in read[0].column("activation").chunks]
    whole = np.frombuffer(buffer, dtype=np.float16)
    assert len(read) == 1
    assert np.shares_memory(view, whole)
    assert same_bits(view, written[0, 5:7])


def test_files_do_not_depend_on_how_rows_were_appended(tmp_path: Path) -> None:
    write(tmp_path / "at_once", [3, 10, 1])
    source = Shards(tmp_path / "at_once")
    with ShardWriter(tmp_path / "by_row", source.blocks, D, MADE_BY, 4) as writer:
        for row in range(source.rows):
            copy_rows(source, writer, row, 1)
    for file in sorted((tmp_path / "at_once").iterdir()):
        assert file.read_bytes() == (tmp_path / "by_row" / file.name).read_bytes()


def test_unchanged_filings_are_carried_over(tmp_path: Path) -> None:
    written = write(tmp_path / "old", [3, 5, 4], blocks=(2, 7, 9))
    carried: list[int] = []
    with ShardWriter(tmp_path / "new", (7, 9), D, MADE_BY) as writer:
        copy_rows(Shards(tmp_path / "old"), writer, 3, 5, progress=carried.append)
    new = Shards(tmp_path / "new")
    assert carried == [5]
    assert same_bits(new.activations(9), written[2, 3:8])
    assert new.tokens()["accession"].unique().to_list() == ["a-1"]


def test_filings_are_carried_over_beside_new_ones(tmp_path: Path) -> None:
    old, (tokens, fresh) = write(tmp_path / "old", [3, 5]), filing(2, 2, 8)
    with ShardWriter(tmp_path / "new", (2, 7), D, MADE_BY) as writer:
        copy_rows(Shards(tmp_path / "old"), writer, 0, 3)
        writer.append("new", tokens, fresh)
        copy_rows(Shards(tmp_path / "old"), writer, 3, 5)
    new = Shards(tmp_path / "new")
    assert new.tokens()["accession"].to_list() == ["a-0"] * 3 + ["new"] * 2 + ["a-1"] * 5
    assert same_bits(new.activations(7), np.concatenate([old[1, :3], fresh[1].view(np.uint16), old[1, 3:]]))


def test_the_payload_is_plain_and_without_statistics(tmp_path: Path) -> None:
    write(tmp_path, [9])
    file = pq.ParquetFile(tmp_path / "block-02.parquet")
    column = file.metadata.row_group(0).column(5)
    assert column.path_in_schema == "activation"
    assert (column.compression, column.statistics, column.has_dictionary_page) == ("UNCOMPRESSED", None, False)
    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [4, 4, 1]
    assert file.schema_arrow.equals(activation_shard(D))


def test_every_file_says_what_it_is(tmp_path: Path) -> None:
    write(tmp_path, [2])
    stored = pq.ParquetFile(tmp_path / "block-07.parquet").schema_arrow.metadata
    assert Shards(tmp_path).metadata == MADE_BY
    assert {key: stored[key] for key in (b"block", b"dtype", b"d_model")} == {
        b"block": b"7",
        b"dtype": b"float16",
        b"d_model": b"6",
    }


def test_duckdb_counts_tokens_of_a_filing(tmp_path: Path) -> None:
    write(tmp_path, [3, 5])
    count = "select count(*) from read_parquet(?) where accession = 'a-1'"
    assert duckdb.execute(count, [str(tmp_path / "block-02.parquet")]).fetchone() == (5,)


def test_activations_of_another_shape_or_type_are_refused(tmp_path: Path) -> None:
    tokens, activations = filing(3, 2, 0)
    wrong = [activations[:1], activations[:, :2], activations[:, :, :4], activations.astype(np.float32)]
    with ShardWriter(tmp_path, (0, 1), D, {}) as writer:
        for rows in wrong:
            with pytest.raises(ShardMismatchError, match=r"expected float16 \(2, 3, 6\)"):
                writer.append("a-0", tokens, rows)
    assert Shards(tmp_path).rows == 0


def test_an_exception_leaves_no_shard(tmp_path: Path) -> None:
    with pytest.raises(KeyError), ShardWriter(tmp_path, (0, 1), D, {}) as writer:
        writer.append("a-0", *filing(3, 2, 0))
        raise KeyError
    with pytest.raises(ShardNotFoundError, match="no block-"):
        Shards(tmp_path)


def test_missing_blocks_and_rows_are_named(tmp_path: Path) -> None:
    write(tmp_path, [3])
    with pytest.raises(ShardNotFoundError, match="no shard of block 5"):
        Shards(tmp_path).activations(5)
    with pytest.raises(ShardMismatchError, match="rows 2 to 4 of 3"):
        Shards(tmp_path).activations(2, 2, 2)


def test_massive_tokens_are_above_ten_medians() -> None:
    assert massive_tokens(np.array([1.0, 3.0, 2.0, 21.0, 20.0]), 10.0).tolist() == [False] * 5
    assert massive_tokens(np.array([1.0, 2.0, 2.0, 21.0, 20.0]), 10.0).tolist() == [False, False, False, True, False]
    assert massive_tokens(np.array([]), 10.0).tolist() == []
