"""A manifest is written last, so the old artefact stays readable whatever happens; one refresh at a time."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from plain_artefact import RECIPE, commit_file, table_file

from resources.lake.errors import DamagedFileError, LakeBusyError, LakeError
from resources.lake.lake import Lake, set_aside
from resources.lake.manifest import Manifest
from resources.lake.superseded import KEEP_SECONDS
from resources.places import ROOT


def write(
    lake: Lake, recipe: str, content: str = "rows", partition: str | None = None, checkpoint_dir: str | None = None
) -> Manifest:
    return commit_file(lake, "filings", partition, content.encode(), checkpoint_dir=checkpoint_dir, code=recipe)


@dataclass
class Clock:
    now: float = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lake(tmp_path: Path, clock: Clock) -> Lake:
    return Lake(tmp_path / "data", "sample", clock)


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
    file = table_file(lake, write(lake, "1"))
    file.unlink() if harm == "missing" else file.write_text("ro")
    assert lake.manifest("filings", None) is None


def test_a_damaged_artefact_is_still_pointed_at_and_its_damage_named(lake: Lake) -> None:
    assert lake.read_manifest("filings", None) is None
    assert lake.damage("filings", None) == []
    known = write(lake, "1")
    assert lake.damage("filings", None) == []
    table_file(lake, known).unlink()
    assert lake.read_manifest("filings", None) == known
    assert lake.damage("filings", None) == ["filings/part-00000.parquet"]


def test_a_file_set_aside_is_damage_and_replaces_an_older_one(lake: Lake) -> None:
    known = write(lake, "1")
    file = table_file(lake, known)
    for content in ("rowz", "rows"):
        file.write_text(content)
        set_aside(file)
    assert [(path.name, path.read_text()) for path in file.parent.iterdir()] == [(f"{file.name}.damaged", "rows")]
    assert lake.damage("filings", None) == ["filings/part-00000.parquet"]
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


def test_a_damaged_artefact_stays_beside_the_new_one_of_the_same_recipe(lake: Lake) -> None:
    known = write(lake, "1")
    for checkpoint_dir in ("shards", None):
        assert lake.begin("filings", None, known.recipe, checkpoint_dir).name == f"{known.folder}.1"
        assert lake.manifest("filings", None) == known
        assert table_file(lake, known).read_text() == "rows"


def test_repairs_take_the_first_name_that_nobody_reads(lake: Lake, clock: Clock) -> None:
    names = [write(lake, "1", checkpoint_dir="shards").folder for _ in range(3)]
    assert names == [names[0], f"{names[0]}.1", f"{names[0]}.2"]
    clock.now += KEEP_SECONDS + 1
    assert write(lake, "1").folder == f"{names[0]}.3"
    assert write(lake, "1").folder == names[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"asset": "fil',
        b"[]",
        b"7",
        b'{"format": 2, "asset": "filings", "of_a_later_version": 1}',
        b'{"format": 3}',
        b"\xff\xfe",
    ],
)
def test_an_unreadable_manifest_is_none_and_named_as_damage(lake: Lake, content: bytes) -> None:
    known = write(lake, "1")
    (lake.partition_dir("filings", None) / "manifest.json").write_bytes(content)
    assert lake.manifest("filings", None) is None
    assert lake.damage("filings", None) == ["manifest.json"]
    assert write(lake, "1").digest == known.digest


@pytest.mark.parametrize(
    "change",
    [{"files": {}}, {"tables": {}}, {"files": []}, {"recipe": {}}, {"tables": {"filings": {}}}, {"files": {"a": 1}}],
)
def test_a_manifest_that_lacks_what_it_must_say_is_none(lake: Lake, change: dict[str, object]) -> None:
    write(lake, "1")
    file = lake.partition_dir("filings", None) / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert lake.manifest("filings", None) is None
    assert lake.damage("filings", None) == ["manifest.json"]


@pytest.mark.parametrize("name", ["manifest.json", "filings/part-00000.parquet", "filings"])
def test_a_folder_where_a_file_should_be_is_damage_and_makes_way(lake: Lake, name: str) -> None:
    known = write(lake, "1")
    path = lake.partition_dir("filings", None) / name if name == "manifest.json" else lake.folder(known) / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.mkdir()
    (path / "inside").touch()
    assert lake.damage("filings", None) != []
    again = write(lake, "1")
    assert lake.manifest("filings", None) == again


def test_a_lock_that_is_an_empty_folder_makes_way_and_one_with_files_is_named(lake: Lake) -> None:
    lock = lake.partition_dir("filings", None) / ".lock"
    lock.mkdir(parents=True)
    with lake.lock_partition("filings", None):
        assert lock.is_file()
    lock.unlink()
    (lock / "inside").mkdir(parents=True)
    with pytest.raises(LakeError, match=r"filings/all/\.lock"), lake.lock_partition("filings", None):
        pass


def flip(file: Path, keep_time: bool) -> None:
    """Flip one bit in the middle of a file; a disk that rots leaves the time as it was."""
    known, content = file.stat(), bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    if keep_time:
        os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))


def test_a_flipped_bit_is_damage_at_once_where_the_time_changed_and_else_when_the_file_is_used(lake: Lake) -> None:
    known = write(lake, "1")
    flip(table_file(lake, known), keep_time=False)
    assert lake.damage("filings", None) == ["filings/part-00000.parquet"]
    known = write(lake, "1")
    flip(table_file(lake, known), keep_time=True)
    assert lake.damage("filings", None) == []
    with pytest.raises(DamagedFileError, match=r"part-00000\.parquet: not what was written; `peerlens refresh`"):
        lake.table_files(known, "filings")
    assert lake.damage("filings", None) == ["filings/part-00000.parquet"]
    assert (table_file(lake, known).parent / "part-00000.parquet.damaged").is_file()


def test_a_copied_lake_is_whole_though_every_time_changed(lake: Lake) -> None:
    known = write(lake, "1")
    os.utime(table_file(lake, known))
    assert lake.damage("filings", None) == []
    assert table_file(lake, known).stat().st_mtime_ns == known.files["filings/part-00000.parquet"].changed


def test_the_old_artefact_is_readable_until_the_new_one_is_committed(lake: Lake) -> None:
    old = write(lake, "1")
    folder = lake.begin("filings", None, {"code": "2"})
    (folder / "half").write_text("half")
    assert lake.manifest("filings", None) == old
    new = write(lake, "2", "more rows")
    assert lake.manifest("filings", None) == new
    assert table_file(lake, old).read_text() == "rows"


def test_leftovers_of_the_same_attempt_are_gone_and_others_after_a_time(lake: Lake, clock: Clock) -> None:
    left = lake.begin("filings", None, RECIPE | {"code": "1"}) / "half"
    left.write_text("half")
    other = lake.begin("filings", None, {"code": "other"})
    write(lake, "1")
    assert not left.exists()
    assert other.exists()
    clock.now += KEEP_SECONDS + 1
    write(lake, "2")
    assert not other.exists()


def test_an_attempt_is_left_alone_however_long_it_takes(lake: Lake, clock: Clock) -> None:
    running = lake.begin("filings", "2004", RECIPE | {"code": "1"}, "shards")
    for recipe in ("1", "2"):
        clock.now += KEEP_SECONDS + 1
        write(lake, recipe, partition="2005")
        lake.collect()
    assert running.exists()
    assert lake.manifest("filings", "2004") is None
    assert lake.folder(write(lake, "1", partition="2004", checkpoint_dir="shards")) == running


def test_a_superseded_artefact_is_kept_for_an_hour_after_it_was_superseded(lake: Lake, clock: Clock) -> None:
    first = lake.folder(write(lake, "1"))
    clock.now += KEEP_SECONDS + 1
    write(lake, "2")
    assert first.exists()
    lake.collect()
    assert first.exists()
    clock.now += KEEP_SECONDS + 1
    lake.collect()
    assert not first.exists()
    assert [path.name for path in lake.partition_dir("filings", None).glob("*.superseded")] == []


def test_what_an_interrupted_run_left_stays_once_it_is_gone_on_with(lake: Lake, clock: Clock) -> None:
    """Its mark is from when it was given up, hours ago; the run that goes on with it is interrupted too."""
    left = lake.begin("filings", None, {"code": "2"}, "shards") / "shards"
    write(lake, "1")
    clock.now += KEEP_SECONDS - 1
    assert lake.begin("filings", None, {"code": "2"}, "shards") == left.parent
    left.mkdir()
    clock.now += KEEP_SECONDS - 1
    lake.collect()
    assert left.exists()


def test_the_hour_of_an_artefact_begins_when_it_is_superseded_whatever_its_folder_was_before(
    lake: Lake, clock: Clock
) -> None:
    lake.begin("filings", None, RECIPE | {"code": "2"})
    write(lake, "1")
    mark = next(lake.partition_dir("filings", None).glob("*.superseded"))
    told = mark.read_bytes()
    known = write(lake, "2")
    mark.write_bytes(told)  # as a lake has it that was made before a mark went with its folder's next use
    clock.now += KEEP_SECONDS + 1
    write(lake, "3")
    assert table_file(lake, known).read_text() == "rows"


def publish(lake: Lake, *named: Manifest) -> None:
    """Publish a file that names artefacts, as the warehouse does."""
    known = commit_file(lake, "warehouse", None, code=str(named))
    (lake.folder(known) / "window").write_text("names")
    folders = [str(lake.folder(one).relative_to(lake.root)) for one in named]
    lake.repoint(replace(known, published={"window": lake.publish(known, "window", folders)}))


def test_what_the_published_file_names_stays_however_often_it_is_superseded(lake: Lake, clock: Clock) -> None:
    first = write(lake, "1")
    publish(lake, first)
    for recipe in ("2", "3", "4"):
        clock.now += KEEP_SECONDS + 1
        newest = write(lake, recipe)
        lake.collect()
        assert table_file(lake, first).read_text() == "rows"
    clock.now += KEEP_SECONDS + 1
    lake.collect()
    assert sorted(path.name for path in lake.partition_dir("filings", None).iterdir() if path.is_dir()) == sorted(
        [first.folder, newest.folder]
    )
    publish(lake, newest)
    lake.collect()
    assert lake.folder(first).exists()  # somebody may have opened the old file a moment ago
    clock.now += KEEP_SECONDS + 1
    lake.collect()
    assert not lake.folder(first).exists()


def test_an_open_file_keeps_its_tables_for_an_hour_after_a_new_one_is_published(lake: Lake, clock: Clock) -> None:
    first = write(lake, "1")
    publish(lake, first)
    newest = write(lake, "2")
    clock.now += 24 * KEEP_SECONDS
    publish(lake, newest)
    lake.collect()
    assert table_file(lake, first).read_text() == "rows"
    clock.now += KEEP_SECONDS + 1
    lake.collect()
    assert not lake.folder(first).exists()


@pytest.mark.parametrize("content", [None, b"", b'{"window": ["fil', b"[]", b"7", b'{"window": 1}', b"\xff", b"{}"])
def test_where_it_is_lost_what_the_published_file_names_all_stays_and_the_file_is_damage(
    lake: Lake, clock: Clock, content: bytes | None
) -> None:
    first = write(lake, "1")
    publish(lake, first)
    lost = lake.root / "references.json"
    lost.unlink() if content is None else lost.write_bytes(content)
    for recipe in ("2", "3"):
        clock.now += KEEP_SECONDS + 1
        newest = write(lake, recipe)
        lake.collect()
    assert table_file(lake, first).read_text() == "rows"
    assert lake.damage("warehouse", None) == ["references.json"]
    publish(lake, newest)
    assert lake.damage("warehouse", None) == []
    clock.now += KEEP_SECONDS + 1
    lake.collect()
    assert not lake.folder(first).exists()


def test_a_process_that_dies_before_it_points_leaves_what_was_there_current_and_kept(
    lake: Lake, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(lake, "1")
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(type(lake.store), "publish", _dies)
        write(lake, "2")
    assert lake.manifest("filings", None) == first
    clock.now += KEEP_SECONDS + 1
    lake.collect()
    write(lake, "3")
    assert table_file(lake, first).read_text() == "rows"


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_going_back_to_a_recipe_clears_no_folder_that_the_published_file_names(lake: Lake) -> None:
    first = write(lake, "1")
    publish(lake, first)
    write(lake, "2")
    again = lake.begin("filings", None, first.recipe)
    assert again != lake.folder(first)
    assert table_file(lake, first).read_text() == "rows"


def test_both_old_and_new_stay_when_a_process_dies_while_it_publishes(
    lake: Lake, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write(lake, "1"), write(lake, "2")
    publish(lake, first)
    whole = type(lake.store).write

    def dies(store: object, name: str, content: bytes) -> None:
        if name == "window":
            raise KeyboardInterrupt
        whole(lake.store, name, content)

    monkeypatch.setattr(type(lake.store), "write", dies)
    with pytest.raises(KeyboardInterrupt):
        publish(lake, second)
    monkeypatch.undo()
    clock.now += KEEP_SECONDS + 1
    write(lake, "3")
    clock.now += KEEP_SECONDS + 1
    lake.collect()
    assert lake.folder(first).exists()
    assert lake.folder(second).exists()


def test_the_manifest_is_json_that_people_can_read(lake: Lake) -> None:
    write(lake, "1")
    content = json.loads((lake.partition_dir("filings", None) / "manifest.json").read_text())
    assert list(content)[:2] == ["asset", "partition"]
    assert content["format"] == 2
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
