"""Dagster's databases are made under a lock, and made anew where they cannot be used."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from peerlens_command import COMMAND, environment, finished, peerlens, start

from pipelines.dagster_state import DATABASES, fault, prepare_state
from pipelines.failures import StateError
from resources.places import ROOT

PAIRS, REFRESHES = 10, 3
SCHEDULES = "schedules/schedules.db"


@pytest.fixture(scope="module")
def whole_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """State as Dagster makes it; not to be written to."""
    state = tmp_path_factory.mktemp("whole") / "dagster"
    state.mkdir()
    dg.DagsterInstance.from_config(str(state)).dispose()
    return state


@pytest.fixture
def home(whole_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with whole databases."""
    for name in ("DAGSTER_HOME", "PEERLENS_DAGSTER"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path / "home"))
    shutil.copytree(whole_state, tmp_path / "home" / "dagster")
    return tmp_path / "home"


def prepared(home: Path) -> list[str]:
    """The lines about databases that were set aside; every database can be used afterwards."""
    lines: list[str] = []
    state = prepare_state(lines.append)
    assert state == home / "dagster"
    assert {name: fault(state, name) for name in DATABASES} == dict.fromkeys(DATABASES)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_runs() == []
        assert instance.all_instigator_state() == []
        assert instance.get_asset_keys() == []
    return lines


def sql(statement: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with closing(sqlite3.connect(file)) as database, database:
            database.executescript(statement)

    return change


def truncated(share: float) -> Callable[[Path], None]:
    def cut(file: Path) -> None:
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * share)])

    return cut


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def garbage(file: Path) -> None:
    file.write_bytes(b"no database " * 1000)


DAMAGE = {
    "garbage": (garbage, "file is not a database"),
    "empty": (truncated(0), "it has no table alembic_version"),
    "cut in the header": (truncated(0.0005), "malformed"),
    "cut in the middle": (truncated(0.5), "malformed"),
    "a folder": (a_folder, "it is not a file"),
    "two heads": (sql("insert into alembic_version values ('5771160a95ad')"), "it has 2 revisions, not one"),
    "no head": (sql("delete from alembic_version"), "it has 0 revisions, not one"),
    "half made": (sql("drop table secondary_indexes"), "it has no table secondary_indexes"),
    "of a newer Dagster": (sql("update alembic_version set version_num = 'f00d'"), "another version of Dagster"),
}


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize(("damage", "says"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_database_is_set_aside_and_made_anew_with_one_line(
    home: Path, name: str, damage: Callable[[Path], None], says: str
) -> None:
    file = home / "dagster" / name
    damage(file)
    (line,) = prepared(home)
    assert str(file) in line and says in line
    assert ("switch schedules" in line) == (name == SCHEDULES)
    (aside,) = file.parent.glob(f"{file.name}.damaged-*")
    assert aside.name in line
    assert prepared(home) == []


def test_whole_databases_stay_as_they_are(home: Path) -> None:
    before = {name: (home / "dagster" / name).read_bytes() for name in DATABASES}
    assert prepared(home) == []
    assert {name: (home / "dagster" / name).read_bytes() for name in DATABASES} == before


def test_a_database_of_an_older_dagster_is_brought_up_to_date(home: Path) -> None:
    for name in DATABASES:
        sql("update alembic_version set version_num = '5771160a95ad'")(home / "dagster" / name)
    assert prepared(home) == []
    assert list((home / "dagster").rglob("*.damaged-*")) == []


def test_what_a_killed_process_was_making_is_no_database(home: Path) -> None:
    shutil.rmtree(home / "dagster")
    (home / "dagster" / "making-x" / "history").mkdir(parents=True)
    garbage(home / "dagster" / "making-x" / "history" / "runs.db")
    assert prepared(home) == []


def test_a_state_that_cannot_be_written_is_one_error(home: Path) -> None:
    shutil.rmtree(home / "dagster")
    (home / "dagster").write_text("a file")
    with pytest.raises(StateError, match=r"dagster cannot be used: .*File exists.*; make room, or set PEERLENS_HOME"):
        prepare_state(print)


def test_ten_pairs_of_processes_on_a_fresh_home_leave_whole_databases(tmp_path: Path) -> None:
    program = "from pipelines.dagster_state import prepare_state\nprint(prepare_state(print))\n"
    for number in range(PAIRS):
        home = tmp_path / str(number)
        pair = [
            subprocess.Popen(
                [sys.executable, "-c", program], cwd=ROOT, env=environment(home), stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        assert {process.communicate(timeout=600)[0] for process in pair} == {f"{home / 'dagster'}\n"}
        assert [process.returncode for process in pair] == [0, 0]
        assert [fault(home / "dagster", name) for name in DATABASES] == [None] * 3


def test_two_refreshes_at_once_open_a_fresh_state(lake_copy: Path) -> None:
    for _ in range(REFRESHES):
        shutil.rmtree(lake_copy / "dagster")
        pair = [finished(process) for process in [start(lake_copy, "refresh", "--profile", "tiny") for _ in range(2)]]
        assert {done.returncode for done in pair} <= {0, 3}, [done.stderr for done in pair]
        assert "executed" in "".join(done.stderr for done in pair)
        assert (lake_copy / "dagster" / SCHEDULES).is_file()


def test_a_refresh_mends_its_state_and_says_so_in_one_line(lake_copy: Path) -> None:
    sql("insert into alembic_version values ('5771160a95ad')")(lake_copy / "dagster" / "history" / "runs.db")
    first, second = (peerlens(lake_copy, "refresh", "--profile", "tiny") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    (damaged,) = [line for line in first.stderr.splitlines() if "Dagster" in line]
    assert "runs.db cannot be used: it has 2 revisions, not one; set aside as runs.db.damaged-" in damaged
    assert second.stderr == "everything is up to date, nothing executed\n"


@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is mounted in a namespace of its own")
@pytest.mark.parametrize("kilobytes", [4, 200, 380])
def test_a_full_disk_is_one_line(lake_copy: Path, kilobytes: int) -> None:
    state = lake_copy / "dagster"
    shutil.rmtree(state)
    state.mkdir()
    shutil.rmtree(lake_copy / "tiny" / "backtest_summary")
    mount = f"mount -t tmpfs -o size={kilobytes}k none {state} && exec {COMMAND} refresh --profile tiny"
    if subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount], env=environment(lake_copy), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"peerlens: Dagster's state in {state} cannot be used: ")
    assert "make room" in line and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["[h]*o?m{e} %20", "100%", "what?", "a#b;c&d=e", "hö me"])
def test_a_home_of_any_name_holds_its_own_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("DAGSTER_HOME", "PEERLENS_DAGSTER"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path / name))
    for _ in range(2):
        state = prepare_state(pytest.fail)
        assert state.resolve() == (tmp_path / name / "dagster").resolve()
        with dg.DagsterInstance.get() as instance:
            assert instance.get_runs() == []
            assert instance.get_asset_keys() == []
            assert instance.all_instigator_state() == []
    assert all((tmp_path / name / "dagster" / database).is_file() for database in DATABASES)
    assert [path.name for path in tmp_path.iterdir()] == [name]
