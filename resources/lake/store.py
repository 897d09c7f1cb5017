"""Where the bytes of a lake are: names and bytes, and what one process may do while others read.

The lake asks for names such as `prices/all/manifest.json`; only a store knows where they lie. `LocalStore` keeps them
on a disk. One for object storage does the same with its own means: a conditional put to publish, an object with a
deadline as a lease, a download for `local`.
"""

import fcntl
import shutil
import stat
from pathlib import Path
from typing import IO, NamedTuple, Protocol, Self

from resources.lake.atomic_write import fsync, write_atomically
from resources.lake.errors import LakeBusyError, LakeError, unwritable


class Stamp(NamedTuple):
    """What tells one version of a file from another without reading it."""

    size: int
    """In bytes."""
    changed: int
    """When its bytes last changed, in nanoseconds."""
    number: int
    """Of the file itself: one that replaced it has another."""


class Store(Protocol):
    """Names and bytes. A name has parts between slashes, and is either a file or a folder of them."""

    def stamp(self, name: str) -> Stamp | None:
        """Return what tells versions of a file apart; None where there is no such file."""

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file; None where there is no such file."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all; raises LakeError where that fails."""

    def publish(self, name: str, content: bytes, over: Stamp | None) -> None:
        """Write a file if it is still the version `over`; raises LakeBusyError where another has been published.

        Who publishes holds a lease for it: on a disk, looking and writing are two steps.
        """

    def names(self, folder: str) -> list[str]:
        """Return what a folder holds, sorted, without the folder's name; nothing where there is none."""

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all it holds; nothing happens where there is none."""

    def lease(self, name: str, wait: bool = True) -> "Lease":
        """Return a lease that one process holds at a time, once it has it.

        Raises LakeBusyError, with the holder's note, if `wait` is false and another holds it.
        """

    def sync(self, folder: str) -> None:
        """Make what a folder holds outlast a power cut."""

    def local(self, name: str) -> Path:
        """Return where a library finds a file or folder on this machine."""


class Lease:
    """Held until the end of its `with`; the system gives it back when the process dies, however it dies."""

    def __init__(self, file: Path, wait: bool) -> None:
        self._stream = _open_lock(file)
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            with self._stream as stream:
                stream.seek(0)
                raise LakeBusyError(stream.read().strip()) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def note(self, text: str) -> None:
        """Write down who holds the lease, for those who come too late; '' wipes it."""
        self._stream.truncate(0)
        self._stream.write(text)
        self._stream.flush()


def _open_lock(file: Path) -> IO[str]:
    # Opened to append: "w" would erase the holder's note before the lock is tried.
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            file.rmdir()  # somebody made a folder of this name; whoever put files into it is told below
        return file.open("a+", encoding="utf-8")
    except OSError as error:
        raise unwritable(file, error) from error


class LocalStore:
    """Names and bytes on a disk, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def local(self, name: str) -> Path:
        """Return the path of a name."""
        return self.root / name

    def stamp(self, name: str) -> Stamp | None:
        """Return size, time and number of a file; None where there is none, or a folder in its place."""
        try:
            known = (self.root / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stamp(known.st_size, known.st_mtime_ns, known.st_ino) if stat.S_ISREG(known.st_mode) else None

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file; None where there is none, or a folder in its place.

        Raises
        ------
        LakeError
            The file is there and cannot be read.
        """
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise LakeError(f"cannot read {self.root / name}: {error.strerror}; mend the disk or its rights") from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file through a temporary one beside it.

        Raises
        ------
        LakeError
            The disk is full, or nothing may be written there.
        """
        file = self.root / name
        try:
            if file.is_dir():
                shutil.rmtree(file)
            write_atomically(file, content, file.parent)
        except OSError as error:
            raise unwritable(file, error) from error

    def publish(self, name: str, content: bytes, over: Stamp | None) -> None:
        """Write a file if it is still the version that the caller saw.

        Raises
        ------
        LakeBusyError
            Another process has published since.
        LakeError
            The file cannot be written.
        """
        if self.stamp(name) != over:
            raise LakeBusyError(f"{self.root / name}: another process has written it meanwhile; run it again")
        self.write(name, content)

    def names(self, folder: str) -> list[str]:
        """Return the names directly inside a folder, sorted."""
        try:
            return sorted(path.name for path in (self.root / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def remove(self, name: str) -> None:
        """Remove a file or a folder.

        Raises
        ------
        LakeError
            It is there and may not be removed.
        """
        path = self.root / name
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error

    def lease(self, name: str, wait: bool = True) -> Lease:
        """Return a lease on a file of this name, once this process has it."""
        return Lease(self.root / name, wait)

    def sync(self, folder: str) -> None:
        """Flush a folder and all that it holds: after a power cut there is no pointer to half a file."""
        for path in (self.root / folder, *(self.root / folder).rglob("*")):
            fsync(path)
