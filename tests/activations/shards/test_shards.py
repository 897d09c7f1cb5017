from pathlib import Path

import duckdb
import numpy as np
import pytest
from fakes.activation_parts import ABOUT, D_MODEL, part_of, same_part
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.activations.shards import mapped_shard
from assets.activations.shards.part import Part, values
from assets.activations.shards.part_record import shard_file
from assets.activations.shards.shard_files import write_part
from assets.activations.shards.shards import ShardMismatchError, ShardNotFoundError, Shards, massive_tokens

PARTS = [part_of([3, 5]), part_of([0, 2, 4], first=2, dtypes={7: "bfloat16"}), part_of([1], first=5)]
GROUP = 4 * 2 * D_MODEL


def write(folder: Path, parts: list[Part], group: int = GROUP) -> Shards:
    """The parts under the numbers 1, 3, 5, ..."""
    for number, part in enumerate(parts):
        write_part(folder, 2 * number + 1, part, ABOUT, group)
    return Shards(folder)


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    return write(tmp_path, PARTS)


def numbers(parts: list[Part], block: int) -> np.ndarray:
    return np.concatenate([values(part.bits[block], part.dtypes[block]) for part in parts])


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def mapped_at(file: Path) -> list[tuple[int, int]]:
    """Where this process has a file mapped, from the kernel."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(f" {file}")]
    return [tuple(int(end, 16) for end in line[0].split("-")) for line in lines]


@settings(max_examples=30, deadline=None)
@given(
    parts=st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=4),
    kinds=st.lists(st.sampled_from(["float16", "bfloat16"]), min_size=4, max_size=4),
    group=st.integers(1, 7),
    data=st.data(),
)
def test_any_rows_come_back_bit_for_bit(tmp_path_factory, parts, kinds, group: int, data: st.DataObject) -> None:
    written = [
        part_of(sizes, first=10 * i, dtypes={7: kind})
        for i, (sizes, kind) in enumerate(zip(parts, kinds, strict=False))
    ]
    shards = write(tmp_path_factory.mktemp("shards"), written, 2 * D_MODEL * group)
    total = sum(part.rows for part in written)
    assert (shards.rows, shards.blocks, shards.d_model, shards.metadata) == (total, (2, 7), D_MODEL, ABOUT)
    assert all(same_part(shards.part(2 * i + 1), part) for i, part in enumerate(written))
    first = data.draw(st.integers(0, total))
    rows = data.draw(st.integers(0, total - first))
    assert same_bits(shards.activations(2, first, rows), numbers(written, 2)[first : first + rows])
    wide = shards.activations(7, first, rows)
    assert same_bits(wide.astype(np.float32), numbers(written, 7)[first : first + rows].astype(np.float32))
    some = np.array(sorted(data.draw(st.sets(st.integers(0, total - 1), max_size=9))) if total else [], dtype=np.int64)
    assert same_bits(shards.gathered(2, some), numbers(written, 2)[some])


def test_bfloat16_comes_back_as_float32_and_float16_as_it_is(shards: Shards) -> None:
    assert shards.dtypes(7) == ["float16", "bfloat16", "float16"]
    assert shards.activations(7, 0, 8).dtype == np.float16
    assert shards.activations(7, 8, 1).dtype == np.float32
    assert shards.activations(7, 7, 2).dtype == np.float32
    assert shards.activations(7, 14, 1).dtype == np.float16
    assert shards.activations(2).dtype == np.float16


def test_tokens_of_a_range_name_their_filing_and_characters(shards: Shards) -> None:
    rows = shards.tokens(7, 4)
    assert rows.columns == ["accession", "position", "token_id", "char_start", "char_end"]
    assert rows.rows() == [
        ("a-1", 4, 104, 12, 15),
        ("a-3", 0, 300, 0, 3),
        ("a-3", 1, 301, 3, 6),
        ("a-4", 0, 400, 0, 3),
    ]
    assert shards.tokens(3, 0).rows() == []
    assert shards.tokens().height == 15


def test_every_filing_has_a_place(shards: Shards) -> None:
    places = {name: (one.first_row, one.tokens, one.part) for name, one in shards.places.items()}
    assert places == {
        "a-0": (0, 3, 1),
        "a-1": (3, 5, 1),
        "a-2": (8, 0, 3),
        "a-3": (8, 2, 3),
        "a-4": (10, 4, 3),
        "a-5": (14, 1, 5),
    }
    assert shards.places["a-4"].input_digest == f"{4:064x}"
    assert [part.number for part in shards.parts] == [1, 3, 5]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no kernel that tells what is mapped")
def test_rows_of_one_row_group_are_a_view_into_the_mapped_file(tmp_path: Path) -> None:
    part = part_of([500, 70], d_model=576)
    shards = write(tmp_path, [part], 64 << 20)
    view = shards.activations(7, 100, 300)
    ((low, high),) = mapped_at(shard_file(tmp_path, 7, 1))
    address = view.__array_interface__["data"][0]
    assert low <= address
    assert address + view.nbytes <= high
    assert not view.flags.owndata
    assert not view.flags.writeable
    assert same_bits(view, part.bits[7][100:400].view(np.float16))
    document = next(shards.iter_documents([7]))
    assert low <= document.streams[7].__array_interface__["data"][0] < high


@pytest.mark.parametrize("order", [["a-5", "a-1", "a-0"], ["a-2", "a-3", "a-4", "a-1", "a-0", "a-5"]])
def test_rows_are_numbered_in_the_order_asked_for(shards: Shards, tmp_path: Path, order: list[str]) -> None:
    ordered = Shards(tmp_path, order=order)
    theirs = {one.accession: one for one in shards.iter_documents()}
    assert list(ordered.places) == [one.accession for one in ordered.iter_documents()] == order
    assert ordered.rows == sum(len(theirs[name].tokens) for name in order)
    assert ordered.tokens()["accession"].unique(maintain_order=True).to_list() == [n for n in order if n != "a-2"]
    for block in shards.blocks:
        whole = np.concatenate([theirs[name].streams[block] for name in order])
        assert same_bits(ordered.activations(block), whole)
        rows = np.random.default_rng(0).permutation(ordered.rows)
        assert np.array_equal(ordered.gathered(block, rows), whole[rows], equal_nan=True)
        place = ordered.places["a-1"]
        assert same_bits(ordered.activations(block, place.first_row, place.tokens), theirs["a-1"].streams[block])


def test_an_order_of_a_filing_that_is_not_there_is_refused(tmp_path: Path, shards: Shards) -> None:
    with pytest.raises(ShardNotFoundError, match="no filing a-9"):
        Shards(tmp_path, order=["a-1", "a-9"])


def test_documents_come_in_order_of_rows(shards: Shards) -> None:
    documents = list(shards.iter_documents())
    assert [one.accession for one in documents] == [f"a-{i}" for i in range(6)]
    for one in documents:
        place = shards.places[one.accession]
        assert one.tokens.ids.tolist() == shards.tokens(place.first_row, place.tokens)["token_id"].to_list()
        for block in (2, 7):
            rows = shards.activations(block, place.first_row, place.tokens)
            assert same_bits(one.streams[block].astype(np.float32), rows.astype(np.float32))


def test_documents_asked_for_come_alone(shards: Shards) -> None:
    documents = list(shards.iter_documents(blocks=[7], accessions=["a-4", "a-0"]))
    assert [(one.accession, list(one.streams)) for one in documents] == [("a-0", [7]), ("a-4", [7])]
    assert list(shards.iter_documents(accessions=[])) == []
    with pytest.raises(ShardNotFoundError, match="no filing a-9"):
        next(shards.iter_documents(accessions=["a-9", "a-0"]))


def test_documents_are_those_that_the_part_had(shards: Shards) -> None:
    wanted = [one for part in PARTS for one in part.documents()]
    for one, other in zip(wanted, shards.iter_documents(), strict=True):
        assert (one.accession, one.tokens.char_end.tolist()) == (other.accession, other.tokens.char_end.tolist())
        assert all(same_bits(one.streams[block], other.streams[block]) for block in (2, 7) if len(one.tokens))


def test_some_filings_and_blocks_of_a_part_are_copied_bit_for_bit(shards: Shards, tmp_path: Path) -> None:
    some = shards.part(3, accessions=["a-4", "a-2"], blocks=[7])
    assert [filing.accession for filing in some.filings] == ["a-2", "a-4"]
    assert same_bits(some.bits[7], PARTS[1].bits[7][2:])
    write_part(tmp_path / "copy", 0, some, ABOUT)
    assert same_part(Shards(tmp_path / "copy").part(0), some)
    apart = shards.part(1, accessions=["a-0"])
    assert same_bits(apart.bits[2], PARTS[0].bits[2][:3])


def test_no_file_of_a_block_that_is_not_asked_for_is_read(shards: Shards, tmp_path: Path) -> None:
    for number in (1, 3, 5):
        shard_file(tmp_path, 2, number).unlink()
    assert shards.part(3, blocks=[7]).rows == 6
    assert shards.activations(7).shape == (15, D_MODEL)
    assert len(list(shards.iter_documents([7]))) == 6


def test_each_file_is_hashed_once_however_few_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    digest = mapped_shard.xxhash.xxh3_128_hexdigest
    monkeypatch.setattr(mapped_shard.xxhash, "xxh3_128_hexdigest", lambda b: hashed.append(len(b)) or digest(b))
    monkeypatch.setattr(mapped_shard, "_OPEN_FILES", 2)
    shards = write(tmp_path, PARTS)
    hashed.clear()
    views = [shards.activations(2, row, 1) for row in range(15)]
    for block in (2, 7, 2):
        shards.activations(block)
    list(shards.iter_documents())
    assert len(hashed) == 6
    assert same_bits(np.concatenate(views), numbers(PARTS, 2))
    assert len(shards._opened._open) <= 2


def test_a_file_that_was_changed_since_it_was_open_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped_shard, "_OPEN_FILES", 1)
    shards = write(tmp_path, PARTS)
    shards.activations(7)
    shards.activations(2)
    file = shard_file(tmp_path, 7, 3)
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.unlink()
    file.write_bytes(content)
    with pytest.raises(mapped_shard.DamagedFileError, match="part-00003"):
        shards.activations(7)


def test_duckdb_counts_tokens_of_a_filing(tmp_path: Path) -> None:
    write(tmp_path, PARTS)
    files = f"read_parquet('{tmp_path}/block-02/part-*.parquet')"
    with duckdb.connect() as connection:
        counts = connection.sql(f"select accession, count(*) from {files} group by 1 order by 1").fetchall()
        one = connection.sql(f"select count(*), max(position) from {files} where accession = 'a-4'").fetchall()
    assert counts == [("a-0", 3), ("a-1", 5), ("a-3", 2), ("a-4", 4), ("a-5", 1)]
    assert one == [(4, 3)]


def test_missing_blocks_parts_filings_and_rows_are_named(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(ShardNotFoundError, match="no part-"):
        Shards(tmp_path / "block-02")
    for ask in (shards.activations, shards.dtypes):
        with pytest.raises(ShardNotFoundError, match=r"no shard of block 5; there are \[2, 7\]"):
            ask(5)
    with pytest.raises(ShardNotFoundError, match="no part 2"):
        shards.part(2)
    with pytest.raises(ShardNotFoundError, match="part 3 has no filing a-0"):
        shards.part(3, accessions=["a-0"])
    with pytest.raises(ShardMismatchError, match="rows 14 to 16 of 15"):
        shards.activations(2, 14, 2)
    with pytest.raises(ShardMismatchError, match="rows -1 to 1"):
        shards.tokens(-1, 2)


@pytest.mark.parametrize("other", [part_of([2], blocks=(2, 8)), part_of([2], d_model=5)])
def test_parts_of_different_kinds_are_refused(tmp_path: Path, other: Part) -> None:
    write(tmp_path, PARTS)
    write_part(tmp_path, 9, other, ABOUT)
    with pytest.raises(ShardMismatchError, match="parts 1 and 9 are not of one kind"):
        Shards(tmp_path)


def test_parts_of_different_models_are_refused(tmp_path: Path) -> None:
    write(tmp_path, PARTS)
    write_part(tmp_path, 9, part_of([2]), {**ABOUT, "model": "another"})
    with pytest.raises(ShardMismatchError, match="parts 1 and 9"):
        Shards(tmp_path)


def test_massive_tokens_are_above_ten_medians() -> None:
    assert massive_tokens(np.array([1.0, 3.0, 2.0, 21.0, 20.0]), 10.0).tolist() == [False] * 5
    assert massive_tokens(np.array([1.0, 2.0, 2.0, 21.0, 20.0]), 10.0).tolist() == [False, False, False, True, False]
    assert massive_tokens(np.array([]), 10.0).tolist() == []
