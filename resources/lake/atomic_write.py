"""Atomic writes: a file is written under a temporary name, synced, then renamed."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

KEEP_SECONDS = 3600.0
"""A temporary file this old has no living writer any more."""


def write_atomically(file: Path, content: bytes, temporary: Path) -> None:
    """Write a file through the folder `temporary`: a process killed at any moment leaves the old file or the new one.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    unfinished = temporary / f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        for folder in (file.parent, temporary):
            folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        fsync(unfinished)
        unfinished.replace(file)
        fsync(file.parent)
    except OSError:
        with suppress(OSError):  # report the first error, not this one
            unfinished.unlink(missing_ok=True)
        raise


def remove_stale_temporaries(temporary: Path) -> None:
    """Remove the temporary files of processes that were killed more than an hour ago."""
    for unfinished in temporary.glob("*"):
        with suppress(FileNotFoundError):  # its writer is alive and has renamed it
            if time.time() - unfinished.stat().st_mtime > KEEP_SECONDS:
                unfinished.unlink()


def fsync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
