"""What can go wrong with a lake."""

import errno
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says of a disk that has no room."""


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


def unwritable(where: Path, error: OSError) -> LakeError:
    """Return the error of a lake that cannot be written, which says what helps."""
    advice = "make room on the disk" if error.errno in FULL else "set PEERLENS_HOME to a writable folder"
    return LakeError(f"cannot write to the lake at {where}: {error.strerror}; {advice}")
