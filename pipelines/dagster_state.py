"""Dagster's own databases: made under a lock, and made anew where they cannot be used; no artefact needs them.

Imports of SQLAlchemy and alembic are inside: whoever loads the definitions loads this, and opens no database.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from datetime import datetime
from functools import cache
from pathlib import Path

import dagster as dg

from pipelines.failures import StateError
from resources.environment import home, prepare_dagster

DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
LOCK = "open.lock"
DAMAGED = ".damaged-"
"""Between the name of a database and the time at which it was set aside."""
WAIT_SECONDS = 30.0
"""For another process that writes to a database."""
UNREADABLE = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_IOERR_SHORT_READ", "SQLITE_ERROR")
"""What sqlite calls a file that is no whole database; all else, as a full disk, is no fault of the file."""


def prepare_state(say: Callable[[str], None]) -> Path:
    """Point Dagster at its state under the lake's home, where every database can then be used; returns the folder.

    Two processes that make a database at once leave it with two revisions, which Dagster never reads again: hence the
    lock. A database that cannot be used is renamed and made anew.

    Parameters
    ----------
    say : callable
        Told a line for every database that was set aside.

    Raises
    ------
    StateError
        The disk is full, or does not let itself be written to.
    """
    with state_errors():
        state = prepare_dagster()
        with lock_state(state):
            for name in DATABASES:
                if why := fault(state, name):
                    say(_set_aside(state, name, why))
            _complete(state)
            _upgrade(state)
    return state


@contextmanager
def state_errors() -> Iterator[None]:
    """Turn what the disk and sqlite say about Dagster's state into StateError."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        what = f"Dagster's state in {home() / 'dagster'} cannot be used: {getattr(error, 'orig', None) or error}"
        raise StateError(f"{what}; make room, or set PEERLENS_HOME to a folder that can be written to") from error


def fault(state: Path, name: str) -> str | None:
    """Say why Dagster cannot use a database of its state; None for one that it can use, or that is not there."""
    file = state / name
    if not file.exists():
        return None
    if not file.is_file():
        return "it is not a file"
    try:
        with closing(sqlite3.connect(file, timeout=WAIT_SECONDS)) as database:
            return _fault_inside(database, _tables()[name])
    except sqlite3.DatabaseError as error:
        if not error.sqlite_errorname.startswith(UNREADABLE):
            raise
        return str(error)


def _fault_inside(database: sqlite3.Connection, tables: frozenset[str]) -> str | None:
    (found,) = database.execute("pragma quick_check(1)").fetchone()
    if found != "ok":
        return " ".join(str(found).split())
    there = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
    if missing := sorted({*tables, "alembic_version"} - there):
        return f"it has no table {missing[0]}"
    revisions = [revision for (revision,) in database.execute("select version_num from alembic_version")]
    if len(revisions) != 1:
        return f"it has {len(revisions)} revisions, not one"
    return None if revisions[0] in _revisions() else f"another version of Dagster made it (revision {revisions[0]})"


@cache
def _tables() -> dict[str, frozenset[str]]:
    """Return the tables without which Dagster cannot use each database, which it tells nowhere in public."""
    from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
    from dagster._core.storage.runs.schema import RunStorageSqlMetadata
    from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata

    needed = (RunStorageSqlMetadata, SqlEventLogStorageMetadata, ScheduleStorageSqlMetadata)
    return {name: frozenset(metadata.tables) for name, metadata in zip(DATABASES, needed, strict=True)}


@cache
def _revisions() -> tuple[str, ...]:
    """Return the revisions of the databases that this Dagster knows, the newest first."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "dagster:_core/storage/alembic")
    return tuple(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


@contextmanager
def lock_state(state: Path) -> Iterator[None]:
    """Be the only process that makes, mends or prunes these databases."""
    with (state / LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _set_aside(state: Path, name: str, why: str) -> str:
    """Rename a database, with what sqlite keeps beside it; returns the line that says so."""
    file = state / name
    aside = file.with_name(f"{file.name}{DAMAGED}{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}")
    for suffix in ("", "-wal", "-shm"):
        if (part := file.with_name(file.name + suffix)).exists():
            part.rename(aside.with_name(aside.name + suffix))
    lost = "switch schedules and sensors on again in the UI" if name.startswith("schedules") else "no artefact is lost"
    return f"Dagster's database {file} cannot be used: {why}; set aside as {aside.name} and made anew, {lost}"


def _complete(state: Path) -> None:
    """Make the databases that are not there.

    Each is made whole elsewhere and renamed, so a process that is killed meanwhile leaves no half of one.
    """
    missing = [name for name in DATABASES if not (state / name).exists()]
    if not missing:
        return
    making = Path(tempfile.mkdtemp(prefix="making-", dir=state))
    try:
        (making / "dagster.yaml").write_text("telemetry: {enabled: false}\n")  # without the file Dagster warns
        dg.DagsterInstance.from_config(str(making)).dispose()
        for name in missing:
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (making / name).replace(state / name)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _upgrade(state: Path) -> None:
    """Bring databases that an older Dagster made up to date, as `dagster instance migrate` does."""
    for name in DATABASES:
        with closing(sqlite3.connect(state / name, timeout=WAIT_SECONDS)) as database:
            (revision,) = database.execute("select version_num from alembic_version").fetchone()
        if revision != _revisions()[0]:
            break
    else:
        return
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), dg.DagsterInstance.get() as instance:  # noqa: PTH123
        instance.upgrade()
