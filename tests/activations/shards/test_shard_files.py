import json
import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import xxhash
from fakes.activation_parts import ABOUT, part_of, same_part
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.activations.shards.part_record import (
    PartShard,
    ShardMismatchError,
    part_records,
    read_record,
    record_file,
    shard_file,
    write_record,
)
from assets.activations.shards.shard_files import damaged_blocks, link_part, remove_leftovers, remove_part, write_part
from assets.activations.shards.shards import Shards
from resources.lake.errors import DamagedFileError

FILES = ["block-02/part-00003.parquet", "block-07/part-00003.parquet", "part-00003.json"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.*"))}


def flip(file: Path, position: int, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << bit
    file.write_bytes(content)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Part 3 of two filings and two blocks."""
    folder = tmp_path_factory.mktemp("written")
    write_part(folder, 3, part_of([3, 5]), ABOUT, row_group_bytes=48)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """The same to be damaged."""
    return shutil.copytree(written, tmp_path / "shards")


def assert_never_read(folder: Path, block: int) -> None:
    """No way to rows of this block leads past the damage; the other block is read."""
    ways = [
        lambda shards: shards.activations(block),
        lambda shards: shards.gathered(block, np.array([1])),
        lambda shards: shards.part(3),
        lambda shards: next(shards.iter_documents([block])),
        lambda shards: next(shards.sample_tokens(2, seed=0)).streams,
    ]
    good = 9 - block
    file = shard_file(folder, block, 3)
    damage = file.read_bytes()
    for way in ways:
        file.write_bytes(damage)
        with pytest.raises(DamagedFileError, match=rf"{file.name}.*`peerlens refresh` reads its 2 filings again"):
            way(Shards(folder))
        assert not file.exists()
        assert file.with_name(f"{file.name}.damaged").read_bytes() == damage
    assert same_part(Shards(folder).part(3, blocks=[good]), part_of_block(good))
    assert damaged_blocks(folder, 3) == [block]


def part_of_block(block: int):
    part = part_of([3, 5])
    return type(part)(part.filings, {block: part.bits[block]}, {block: "float16"})


def test_files_depend_on_the_part_alone(written: Path, tmp_path: Path) -> None:
    write_part(tmp_path, 3, part_of([9, 9, 9], blocks=(2, 5, 7)), {"model": "another"})
    for _ in range(2):
        write_part(tmp_path, 3, part_of([3, 5]), dict(reversed(ABOUT.items())), row_group_bytes=48)
        assert list(contents(tmp_path)) == FILES
        assert contents(tmp_path) == contents(written)


def test_the_record_tells_what_the_part_is(written: Path) -> None:
    part = read_record(written, 3)
    assert part is not None
    assert [(one.accession, one.tokens, one.input_digest) for one in part.filings] == [
        ("a-0", 3, "0" * 64),
        ("a-1", 5, "0" * 63 + "1"),
    ]
    assert (part.rows, part.d_model, part.about, part.blocks) == (8, 6, ABOUT, (2, 7))
    assert part.shards[7].bytes == shard_file(written, 7, 3).stat().st_size
    assert damaged_blocks(written, 3) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_in_a_shard_is_found_and_never_read(
    written: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = shutil.copytree(written, tmp_path_factory.mktemp("flipped") / "shards")
    block = data.draw(st.sampled_from([2, 7]))
    file = shard_file(folder, block, 3)
    position = data.draw(st.integers(0, file.stat().st_size - 1))
    flip(file, position, data.draw(st.integers(0, 7)))
    assert damaged_blocks(folder, 3) == [block]
    assert_never_read(folder, block)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_truncated_shard_is_never_read(folder: Path, kept: int) -> None:
    file = shard_file(folder, 7, 3)
    file.write_bytes(file.read_bytes()[:kept])
    assert_never_read(folder, 7)


def test_a_missing_shard_is_named(folder: Path) -> None:
    shard_file(folder, 7, 3).unlink()
    with pytest.raises(DamagedFileError, match=r"block-07/part-00003.parquet: missing; `peerlens refresh`"):
        Shards(folder).activations(7)
    assert not list(folder.rglob("*.damaged"))
    assert damaged_blocks(folder, 3) == [7]


def test_a_shard_of_another_block_is_never_read(folder: Path) -> None:
    shutil.copyfile(shard_file(folder, 2, 3), shard_file(folder, 7, 3))
    assert_never_read(folder, 7)


def test_a_shard_of_another_model_is_never_read(folder: Path, tmp_path: Path) -> None:
    write_part(tmp_path, 3, part_of([3, 5]), {**ABOUT, "model": "someone/model@abd"}, row_group_bytes=48)
    shutil.copyfile(shard_file(tmp_path, 7, 3), shard_file(folder, 7, 3))
    assert_never_read(folder, 7)


@pytest.mark.parametrize("change", ["model", "block", "dtype", "rows", "width", "not parquet"])
def test_a_shard_that_is_another_is_never_read_even_where_the_record_matches_its_bytes(
    folder: Path, tmp_path: Path, change: str
) -> None:
    if change == "not parquet":
        other = tmp_path / "block-07" / "part-00003.parquet"
        other.parent.mkdir()
        other.write_bytes(b"something else" * 99)
        digest = _digest(other)
    else:
        block, width = (2 if change == "block" else 7), (5 if change == "width" else 6)
        about = {**ABOUT, "model": "someone/model@abd"} if change == "model" else ABOUT
        part = part_of(
            [3, 6] if change == "rows" else [3, 5], d_model=width, dtypes={7: "bfloat16"} if change == "dtype" else {}
        )
        write_part(tmp_path, 3, part, about)
        other = shard_file(tmp_path, block, 3)
        digest = read_record(tmp_path, 3).shards[block].xxh3
    shutil.copyfile(other, shard_file(folder, 7, 3))
    known = read_record(folder, 3)
    shards = {**known.shards, 7: PartShard(digest, other.stat().st_size, "float16")}
    write_record(folder, type(known)(3, known.d_model, known.about, known.filings, shards))
    assert_never_read(folder, 7)


def _digest(file: Path) -> str:
    return xxhash.xxh3_128_hexdigest(file.read_bytes())


def test_a_part_of_another_model_than_expected_is_damaged(folder: Path) -> None:
    assert Shards(folder, {"model": ABOUT["model"]}).rows == 8
    with pytest.raises(
        DamagedFileError, match=r"part-00003.json: its model is someone/model@abc, not someone/model@abd"
    ):
        Shards(folder, {"model": "someone/model@abd"})
    assert (folder / "part-00003.json.damaged").exists()
    assert part_records(folder) == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_in_a_record_is_found(written: Path, tmp_path_factory, data: st.DataObject) -> None:
    folder = shutil.copytree(written, tmp_path_factory.mktemp("flipped") / "shards")
    size = record_file(folder, 3).stat().st_size
    flip(record_file(folder, 3), data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 7)))
    assert read_record(folder, 3) is None
    with pytest.raises(DamagedFileError, match=r"part-00003.json: not the record that was written"):
        Shards(folder)
    assert (folder / "part-00003.json.damaged").exists()


def test_half_a_record_is_no_part(folder: Path) -> None:
    text = record_file(folder, 3).read_text()
    for end in range(len(text) - 1):
        record_file(folder, 3).write_text(text[:end])
        assert read_record(folder, 3) is None
    assert part_records(folder) == []


def test_a_record_of_another_version_is_no_part(folder: Path) -> None:
    content = json.loads(record_file(folder, 3).read_text())
    record_file(folder, 3).write_text(json.dumps({**content, "version": 2}))
    assert read_record(folder, 3) is None


def test_an_error_while_writing_leaves_no_record(folder: Path) -> None:
    (folder / "block-09").write_text("a file where a folder has to be")
    with pytest.raises(FileExistsError):
        write_part(folder, 3, part_of([3], blocks=(2, 9)), ABOUT)
    assert part_records(folder) == []
    remove_part(folder, 3)
    assert sorted(contents(folder)) == []


def test_a_full_disk_is_an_error_and_no_part(tmp_path: Path) -> None:
    """As on a full disk, a write of more than the limit is cut short and the next one fails."""
    part, before = part_of([300], d_model=64), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_part(tmp_path, 0, part, ABOUT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert part_records(tmp_path) == []
    write_part(tmp_path, 0, part, ABOUT)
    assert same_part(Shards(tmp_path).part(0), part)


def test_activations_of_another_shape_are_refused(tmp_path: Path) -> None:
    part = part_of([3, 5])
    for bits in (part.bits[7][:7], part.bits[7][:, :5], part.bits[7].ravel()):
        with pytest.raises(ShardMismatchError, match="a part of 8 tokens must be"):
            write_part(tmp_path, 0, type(part)(part.filings, {2: part.bits[2], 7: bits}, part.dtypes), ABOUT)
    with pytest.raises(ShardMismatchError, match="of 8 tokens"):
        write_part(tmp_path, 0, type(part)(part.filings, {}, {}), ABOUT)


def test_a_linked_part_is_the_same_under_another_number(written: Path, tmp_path: Path) -> None:
    link_part(written, 3, tmp_path, 11)
    assert list(contents(tmp_path)) == [name.replace("00003", "00011") for name in FILES]
    assert list(contents(tmp_path).values()) == list(contents(written).values())
    assert shard_file(tmp_path, 7, 11).samefile(shard_file(written, 7, 3))
    assert same_part(Shards(tmp_path).part(11), part_of([3, 5]))


def test_a_part_is_copied_where_links_are_refused(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    link_part(written, 3, tmp_path, 3)
    assert contents(tmp_path) == contents(written)
    assert not shard_file(tmp_path, 7, 3).samefile(shard_file(written, 7, 3))


def test_a_part_whose_record_is_damaged_is_not_linked(folder: Path, tmp_path: Path) -> None:
    record_file(folder, 3).write_text("{")
    with pytest.raises(DamagedFileError, match="json"):
        link_part(folder, 3, tmp_path / "new", 0)
    assert not (tmp_path / "new").exists()


def test_writing_over_a_linked_part_leaves_the_other_folder_alone(written: Path, tmp_path: Path) -> None:
    before = contents(written)
    link_part(written, 3, tmp_path, 3)
    write_part(tmp_path, 3, part_of([4], first=9), ABOUT)
    assert contents(written) == before
    assert same_part(Shards(tmp_path).part(3), part_of([4], first=9))


def test_leftovers_of_an_interrupted_attempt_are_removed(folder: Path) -> None:
    before = contents(folder)
    write_part(folder, 4, part_of([4], blocks=(2, 9), first=9), ABOUT)
    record_file(folder, 4).rename(folder / "part-00004.json.draft")
    remove_leftovers(folder)
    assert contents(folder) == before
