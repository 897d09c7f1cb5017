"""The store of EDGAR documents: content by hash, and for each address a pointer to its content.

Files are written under a temporary name, synced, then renamed, so no reader sees half a file. A pointer is written
after the document that it names: a process killed in between costs one more request, never a wrong document.
"""

import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from resources.edgar.refusals import RefusalMarks
from resources.lake.atomic_write import remove_stale_temporaries, write_atomically

Part = Literal["whole", "document", "header"]
UPDATED_PATHS = ("/Archives/edgar/full-index/", "/files/", "/submissions/")
"""Paths of documents that EDGAR updates; filings never change."""


class BlobError(RuntimeError):
    """A stored document is missing or damaged, or cannot be written; the message names the file and the fix."""


@dataclass(frozen=True)
class Pointer:
    """What EDGAR returned for one address.

    `url` is the path alone, so that a mirror's documents count as the same. `part` says how much of the document is
    stored. `fetched_at` is the Unix time of the last request in seconds, or 0 to have the document fetched again.
    `refused` says why there is no document.
    """

    url: str
    sha256: str | None
    part: Part
    n_bytes: int
    etag: str | None
    last_modified: str | None
    fetched_at: float
    refused: str | None

    @property
    def is_refused_for_now(self) -> bool:
        """Whether there is no document, and the next run is to ask again."""
        return self.refused is not None and not self.fetched_at


class BlobStore:
    """Gzipped documents under `root`/blobs, and one small JSON file per address under `root`/pointers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._marks = RefusalMarks(root / "refused-for-now")

    def put(self, content: bytes) -> str:
        """Store a document and return its SHA-256.

        Raises
        ------
        BlobError
            The document cannot be written.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        if not self._blob(sha256).exists():
            # mtime=0: the same document is the same file on every machine.
            self._write(self._blob(sha256), gzip.compress(content, 6, mtime=0))
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return a stored document.

        Raises
        ------
        BlobError
            The document is missing or damaged.
        """
        file = self._blob(sha256)
        try:
            content = gzip.decompress(file.read_bytes())
        except FileNotFoundError as error:
            raise BlobError(f"document {file}: no such file; run again to fetch it") from error
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(file, str(error)) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _damaged(file, "its hash does not match its name")
        return content

    def pointer(self, url: str) -> Pointer | None:
        """Return the pointer of an address, or None if there is none or its document is gone."""
        known = _read(self._pointer(url))
        if known is None or (known.sha256 is not None and not self._blob(known.sha256).exists()):
            return None
        return known

    def point(self, pointer: Pointer) -> None:
        """Store a pointer; its document must be stored already.

        Raises
        ------
        BlobError
            The pointer cannot be written.
        """
        kept = replace(pointer, url=_path(pointer.url))
        file = self._pointer(kept.url)
        if kept.is_refused_for_now:
            self._mark(file)
        self._write(file, json.dumps(asdict(kept), indent=1).encode())
        if not kept.is_refused_for_now:
            self._marks.remove(file.stem)

    def refused_for_now(self) -> dict[str, str]:
        """Return address -> reason of all refusals that are to be asked for again.

        Raises
        ------
        BlobError
            The marks of a store that an older version wrote cannot be set.
        """
        if not self._marks.are_complete:
            try:
                self._marks.complete(self._pointer(p.url).stem for p in self._pointers() if p.is_refused_for_now)
            except OSError as error:
                raise _unwritable(self._marks.folder, error) from error
        marked = (_read(self._pointer_file(name)) for name in self._marks.names())
        return {known.url: known.refused for known in marked if known and known.refused and not known.fetched_at}

    def put_named(self, name: str, content: bytes) -> None:
        """Store content that was computed here under a name instead of an address, such as '/item1/3/ab12'."""
        self.point(Pointer(name, self.put(content), "whole", len(content), None, None, time.time(), None))

    def get_or_make(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return the content stored under a name; make and store it first if there is none."""
        known = self.pointer(name)
        if known and known.sha256:
            return self.get(known.sha256)
        content = make()
        self.put_named(name, content)
        return content

    def expire(self) -> None:
        """Mark EDGAR's lists and all refused documents as to be fetched again; stored filings stay valid."""
        for known in self._pointers():
            if known.refused is not None or known.url.startswith(UPDATED_PATHS):
                self.point(replace(known, fetched_at=0.0))

    def remove_stale_temporaries(self) -> None:
        """Remove the temporary files of processes that were killed more than an hour ago."""
        remove_stale_temporaries(self._temporary)

    @property
    def _temporary(self) -> Path:
        return self.root / "tmp"

    def _blob(self, sha256: str) -> Path:
        return self.root / "blobs" / sha256[:2] / f"{sha256}.gz"

    def _pointer(self, url: str) -> Path:
        return self._pointer_file(hashlib.sha256(_path(url).encode()).hexdigest())

    def _pointer_file(self, name: str) -> Path:
        return self.root / "pointers" / name[:2] / f"{name}.json"

    def _pointers(self) -> Iterator[Pointer]:
        for file in sorted((self.root / "pointers").glob("*/*.json")):
            known = _read(file)
            if known is not None:
                yield known

    def _mark(self, file: Path) -> None:
        try:
            self._marks.set(file.stem)
        except OSError as error:
            raise _unwritable(self._marks.folder, error) from error

    def _write(self, file: Path, content: bytes) -> None:
        try:
            write_atomically(file, content, self._temporary)
        except OSError as error:
            raise _unwritable(file, error) from error


def _path(url: str) -> str:
    """Return the address without scheme and host, with a leading slash."""
    parts = urlsplit(url)
    path = parts.path if not parts.query else f"{parts.path}?{parts.query}"
    return "/" + path.lstrip("/")


def _read(file: Path) -> Pointer | None:
    """Return the pointer in a file, or None if the file is missing, damaged, or written by another version."""
    try:
        content: Any = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    known = isinstance(content, dict) and content.keys() == {field.name for field in fields(Pointer)}
    return Pointer(**content) if known else None


def _unwritable(file: Path, error: OSError) -> BlobError:
    return BlobError(f"cannot write {file}: {error.strerror}; free some space there and run again")


def _damaged(file: Path, why: str) -> BlobError:
    return BlobError(f"document {file}: damaged ({why}); delete it and run again")
