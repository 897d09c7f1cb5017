"""Files that are there whole or not at all: written under another name, synced, then renamed."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from resources.lake.lake import fsync

KEEP_SECONDS = 3600.0


def write_whole(file: Path, content: bytes, drafts: Path) -> None:
    """Write a file by way of the folder `drafts`: a process killed at any moment leaves the old file or the new one.

    Raises
    ------
    OSError
        It cannot be written.
    """
    draft = drafts / f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        for folder in (file.parent, drafts):
            folder.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        fsync(draft)
        draft.replace(file)
        fsync(file.parent)
    except OSError:
        with suppress(OSError):  # the first error is the one to tell
            draft.unlink(missing_ok=True)
        raise


def tidy_drafts(drafts: Path) -> None:
    """Remove what processes left behind that were killed over an hour ago."""
    for draft in drafts.glob("*"):
        with suppress(FileNotFoundError):  # its writer was alive, and is done
            if time.time() - draft.stat().st_mtime > KEEP_SECONDS:
                draft.unlink()
