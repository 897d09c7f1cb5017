"""The lake: Parquet artefacts, a manifest that points at each, and the lock under which they are refreshed.

An artefact lies in a folder named by the digest of its recipe, known before the first byte is written; its manifest is
the pointer to it, written last and atomically. No pointer, no artefact; nothing is renamed under a reader.
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


class LakeError(RuntimeError):
    """The lake cannot be read or written; the message names the folder."""


class LakeBusyError(LakeError):
    """Another refresh holds the lake."""


class DamagedFileError(LakeError):
    """A file of the lake is not what was written; its reader has set it aside. `file` is the name that it had."""

    def __init__(self, file: Path, what: str = "not what was written; `peerlens refresh` makes it again") -> None:
        super().__init__(file, what)
        self.file = file

    def __str__(self) -> str:
        return ": ".join(map(str, self.args))


@dataclass(frozen=True)
class Manifest:
    """What an artefact is and what it was made of.

    `tables` maps table -> {"rows": n, "slices": {slice: digest}}; `units` maps a cached unit (a filing, an SAE) to the
    digest of its own recipe; `files` maps every file to its size; `source` is the slices that the outside world had.
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
        """Rows of the first table, the asset's own."""
        return int(next(iter(self.tables.values()))["rows"])


class Lake:
    """Artefacts of one profile under `home`/`profile`, and the outside world that they are made of."""

    def __init__(self, home: Path, profile: str) -> None:
        self.home = home
        self.root = home / profile
        self.sources = Sources(home)
        self.models = self.sources.models

    def partition_dir(self, asset: str, partition: str | None) -> Path:
        """Folder of an asset's partition: its artefacts and the pointer to the current one."""
        return self.root / asset / (partition or WHOLE)

    def manifest(self, asset: str, partition: str | None) -> Manifest | None:
        """The current artefact, or None where there is none or a file of it is missing or cut short."""
        known = self.read_manifest(asset, partition)
        return None if self.damage(known) else known

    def read_manifest(self, asset: str, partition: str | None) -> Manifest | None:
        """What the pointer says, whether its files are whole or not."""
        content = _read_pointer(self.partition_dir(asset, partition))
        return Manifest(**content) if content else None

    def damage(self, known: Manifest | None) -> list[str]:
        """Files of an artefact that are missing or of another size; none where there is no artefact."""
        if known is None:
            return []
        return [name for name, size in known.files.items() if _size(self.folder(known) / name) != size]

    def folder(self, known: Manifest) -> Path:
        """Where an artefact's files are."""
        return self.partition_dir(known.asset, known.partition) / known.folder

    def table_files(self, known: Manifest, table: str) -> list[Path]:
        """Parquet files of one table of an artefact."""
        return [self.folder(known) / name for name in sorted(known.files) if name.startswith(f"{table}/part-")]

    @contextmanager
    def lock_partition(self, asset: str, partition: str | None) -> Iterator[None]:
        """Hold one partition of an asset: two runs that want the same artefact make it once."""
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
        """A folder for a new artefact, empty but for what an interrupted attempt at it left in `checkpoint_dir`.

        The damaged artefact of this very recipe makes way at once; with `checkpoint_dir` it stays until the new one is
        committed, which then lies beside it in `<digest>.1` or, where that is the damaged one, in `<digest>`.
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
        """Point at a finished artefact, then remove what was superseded over an hour ago."""
        directory = self.partition_dir(known.asset, known.partition)
        for path in (directory / known.folder, *(directory / known.folder).rglob("*")):
            fsync(path)
        superseded = _read_pointer(directory)
        if superseded and (directory / superseded["folder"]).is_dir():
            os.utime(directory / superseded["folder"])
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
        """Hold the lake for a refresh.

        Raises
        ------
        LakeBusyError
            Another process is refreshing; the message says since when.
        """
        self.writable()
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "refresh.lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
        """Raise LakeError where nothing can be written; leaves no trace, not even an empty lake."""
        directory = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        try:
            probe = directory / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise _unwritable(self.root, error) from error


def set_aside(file: Path) -> None:
    """Rename a damaged file to `<name>.damaged`, so that nobody reads it and the planner misses it."""
    with suppress(FileNotFoundError):  # another reader was faster
        file.replace(file.with_name(f"{file.name}.damaged"))


def digest_of(content: Any) -> str:
    """SHA-256 of anything JSON can say, keys sorted."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_digest(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_pointer(directory: Path) -> dict[str, Any] | None:
    """Content of the manifest in a directory; None where there is none, or one cut short or of another version."""
    try:
        content = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    known = isinstance(content, dict) and content.keys() == {f.name for f in fields(Manifest)}
    return content if known else None


def _clear(folder: Path, keep: str | None) -> None:
    """Make a folder, or empty it but for the whole files of one subfolder."""
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
    """Have the disk hold a file's bytes, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
