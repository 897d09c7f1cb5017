"""The lake: Parquet artefacts, a manifest that points at each, and the lock for refreshing them.

An artefact is a folder named by the digest of its recipe, which is known before the first byte is written. Its manifest
is the pointer to it, written last and atomically. No pointer, no artefact; nothing is renamed under a reader, and
nothing is removed that a current manifest or the published warehouse names.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from resources.lake.digests import digest_of, file_digest
from resources.lake.errors import DamagedFileError, LakeBusyError, unwritable
from resources.lake.manifest import RECORD, Manifest, Record, StoredFile, parse_manifest, parse_record
from resources.lake.store import LocalStore, Stamp, Store
from resources.lake.superseded import MARK, REFERENCES, Superseded
from resources.sources import Sources

WHOLE = "all"
MANIFEST = "manifest.json"

_parsed: dict[Path, tuple[Stamp, Manifest | None]] = {}
"""Manifests by file, as long as the file is the same: a refresh asks for each some hundred times."""
_verified: set[tuple[Path, Stamp]] = set()
"""Files whose hash this process has checked."""


class Lake:
    """The artefacts of one profile under `home`/`profile`. `clock` tells the time in seconds since 1970."""

    def __init__(self, home: Path, profile: str, clock: Callable[[], float] = time.time) -> None:
        self.home = home
        self.root = home / profile
        self.store: Store = LocalStore(self.root)
        self.superseded = Superseded(self.store, clock)
        self.sources = Sources(home)
        self.models = self.sources.models

    def partition_dir(self, asset: str, partition: str | None) -> Path:
        """Return the folder of an asset's partition: its artefacts and the pointer to the current one."""
        return self.store.local(_directory(asset, partition))

    def manifest(self, asset: str, partition: str | None) -> Manifest | None:
        """Return the current artefact, or None if there is none or it is damaged."""
        return None if self.damage(asset, partition) else self.read_manifest(asset, partition)

    def read_manifest(self, asset: str, partition: str | None) -> Manifest | None:
        """Return the manifest, whether its files are whole or not; None where there is none that can be read."""
        name = _pointer(asset, partition)
        stamp, file = self.store.stamp(name), self.store.local(name)
        if stamp is None:
            return None
        before = _parsed.get(file)
        if before is None or before[0] != stamp:
            before = _parsed[file] = (stamp, parse_manifest(self.store.read(name) or b""))
        return before[1]

    def damage(self, asset: str, partition: str | None) -> list[str]:
        """Return what of an artefact is missing or not what was written; nothing where there is no artefact.

        A file of the right size and time counts as whole until it is used (`verified`): reading every byte of a lake
        for each plan would take minutes.
        """
        known = self.read_manifest(asset, partition)
        if known is None:
            directory = _directory(asset, partition)
            return [MANIFEST] if MANIFEST in self.store.names(directory) else []
        folder = name_of(known)
        harmed = [name for name, file in known.files.items() if not self._is_whole(f"{folder}/{name}", file)]
        harmed += [name for name, file in known.published.items() if not self._is_whole(name, file)]
        lost = known.published and known.published.keys() - self.superseded.references().keys()
        return harmed + ([REFERENCES] if lost else [])

    def _is_whole(self, name: str, file: StoredFile) -> bool:
        stamp = self.store.stamp(name)
        if stamp is None or stamp.size != file.size:
            return False
        if stamp.changed == file.changed or not file.sha256:
            return True
        if not self._holds(name, stamp, file.sha256):
            return False
        with suppress(OSError):  # a lake that was copied: the next plan need not read the file again
            os.utime(self.store.local(name), ns=(file.changed, file.changed))
        return True

    def _holds(self, name: str, stamp: Stamp, sha256: str) -> bool:
        """Return whether a file has this hash; it is read once a process."""
        file = self.store.local(name)
        if (file, stamp) not in _verified:
            if file_digest(file) != sha256:
                return False
            _verified.add((file, stamp))
        return True

    def folder(self, known: Manifest) -> Path:
        """Return the folder of an artefact."""
        return self.store.local(name_of(known))

    def place_of(self, file: str | Path) -> str:
        """Return asset, partition and name of a file of the lake, whatever folder its artefact has at the moment."""
        asset, partition, _, *inside = Path(file).relative_to(self.root).parts
        return "/".join((asset, partition, *inside))

    def table_parts(self, known: Manifest, table: str) -> list[str]:
        """Return the names of a table's Parquet files inside the artefact's folder."""
        return sorted(name for name in known.files if name.startswith(f"{table}/part-"))

    def table_files(self, known: Manifest, table: str) -> list[Path]:
        """Return the Parquet files of one table of an artefact, each with the bytes that were written.

        Raises
        ------
        DamagedFileError
            One of them is missing or has other bytes; it has been set aside.
        """
        return self.verified(known, self.table_parts(known, table))

    def verified(self, known: Manifest, names: Iterable[str]) -> list[Path]:
        """Return files of an artefact after their hashes were checked, once a process.

        Raises
        ------
        DamagedFileError
            One of them is missing or has other bytes; it has been set aside.
        """
        return [self._verified(known, name) for name in names]

    def _verified(self, known: Manifest, name: str) -> Path:
        file, told = self.folder(known) / name, known.files[name]
        inside = f"{name_of(known)}/{name}"
        stamp = self.store.stamp(inside)
        if stamp is None or stamp.size != told.size or (told.sha256 and not self._holds(inside, stamp, told.sha256)):
            set_aside(file)
            raise DamagedFileError(file)
        return file

    def record(self, known: Manifest) -> Record:
        """Return the digests of an artefact's slices, units and sources; raises DamagedFileError."""
        return parse_record(self.verified(known, [RECORD])[0].read_bytes())

    @contextmanager
    def lock_partition(self, asset: str, partition: str | None) -> Iterator[None]:
        """Lock one partition of an asset, so that two runs that want the same artefact make it once."""
        with self.store.lease(f"{_directory(asset, partition)}/.lock"):
            yield

    def begin(
        self, asset: str, partition: str | None, recipe: dict[str, Any], checkpoint_dir: str | None = None
    ) -> Path:
        """Return a folder for a new artefact, empty except for what an interrupted run left in `checkpoint_dir`.

        It is named by the recipe, with a number behind where an artefact of the same recipe is there already: that one
        is damaged, or superseded and perhaps still being read.
        """
        directory, digest = _directory(asset, partition), digest_of(recipe)[:16]
        taken = self._taken(asset, partition)
        numbered = (digest if number == 0 else f"{digest}.{number}" for number in range(len(taken) + 1))
        name = next(name for name in numbered if name not in taken)
        # What was given up and is gone on with now is superseded no more: its old mark would have it removed.
        self.store.remove(f"{directory}/{name}{MARK}")
        folder = self.store.local(f"{directory}/{name}")
        try:
            _clear(folder, checkpoint_dir)
        except OSError as error:
            raise unwritable(folder, error) from error
        return folder

    def _taken(self, asset: str, partition: str | None) -> set[str]:
        """Return the names of folders that hold a finished artefact, so that somebody may be reading it."""
        directory, known = _directory(asset, partition), self.read_manifest(asset, partition)
        named = {folder.rpartition("/")[2] for folder in self.references() if folder.startswith(f"{directory}/")}
        found = self.superseded.marked(directory) | named | ({known.folder} if known else set())
        # The record is written when all else is: without it a folder is lost, or an interrupted attempt to go on with.
        return {folder for folder in found if self.store.stamp(f"{directory}/{folder}/{RECORD}")}

    def commit(self, known: Manifest) -> None:
        """Point at a finished artefact, then remove what has been superseded and is named nowhere for an hour."""
        # Synced before the pointer names them: after a power cut there is no pointer to half a file.
        self.store.sync(name_of(known))
        # Marked first: a process killed in between leaves no folder that looks like an attempt and has readers.
        self._mark_others(known)
        self.repoint(known)
        self.superseded.remove(_directory(known.asset, known.partition), known.folder, self._kept())

    def _mark_others(self, known: Manifest) -> None:
        """Note of every folder that an artefact takes the place of since when that is so."""
        directory = _directory(known.asset, known.partition)
        replaced = self.read_manifest(known.asset, known.partition)
        marked = self.superseded.marked(directory)
        for folder in self._folders(directory):
            ends_now = replaced is not None and folder == replaced.folder
            if folder != known.folder and (ends_now or folder not in marked):
                self.superseded.mark(f"{directory}/{folder}")

    def repoint(self, known: Manifest) -> None:
        """Write the manifest of a finished artefact, in place of what there is; the caller holds its partition."""
        name = _pointer(known.asset, known.partition)
        self.store.publish(name, known.to_json(), over=self.store.stamp(name))

    def publish(self, known: Manifest, name: str, references: Iterable[str]) -> StoredFile:
        """Copy a file of an artefact to the lake's root, in one step; `references` are the folders that it names."""
        folders = sorted(set(references))
        # Both old and new stay until the file is in its place, whenever the process dies.
        self.superseded.refer_to_both(name, folders)
        self.store.write(name, (self.folder(known) / name).read_bytes())
        self.superseded.release(name, folders)
        return stored_file(self.store.local(name))

    def forget(self, asset: str, partition: str | None) -> None:
        """Remove the pointer to an artefact: it is made again."""
        self.store.remove(_pointer(asset, partition))

    def references(self) -> set[str]:
        """Return the folders, as asset/partition/folder, that published files name, as far as that is known."""
        return {folder for folders in self.superseded.references().values() for folder in folders}

    def _kept(self) -> set[str] | None:
        """Return the folders that published files name; None where that is lost of one of them."""
        whole = (self.read_manifest(asset, None) for asset in self._folders(""))
        published = {name for known in whole if known for name in known.published}
        return self.references() if published <= self.superseded.references().keys() else None

    def collect(self) -> None:
        """Remove everywhere what has been superseded and is named nowhere for an hour, and no artefact being made."""
        named = self._kept()
        for asset in self._folders(""):
            for partition in self._folders(asset):
                directory = f"{asset}/{partition}"
                if not self.superseded.marked(directory):
                    continue
                with suppress(LakeBusyError), self.store.lease(f"{directory}/.lock", wait=False):
                    known = self.read_manifest(asset, partition_of(partition))
                    self.superseded.remove(directory, known.folder if known else None, named)

    def _folders(self, directory: str) -> list[str]:
        return [name for name in self.store.names(directory) if (self.store.local(directory) / name).is_dir()]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the lake for a refresh.

        Raises
        ------
        LakeBusyError
            Another process is refreshing the lake; the message says since when.
        """
        self.writable()
        try:
            lease = self.store.lease("refresh.lock", wait=False)
        except LakeBusyError as error:
            raise LakeBusyError(f"refresh in progress since {error or 'just now'}") from error
        with lease:
            lease.note(f"{time.strftime('%Y-%m-%d %H:%M:%S')} (process {os.getpid()})")
            try:
                yield
            finally:
                lease.note("")

    def writable(self) -> None:
        """Raise LakeError if the lake cannot be written; leave no trace, not even an empty folder."""
        directory = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        try:
            probe = directory / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise unwritable(self.root, error) from error


def stored_file(file: Path, hashed: bool = True) -> StoredFile:
    """Return what a manifest says of a file; without its hash where the file carries hashes of its own."""
    known = file.stat()
    return StoredFile(known.st_size, known.st_mtime_ns, file_digest(file) if hashed else "")


def set_aside(file: Path) -> None:
    """Rename a damaged file to `<name>.damaged`, so that nobody reads it and the planner finds it missing."""
    aside = file.with_name(f"{file.name}.damaged")
    with suppress(OSError):  # another reader was faster, or the lake is only read: the damage is told all the same
        if file.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        file.replace(aside)


def name_of(known: Manifest) -> str:
    """Return the name of an artefact's folder in the store, as asset/partition/folder."""
    return f"{_directory(known.asset, known.partition)}/{known.folder}"


def partition_of(name: str) -> str | None:
    """Return the partition that a folder of an asset stands for: 'all' is an asset without partitions."""
    return None if name == WHOLE else name


def _directory(asset: str, partition: str | None) -> str:
    return f"{asset}/{partition or WHOLE}"


def _pointer(asset: str, partition: str | None) -> str:
    return f"{_directory(asset, partition)}/{MANIFEST}"


def _clear(folder: Path, keep: str | None) -> None:
    """Make a folder, or empty it except for one subfolder, without the damaged files in it."""
    if folder.is_file():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
        elif path.name != keep:
            shutil.rmtree(path)
    for damaged in folder.rglob("*.damaged"):
        damaged.unlink()
