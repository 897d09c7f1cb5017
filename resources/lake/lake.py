"""The lake: Parquet artefacts, a manifest that points at each, and the lock for refreshing them.

An artefact is a folder named by the digest of its recipe, which is known before the first byte is written. Its manifest
is the pointer to it, written last and atomically. No pointer, no artefact; nothing is renamed under a reader.
"""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from resources.sources import Sources

WHOLE = "all"
KEEP_SECONDS = 3600.0
"""Superseded artefacts stay this long, for readers that still use them."""


class LakeError(RuntimeError):
    """The lake cannot be read or written; the message names the folder and the fix."""


class LakeBusyError(LakeError):
    """Another refresh holds the lake."""


class DamagedFileError(LakeError):
    """A file of the lake does not hold what was written; its reader has set it aside. `file` is its former path."""

    def __init__(self, file: Path, what: str = "not what was written; `peerlens refresh` makes it again") -> None:
        super().__init__(file, what)
        self.file = file

    def __str__(self) -> str:
        return ": ".join(map(str, self.args))


@dataclass(frozen=True)
class Manifest:
    """The record of an artefact: what it is and what it was made of.

    `tables` maps table -> {"rows": n, "slices": {slice: digest}}; `units` maps a cached unit (a filing, an SAE) to the
    digest of its own recipe; `files` maps every file to its size; `source` maps slices of the outside world to digests.
    """

    asset: str
    partition: str | None
    recipe: dict[str, Any]
    folder: str
    digest: str
    tables: dict[str, dict[str, Any]]
    files: dict[str, int]
    units: dict[str, str] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    written_at: float = 0.0

    @property
    def rows(self) -> int:
        """Number of rows of the first table, which is the asset's own."""
        return int(next(iter(self.tables.values()))["rows"])


class Lake:
    """The artefacts of one profile under `home`/`profile`."""

    def __init__(self, home: Path, profile: str) -> None:
        self.home = home
        self.root = home / profile
        self.sources = Sources(home)
        self.models = self.sources.models

    def partition_dir(self, asset: str, partition: str | None) -> Path:
        """Return the folder of an asset's partition: its artefacts and the pointer to the current one."""
        return self.root / asset / (partition or WHOLE)

    def manifest(self, asset: str, partition: str | None) -> Manifest | None:
        """Return the current artefact, or None if there is none or one of its files is missing or truncated."""
        known = self.read_manifest(asset, partition)
        return None if self.damage(known) else known

    def read_manifest(self, asset: str, partition: str | None) -> Manifest | None:
        """Return the manifest, whether its files are whole or not."""
        content = _read_pointer(self.partition_dir(asset, partition))
        return Manifest(**content) if content else None

    def damage(self, known: Manifest | None) -> list[str]:
        """Return the files of an artefact that are missing or have another size; none if there is no artefact."""
        if known is None:
            return []
        return [name for name, size in known.files.items() if _size(self.folder(known) / name) != size]

    def folder(self, known: Manifest) -> Path:
        """Return the folder of an artefact."""
        return self.partition_dir(known.asset, known.partition) / known.folder

    def table_files(self, known: Manifest, table: str) -> list[Path]:
        """Return the Parquet files of one table of an artefact."""
        return [self.folder(known) / name for name in sorted(known.files) if name.startswith(f"{table}/part-")]

    @contextmanager
    def lock_partition(self, asset: str, partition: str | None) -> Iterator[None]:
        """Lock one partition of an asset, so that two runs that want the same artefact make it once."""
        directory = self.partition_dir(asset, partition)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            file = (directory / ".lock").open("a")
        except OSError as error:
            raise _unwritable(directory, error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def begin(
        self, asset: str, partition: str | None, recipe: dict[str, Any], checkpoint_dir: str | None = None
    ) -> Path:
        """Return a folder for a new artefact, empty except for what an interrupted run left in `checkpoint_dir`.

        A damaged artefact of the same recipe is removed at once. With `checkpoint_dir` it stays until the new one is
        committed; the new one is then made in `<digest>.1` or, if that is the damaged one, in `<digest>`.
        """
        directory, name = self.partition_dir(asset, partition), digest_of(recipe)[:16]
        try:
            if (_read_pointer(directory) or {}).get("folder") == name:
                if checkpoint_dir:
                    name += ".1"
                else:
                    (directory / "manifest.json").unlink()
            _clear(directory / name, checkpoint_dir)
        except OSError as error:
            raise _unwritable(directory, error) from error
        return directory / name

    def commit(self, known: Manifest) -> None:
        """Point at a finished artefact, then remove those superseded more than `KEEP_SECONDS` ago."""
        directory = self.partition_dir(known.asset, known.partition)
        # Synced before the pointer names them: after a power cut there is no pointer to half a file.
        for path in (directory / known.folder, *(directory / known.folder).rglob("*")):
            fsync(path)
        superseded = _read_pointer(directory)
        if superseded and (directory / superseded["folder"]).is_dir():
            os.utime(directory / superseded["folder"])  # its hour begins now, not when it was made
        draft = directory / "manifest.json.new"
        draft.write_text(json.dumps(asdict(known), indent=1, sort_keys=False), encoding="utf-8")
        fsync(draft)
        draft.replace(directory / "manifest.json")
        fsync(directory)
        for folder in directory.iterdir():
            if folder.is_dir() and folder.name != known.folder and time.time() - folder.stat().st_mtime > KEEP_SECONDS:
                shutil.rmtree(folder)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the lake for a refresh.

        Raises
        ------
        LakeBusyError
            Another process is refreshing the lake; the message says since when.
        """
        self.writable()
        self.root.mkdir(parents=True, exist_ok=True)
        # Opened to append: "w" would erase the holder's line before the lock is tried.
        with (self.root / "refresh.lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system releases it when the process dies
            except BlockingIOError as error:
                file.seek(0)
                raise LakeBusyError(f"refresh in progress since {file.read().strip() or 'just now'}") from error
            file.truncate(0)
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} (process {os.getpid()})")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def writable(self) -> None:
        """Raise LakeError if the lake cannot be written; leave no trace, not even an empty folder."""
        directory = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        try:
            probe = directory / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise _unwritable(self.root, error) from error


def set_aside(file: Path) -> None:
    """Rename a damaged file to `<name>.damaged`, so that nobody reads it and the planner finds it missing."""
    with suppress(FileNotFoundError):  # another reader was faster
        file.replace(file.with_name(f"{file.name}.damaged"))


def digest_of(content: Any) -> str:
    """Return the SHA-256 of any JSON value, with sorted keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_pointer(directory: Path) -> dict[str, Any] | None:
    """Return the manifest in a directory; None if it is missing, truncated, or written by another version."""
    try:
        content = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    known = isinstance(content, dict) and content.keys() == {f.name for f in fields(Manifest)}
    return content if known else None


def _clear(folder: Path, keep: str | None) -> None:
    """Make a folder, or empty it except for one subfolder, without the damaged files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
        elif path.name != keep:
            shutil.rmtree(path)
    for damaged in folder.rglob("*.damaged"):
        damaged.unlink()


def _unwritable(directory: Path, error: OSError) -> LakeError:
    return LakeError(
        f"cannot write to the lake at {directory}: {error.strerror}; set PEERLENS_HOME to a writable folder"
    )


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return None


def fsync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
