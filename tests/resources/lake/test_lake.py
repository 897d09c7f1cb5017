"""A manifest is written last, so the old artefact stays readable whatever happens; one refresh at a time."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from resources.lake.lake import (
    KEEP_SECONDS,
    DamagedFileError,
    Lake,
    LakeBusyError,
    LakeError,
    Manifest,
    digest_of,
    set_aside,
)
from resources.places import ROOT


def write(
    lake: Lake, recipe: str, content: str = "rows", partition: str | None = None, checkpoint_dir: str | None = None
) -> Manifest:
    folder = lake.begin("filings", partition, {"code": recipe}, checkpoint_dir)
    (folder / "filings").mkdir()
    (folder / "filings" / "part-00000.parquet").write_text(content)
    files = {"filings/part-00000.parquet": len(content)}
    tables = {"filings": {"rows": 1, "slices": {"": digest_of(content)}}}
    known = Manifest("filings", partition, {"code": recipe}, folder.name, digest_of(content), tables, files)
    lake.commit(known)
    return known


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "data", "sample")


def test_what_was_committed_is_read_back(lake: Lake) -> None:
    assert lake.manifest("filings", "2004") is None
    known = write(lake, "1", partition="2004")
    assert lake.manifest("filings", "2004") == known
    assert lake.manifest("filings", "2005") is None
    assert [file.read_text() for file in lake.table_files(known, "filings")] == ["rows"]
    assert known.rows == 1


def test_without_a_pointer_there_is_no_artefact(lake: Lake) -> None:
    lake.begin("filings", None, {"code": "1"})
    assert lake.manifest("filings", None) is None


@pytest.mark.parametrize("harm", ["missing", "truncated"])
def test_a_missing_or_truncated_file_makes_the_artefact_missing(lake: Lake, harm: str) -> None:
    file = lake.table_files(write(lake, "1"), "filings")[0]
    file.unlink() if harm == "missing" else file.write_text("ro")
    assert lake.manifest("filings", None) is None


def test_a_damaged_artefact_is_still_pointed_at_and_its_damage_named(lake: Lake) -> None:
    assert lake.read_manifest("filings", None) is None
    assert lake.damage(None) == []
    known = write(lake, "1")
    assert lake.damage(known) == []
    lake.table_files(known, "filings")[0].unlink()
    assert lake.read_manifest("filings", None) == known
    assert lake.damage(known) == ["filings/part-00000.parquet"]


def test_a_file_set_aside_is_damage_and_replaces_an_older_one(lake: Lake) -> None:
    known = write(lake, "1")
    file = lake.table_files(known, "filings")[0]
    for content in ("rowz", "rows"):
        file.write_text(content)
        set_aside(file)
    assert [(path.name, path.read_text()) for path in file.parent.iterdir()] == [(f"{file.name}.damaged", "rows")]
    assert lake.damage(known) == ["filings/part-00000.parquet"]
    set_aside(file)


def test_the_error_of_a_damaged_file_names_it_also_from_another_process() -> None:
    error = DamagedFileError(Path("/lake/part-00003.parquet"))
    told = pickle.loads(pickle.dumps(error))
    assert told.file == Path("/lake/part-00003.parquet")
    assert str(told) == "/lake/part-00003.parquet: not what was written; `peerlens refresh` makes it again"
    assert str(DamagedFileError(Path("a"), "gone")) == "a: gone"


def test_an_attempt_that_resumes_finds_its_subfolder_without_what_was_set_aside_and_nothing_else(lake: Lake) -> None:
    folder = lake.begin("filings", None, {"code": "1"}, "shards")
    for name in ("shards/block-01/part", "shards/bad.damaged", "filings/part", "half"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert lake.begin("filings", None, {"code": "1"}, "shards") == folder
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == ["shards/block-01/part"]
    assert [path.name for path in folder.iterdir()] == ["shards"]
    assert list(lake.begin("filings", None, {"code": "2"}, "shards").iterdir()) == []
    assert list(lake.begin("filings", None, {"code": "1"}).iterdir()) == []


def test_a_damaged_artefact_makes_way_at_once_and_one_that_resumes_stays_beside_the_new_one(lake: Lake) -> None:
    known = write(lake, "1")
    lake.begin("filings", None, {"code": "1"}, "shards")
    assert lake.manifest("filings", None) == known
    lake.begin("filings", None, {"code": "1"})
    assert lake.read_manifest("filings", None) is None
    assert not lake.table_files(known, "filings")[0].exists()


def test_repairs_alternate_between_two_folders(lake: Lake) -> None:
    names = [write(lake, "1", checkpoint_dir="shards").folder for _ in range(4)]
    assert names == [names[0], f"{names[0]}.1"] * 2


@pytest.mark.parametrize("content", ["", '{"asset": "fil', "[]", '{"asset": "filings", "of_a_later_version": 1}'])
def test_an_unreadable_manifest_is_none(lake: Lake, content: str) -> None:
    known = write(lake, "1")
    (lake.partition_dir("filings", None) / "manifest.json").write_text(content)
    assert lake.manifest("filings", None) is None
    assert write(lake, "1") == replace(known, written_at=0.0)


def test_the_old_artefact_is_readable_until_the_new_one_is_committed(lake: Lake) -> None:
    old = write(lake, "1")
    folder = lake.begin("filings", None, {"code": "2"})
    (folder / "half").write_text("half")
    assert lake.manifest("filings", None) == old
    new = write(lake, "2", "more rows")
    assert lake.manifest("filings", None) == new
    assert lake.table_files(old, "filings")[0].read_text() == "rows"


def test_leftovers_of_the_same_attempt_are_gone_and_others_after_a_time(lake: Lake) -> None:
    left = lake.begin("filings", None, {"code": "1"}) / "half"
    left.write_text("half")
    other = lake.begin("filings", None, {"code": "other"})
    write(lake, "1")
    assert not left.exists()
    assert other.exists()
    os.utime(other, (time.time() - KEEP_SECONDS - 1,) * 2)
    write(lake, "2")
    assert not other.exists()


def test_a_commit_leaves_the_attempt_at_another_partition_alone_however_long_that_takes(lake: Lake) -> None:
    running = lake.begin("filings", "2004", {"code": "1"}, "shards")
    os.utime(running, (time.time() - KEEP_SECONDS - 1,) * 2)
    write(lake, "1", partition="2005")
    write(lake, "2", partition="2005")
    assert running.exists()
    os.utime(running, (time.time() - KEEP_SECONDS - 1,) * 2)
    again = write(lake, "1", partition="2004", checkpoint_dir="shards")
    assert lake.manifest("filings", "2004") == again


def test_a_superseded_artefact_is_kept_for_an_hour_after_it_was_superseded(lake: Lake) -> None:
    first = lake.folder(write(lake, "1"))
    os.utime(first, (time.time() - KEEP_SECONDS - 1,) * 2)
    write(lake, "2")
    assert first.exists()
    os.utime(first, (time.time() - KEEP_SECONDS - 1,) * 2)
    write(lake, "3")
    assert not first.exists()


def test_the_manifest_is_json_that_people_can_read(lake: Lake) -> None:
    write(lake, "1")
    content = json.loads((lake.partition_dir("filings", None) / "manifest.json").read_text())
    assert list(content)[:2] == ["asset", "partition"]
    assert not list(lake.partition_dir("filings", None).glob("*.new"))


def child(lake: Lake, body: str) -> subprocess.Popen[str]:
    opening = (
        "from pathlib import Path\nfrom resources.lake.lake import Lake\n"
        f"lake = Lake(Path({str(lake.home)!r}), 'sample')"
    )
    return subprocess.Popen(
        [sys.executable, "-c", f"{opening}\n{body}"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


HOLD = "import sys\nwith lake.lock():\n    print('held', flush=True)\n    sys.stdin.read()"


def test_a_second_refresh_is_told_since_when_and_the_lock_dies_with_its_process(lake: Lake) -> None:
    holder = child(lake, HOLD)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    since = rf"refresh in progress since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d \(process {holder.pid}\)"
    with pytest.raises(LakeBusyError, match=since), lake.lock():
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with lake.lock():
        pass


def test_the_lock_is_free_after_use_and_after_an_error(lake: Lake) -> None:
    with pytest.raises(ZeroDivisionError), lake.lock():
        raise ZeroDivisionError
    with lake.lock():
        pass
    assert (lake.root / "refresh.lock").read_text() == ""


def test_a_partition_is_locked_by_one_process_at_a_time(lake: Lake) -> None:
    waiter = "print('free', flush=True)"
    with lake.lock_partition("filings", "2004"):
        second = child(lake, f"with lake.lock_partition('filings', '2004'):\n    {waiter}")
        other = child(lake, f"with lake.lock_partition('filings', '2005'):\n    {waiter}")
        assert other.communicate()[0] == "free\n"
        assert second.poll() is None
    assert second.communicate()[0] == "free\n"


def test_an_error_inside_a_locked_partition_is_not_an_error_of_the_lake(lake: Lake) -> None:
    with pytest.raises(PermissionError, match="weights"), lake.lock_partition("filings", None):
        raise PermissionError("weights")


@pytest.mark.parametrize("use", ["writable", "begin", "lock_partition", "lock"])
def test_a_lake_that_cannot_be_written_is_named(tmp_path: Path, use: str) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    lake = Lake(tmp_path / "data", "sample")
    with pytest.raises(LakeError, match=r"cannot write to the lake at .*data/sample.*PEERLENS_HOME"):
        if use == "writable":
            lake.writable()
        elif use == "begin":
            lake.begin("filings", None, {})
        else:
            with lake.lock() if use == "lock" else lake.lock_partition("filings", None):
                pass
