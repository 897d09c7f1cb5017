"""Old runs go with all their files, but for those by which the UI shows an artefact, and those that go on."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.dagster_state import DATABASES, fault, prepare_state
from pipelines.run_history import KEPT, KEPT_UNFINISHED, prune_runs

NOW = datetime.now(UTC)
LATER = NOW + KEPT + timedelta(days=1)
MUCH_LATER = NOW + KEPT_UNFINISHED + timedelta(days=1)


@dg.asset
def whole() -> dg.MaterializeResult:  # type: ignore[type-arg]
    print("said by the body")
    return dg.MaterializeResult()


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2003", "2004"]))
def yearly() -> dg.MaterializeResult:  # type: ignore[type-arg]
    return dg.MaterializeResult()


@dg.job
def nothing() -> None:
    """Make nothing, as a failed refresh does."""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    for name in ("DAGSTER_HOME", "PEERLENS_DAGSTER"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path))
    prepare_state(print)
    with dg.DagsterInstance.get() as made:
        yield made


def run(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None) -> str:
    return dg.materialize([asset], instance=instance, partition_key=partition).run_id


def files(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [str(path) for path in Path(instance.root_directory).rglob(f"{run_id}*")]


def test_old_runs_go_with_all_their_files(instance: dg.DagsterInstance) -> None:
    empty = nothing.execute_in_process(instance=instance).run_id
    superseded, newest = run(instance, whole), run(instance, whole)
    assert files(instance, superseded)
    assert prune_runs(instance, NOW) == 0
    assert prune_runs(instance, LATER) == 2
    assert instance.get_run_ids() == [newest]
    assert files(instance, superseded) == files(instance, empty) == []
    assert files(instance, newest)
    assert prune_runs(instance, LATER) == 0
    state = Path(instance.root_directory)
    assert [fault(state, name) for name in DATABASES] == [None] * 3


def test_what_the_ui_shows_of_every_partition_stays(instance: dg.DagsterInstance) -> None:
    old, first, second = (run(instance, yearly, year) for year in ("2003", "2003", "2004"))
    assert prune_runs(instance, LATER) == 1
    assert set(instance.get_run_ids()) == {first, second}
    assert instance.get_materialized_partitions(yearly.key) == {"2003", "2004"}
    assert old not in {first, second}


def test_a_run_that_goes_on_stays_until_it_can_only_have_been_killed(instance: dg.DagsterInstance) -> None:
    going_on = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED).run_id
    assert prune_runs(instance, LATER) == 0
    assert instance.get_run_ids() == [going_on]
    assert prune_runs(instance, MUCH_LATER) == 1
    assert instance.get_run_ids() == []


def test_a_run_whose_own_database_is_damaged_goes_too(instance: dg.DagsterInstance) -> None:
    damaged, _ = run(instance, whole), run(instance, whole)
    (Path(instance.root_directory) / "history" / "runs" / f"{damaged}.db").write_bytes(b"no database" * 100)
    assert prune_runs(instance, LATER) == 1
    assert files(instance, damaged) == []


def test_files_that_no_database_knows_go_when_they_are_old(instance: dg.DagsterInstance) -> None:
    state, stray = Path(instance.root_directory), "11111111-2222-4333-8444-555555555555"
    (state / stray / "compute_logs").mkdir(parents=True)
    (state / "making-x").mkdir()
    aside = state / "history" / "runs.db.damaged-20260101-000000-000000"
    for file in (state / "history" / "runs" / f"{stray}.db", aside):
        file.write_bytes(b"")
    prune_runs(instance, NOW)
    assert files(instance, stray) and aside.exists()
    prune_runs(instance, LATER)
    assert files(instance, stray) == [] and not aside.exists() and not (state / "making-x").exists()


def test_space_of_removed_rows_is_given_back(instance: dg.DagsterInstance) -> None:
    index = Path(instance.root_directory) / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(index)) as database, database:
        database.execute("create table big as select randomblob(8000000)")
    with closing(sqlite3.connect(index)) as database, database:
        database.execute("drop table big")
        database.execute("pragma wal_checkpoint(truncate)")
    before = index.stat().st_size
    prune_runs(instance, NOW)
    assert index.stat().st_size < before / 4


def test_a_state_that_cannot_be_pruned_fails_no_refresh(
    instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    lock = Path(instance.root_directory) / "open.lock"
    lock.unlink()
    lock.mkdir()
    assert prune_runs(instance, LATER) == 0
    assert f"old runs stay in {os.fspath(lock.parent)}" in caplog.text


def test_an_instance_in_memory_has_nothing_to_prune() -> None:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        assert prune_runs(ephemeral, LATER) == 0
