"""Documents by their content, and what each address answered: no document is asked for twice.

Nothing lies half-written under its final name: a file is written elsewhere, synced, and renamed. A pointer is written
after the document it names, so a process killed in between costs one request more, never a wrong answer.
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

from resources.lake.atomic_write import tidy_drafts, write_whole

Part = Literal["whole", "document", "header"]
LISTS = ("/Archives/edgar/full-index/", "/files/", "/submissions/")
"""Where EDGAR keeps what grows; filings never change."""


class BlobError(RuntimeError):
    """A stored document is missing or damaged, or cannot be written; the message names the file and what to do."""


@dataclass(frozen=True)
class Pointer:
    """What an address answered.

    `url` is the path alone, so that a mirror's documents are the same ones. `part` says how much of the document is
    there, `fetched_at` (unix seconds) when it was last asked for, 0 for "ask again"; `refused` says why there is none.
    """

    url: str
    sha256: str | None
    part: Part
    n_bytes: int
    etag: str | None
    last_modified: str | None
    fetched_at: float
    refused: str | None


class BlobStore:
    """Gzipped documents under `root`/blobs and one small JSON an address under `root`/pointers."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes) -> str:
        """Store a document; returns its SHA-256.

        Raises
        ------
        BlobError
            It cannot be written.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        if not self._blob(sha256).exists():
            self._write(self._blob(sha256), gzip.compress(content, 6, mtime=0))
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return a stored document.

        Raises
        ------
        BlobError
            It is not there, or not what it was.
        """
        file = self._blob(sha256)
        try:
            content = gzip.decompress(file.read_bytes())
        except FileNotFoundError as error:
            raise BlobError(f"document {file}: no such file; run again, it will be asked for again") from error
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(file, str(error)) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _damaged(file, "its content is another one's")
        return content

    def pointer(self, url: str) -> Pointer | None:
        """What an address answered, or None where that is not known or the document is gone."""
        known = _read(self._pointer(url))
        if known is None or (known.sha256 is not None and not self._blob(known.sha256).exists()):
            return None
        return known

    def point(self, pointer: Pointer) -> None:
        """Remember what an address answered; its document has to be there already.

        Raises
        ------
        BlobError
            It cannot be written.
        """
        kept = replace(pointer, url=_path(pointer.url))
        self._write(self._pointer(kept.url), json.dumps(asdict(kept), indent=1).encode())

    def keep(self, name: str, content: bytes) -> None:
        """Store a document that was made here, under a name of its own instead of an address, as '/item1/3/ab12'."""
        self.point(Pointer(name, self.put(content), "whole", len(content), None, None, time.time(), None))

    def remembered(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What was kept under a name; made and kept now where nothing was."""
        known = self.pointer(name)
        if known and known.sha256:
            return self.get(known.sha256)
        content = make()
        self.keep(name, content)
        return content

    def expire(self) -> None:
        """Have EDGAR's lists, and whatever it refused, asked for again; documents are kept."""
        for known in self._pointers():
            if known.refused is not None or known.url.startswith(LISTS):
                self.point(replace(known, fetched_at=0.0))

    def tidy(self) -> None:
        """Remove what processes left behind that were killed over an hour ago."""
        tidy_drafts(self._drafts)

    @property
    def _drafts(self) -> Path:
        return self.root / "drafts"

    def _blob(self, sha256: str) -> Path:
        return self.root / "blobs" / sha256[:2] / f"{sha256}.gz"

    def _pointer(self, url: str) -> Path:
        name = hashlib.sha256(_path(url).encode()).hexdigest()
        return self.root / "pointers" / name[:2] / f"{name}.json"

    def _pointers(self) -> Iterator[Pointer]:
        for file in sorted((self.root / "pointers").glob("*/*.json")):
            known = _read(file)
            if known is not None:
                yield known

    def _write(self, file: Path, content: bytes) -> None:
        try:
            write_whole(file, content, self._drafts)
        except OSError as error:
            raise BlobError(f"cannot write {file}: {error.strerror}; make room there, then run again") from error


def _path(url: str) -> str:
    """The address without scheme and host, with a leading slash."""
    parts = urlsplit(url)
    path = parts.path if not parts.query else f"{parts.path}?{parts.query}"
    return "/" + path.lstrip("/")


def _read(file: Path) -> Pointer | None:
    """A pointer; None where there is none, or one of another version."""
    try:
        content: Any = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    known = isinstance(content, dict) and content.keys() == {field.name for field in fields(Pointer)}
    return Pointer(**content) if known else None


def _damaged(file: Path, why: str) -> BlobError:
    return BlobError(f"document {file}: damaged ({why}); delete it and run again")
