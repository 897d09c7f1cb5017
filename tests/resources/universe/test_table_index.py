"""What was checked of a table is remembered, so that a plan reads no text; what is damaged is made again."""

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fakes.own_table import table

import resources.universe.table_index as subject
from resources.lake.progress import no_bar
from resources.settings.profile import Profile, ProfileError
from resources.universe.table_file import TableFile
from resources.universe.table_source import TableUniverse


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be remembered at once; the wait for its clock to move on is tested by itself."""
    monkeypatch.setattr(subject, "SETTLED_NS", -(10**18))


def anew() -> None:
    """Forget what this process has read, as another one would."""
    for cached in (subject._index, subject._made, subject._light, subject._remember):
        cached.cache_clear()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every time that all texts of a file are read."""
    found: list[str] = []
    digests: Callable[[TableFile], pl.Series] = TableFile.text_digests

    def counted(file: TableFile) -> pl.Series:
        found.append(file.path.name)
        return digests(file)

    monkeypatch.setattr(TableFile, "text_digests", counted)
    return found


def now(profile: Profile, home: Path) -> dict[str, str]:
    anew()
    return TableUniverse(profile, home).filings_now(2004)


def memory(home: Path) -> Path:
    (file,) = (home / "tables").glob("*.index")
    return file


def test_a_table_that_did_not_change_is_read_once(tmp_path: Path, reads: list[str]) -> None:
    profile, home = table(tmp_path / "own.parquet", 3), tmp_path / "home"
    first = now(profile, home)
    assert len(first) == 3
    assert [now(profile, home), now(profile, home)] == [first, first]
    assert len(reads) == 1
    assert TableUniverse(profile, home).companies(no_bar).height == 3


def test_nothing_is_remembered_before_a_plan(tmp_path: Path) -> None:
    profile = table(tmp_path / "own.parquet").model_copy(update={"filing_years": [2004]})
    universe = TableUniverse(profile, tmp_path / "home")
    anew()
    assert universe.preflight(date(2026, 1, 15)) == date(2004, 3, 1)
    assert not (tmp_path / "home").exists()


def test_a_change_is_seen_even_where_size_and_time_are_the_same(tmp_path: Path, reads: list[str]) -> None:
    profile, home = table(tmp_path / "own.parquet", text=["We sell one thing."]), tmp_path / "home"
    before, times = now(profile, home), (tmp_path / "own.parquet").stat()
    table(tmp_path / "own.parquet", text=["We sell two thing."])
    os.utime(tmp_path / "own.parquet", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (tmp_path / "own.parquet").stat().st_size == times.st_size
    assert now(profile, home) != before
    assert len(reads) == 2


def test_another_mapping_is_another_table(tmp_path: Path, reads: list[str]) -> None:
    profile, home = table(tmp_path / "own.parquet", sector=["Energy"]), tmp_path / "home"
    before = now(profile, home)
    columns = profile.descriptions.columns.model_copy(update={"sector": None})
    other = profile.descriptions.model_copy(update={"columns": columns})
    assert now(profile.model_copy(update={"descriptions": other}), home) != before
    assert len(reads) == 2


@pytest.mark.parametrize("size", [0, 1, 50, 200, -1])
def test_what_is_damaged_is_made_again(tmp_path: Path, reads: list[str], size: int) -> None:
    profile, home = table(tmp_path / "own.parquet", 3), tmp_path / "home"
    first = now(profile, home)
    content = bytearray(memory(home).read_bytes())
    if size < 0:
        content[-50] ^= 1
    memory(home).write_bytes(content[:size] if size >= 0 else content)
    assert now(profile, home) == first
    assert len(reads) == 2
    assert now(profile, home) == first
    assert len(reads) == 2


@pytest.mark.parametrize(
    "content", [b"{}\n", b"[]\n", b"null\n", b"\xff\n", b'{"stamp": 1, "sha256": 1}\n', b"[" * 100_000]
)
def test_what_is_no_memory_is_made_again(tmp_path: Path, content: bytes) -> None:
    profile, home = table(tmp_path / "own.parquet", 3), tmp_path / "home"
    first = now(profile, home)
    memory(home).write_bytes(content)
    assert now(profile, home) == first


def test_what_cannot_be_remembered_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "tables").touch()  # a file where the folder would be
    assert len(now(table(tmp_path / "own.parquet", 3), tmp_path / "home")) == 3


def test_a_file_that_changed_this_moment_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = table(tmp_path / "own.parquet")
    changed = max((tmp_path / "own.parquet").stat().st_mtime_ns, (tmp_path / "own.parquet").stat().st_ctime_ns)
    monkeypatch.setattr(subject, "SETTLED_NS", 2 * 10**9)
    monkeypatch.setattr(time, "time_ns", lambda: changed + 10**9)
    now(profile, tmp_path / "home")
    assert not (tmp_path / "home").exists()
    monkeypatch.setattr(time, "time_ns", lambda: changed + 3 * 10**9)
    now(profile, tmp_path / "home")
    assert memory(tmp_path / "home").is_file()


def test_texts_of_a_year_are_those_that_were_checked(tmp_path: Path) -> None:
    profile, home = table(tmp_path / "own.parquet", 600), tmp_path / "home"
    universe = TableUniverse(profile, home)
    texts = universe.texts(2004, no_bar)
    assert isinstance(texts, pl.DataFrame)
    said = dict(texts.iter_rows())
    assert len(said) == 600
    assert said["parquet-T599-2004"] == "We make things and sell them. 599"
    table(tmp_path / "own.parquet", 600, text=["Other"] * 600)
    with pytest.raises(ProfileError, match="changed while it was read; run the command again"):
        universe.texts(2004, no_bar)


def test_some_texts_are_read_from_several_groups_of_rows(tmp_path: Path) -> None:
    profile = table(tmp_path / "own.parquet", 1_000)
    pl.read_parquet(tmp_path / "own.parquet").write_parquet(tmp_path / "own.parquet", row_group_size=100)
    found = TableFile(profile.descriptions, tmp_path / "own.parquet").texts([1, 100, 101, 1_000])
    assert [text.rpartition(" ")[2] for text in found] == ["0", "99", "100", "999"]


def test_two_files_of_one_size_and_one_time_are_two(tmp_path: Path) -> None:
    # A link may lead from one to the other. Times of change are as coarse as the kernel's clock, so they may be equal.
    stamps = []
    for verb in ("grind", "trade"):
        profile = table(tmp_path / f"{verb}.parquet", text=[f"We {verb} flour all day and sell it."])
        content, _, *rest = subject.stamp_of(profile.descriptions)
        stamps.append((content > 0, *rest))
    assert stamps[0][1] == stamps[1][1] > 0
    assert stamps[0] != stamps[1]
