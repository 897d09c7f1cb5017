"""How long Dagster remembers runs: what is old and superseded goes, and so do the files that it would leave."""

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
from sqlalchemy.exc import SQLAlchemyError

from pipelines.dagster_state import DAMAGED, DATABASES, lock_state
from resources.lake.build import LOG

KEPT = timedelta(days=90)
"""Runs that ended longer ago go, unless the UI shows an artefact by them."""
KEPT_UNFINISHED = timedelta(days=365)
"""A run that began longer ago and never ended was killed: nothing here runs for so long."""
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
INDEX = "history/runs/index.db"
VACUUM_BYTES = 4 << 20
"""A database is written anew when so much of it is empty."""


def prune_runs(instance: dg.DagsterInstance, now: datetime) -> int:
    """Remove old runs with their events, logs and files from the state of an instance; returns how many.

    The run that made what an asset's partition holds today stays however old it is: without its events the UI would
    show the partition as missing. A run that still goes on stays, too. What cannot be removed now is left for the next
    time, with a line in the log: a refresh has not failed for that.
    """
    state = Path(instance.root_directory)
    if not (state / INDEX).is_file():  # of a test, in memory
        return 0
    try:
        with lock_state(state):
            return _prune(instance, state, now)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        LOG.warning("old runs stay in %s: %s", state, error)
        return 0


def _prune(instance: dg.DagsterInstance, state: Path, now: datetime) -> int:
    shown, removed = _runs_shown(state), 0
    finished = dg.RunsFilter(statuses=FINISHED, updated_before=now - KEPT)
    old = {*instance.get_run_ids(finished), *instance.get_run_ids(dg.RunsFilter(created_before=now - KEPT_UNFINISHED))}
    for run_id in sorted(old - shown):
        with suppress(SQLAlchemyError):  # the run's own database may be damaged: it goes all the same
            instance.delete_run(run_id)
        _remove_files(state, run_id)
        removed += 1
    _remove_strays(state, {*instance.get_run_ids(), ""}, now)
    for name in DATABASES:
        _vacuum(state / name)
    return removed


def _runs_shown(state: Path) -> set[str]:
    """Return the runs that made the newest artefact of any asset and partition, as the UI knows them."""
    newest = (
        sa.select(sa.func.max(Events.c.id))
        .where(Events.c.dagster_event_type == dg.DagsterEventType.ASSET_MATERIALIZATION.value)
        .group_by(Events.c.asset_key, Events.c.partition)
    )
    engine = sa.create_engine(f"sqlite:///{state / INDEX}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        return set(connection.scalars(sa.select(Events.c.run_id).where(Events.c.id.in_(newest))))


def _remove_files(state: Path, run_id: str) -> None:
    """Remove what Dagster keeps of a run beside its rows: a database of its events, logs, and stored outputs."""
    for suffix in ("", "-wal", "-shm"):
        (state / "history" / "runs" / f"{run_id}.db{suffix}").unlink(missing_ok=True)
    for folder in (state / run_id, state / "storage" / run_id):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_strays(state: Path, known: set[str], now: datetime) -> None:
    """Remove old files of runs that no database knows, databases that were set aside, and ones never finished."""
    runs = [file for file in (state / "history" / "runs").glob("*.db") if _is_run(file.stem)]
    runs += [folder for folder in state.glob("*") if _is_run(folder.name)]
    for run_id in {path.name.removesuffix(".db") for path in runs if _is_old(path, now)} - known:
        _remove_files(state, run_id)
    for path in [*state.rglob(f"*{DAMAGED}*"), *state.glob("making-*")]:
        if _is_old(path, now) and path.is_dir():
            shutil.rmtree(path)
        elif _is_old(path, now):
            path.unlink()


def _is_run(name: str) -> bool:
    with suppress(ValueError):
        return str(UUID(name)) == name
    return False


def _is_old(path: Path, now: datetime) -> bool:
    return path.stat().st_mtime < (now - KEPT).timestamp()


def _vacuum(file: Path) -> None:
    """Give back the space of removed rows, unless another process uses the database just now."""
    with closing(sqlite3.connect(file, timeout=1)) as database, suppress(sqlite3.OperationalError):
        (empty,), (size,) = (database.execute(f"pragma {of}").fetchone() for of in ("freelist_count", "page_size"))
        if empty * size > VACUUM_BYTES:
            database.execute("vacuum")
