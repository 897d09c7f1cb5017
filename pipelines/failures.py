"""What can go wrong, and the exit status that says so to scripts."""

import errno

import click

from resources.edgar import EdgarError, EdgarIdentityError
from resources.edgar.blobs import BlobError
from resources.edgar.index import EdgarFormatError
from resources.explainer.errors import EndpointError
from resources.lake.errors import DamagedFileError, LakeBusyError, LakeError
from resources.market import PriceError
from resources.models.weight_files import ModelNotFoundError
from resources.settings.profile import ProfileError

FAILED, REFUSED, BUSY, INTERRUPTED = 1, 2, 3, 130


class RefusedError(ValueError):
    """Wrong use: one line that says what, where, and what to do."""


class StateError(RuntimeError):
    """Dagster's databases cannot be read or written; the message says why and what to do."""


class RunFailedError(RuntimeError):
    """The body of an asset failed.

    Parameters
    ----------
    message : str
        One line: which asset, which error.
    story : str
        The traceback, for the log.
    """

    def __init__(self, message: str, story: str) -> None:
        super().__init__(message)
        self.story = story


class DamagedInputError(RunFailedError):
    """The body of an asset found a file of the lake that is not what was written; made again, it may go on.

    Parameters
    ----------
    file : str
        The file, set aside by now.
    """

    def __init__(self, message: str, story: str, file: str) -> None:
        super().__init__(message, story)
        self.file = file


DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""What a disk that is full, or does not let itself be written to, says wherever a byte is written."""

STATUS: dict[type[BaseException], int] = {
    RunFailedError: FAILED,
    StateError: FAILED,
    EdgarError: FAILED,
    EdgarFormatError: FAILED,
    BlobError: FAILED,
    DamagedFileError: FAILED,
    LakeBusyError: BUSY,
    LakeError: REFUSED,
    EdgarIdentityError: REFUSED,
    EndpointError: REFUSED,
    ModelNotFoundError: REFUSED,
    PriceError: REFUSED,
    ProfileError: REFUSED,
    RefusedError: REFUSED,
    click.ClickException: REFUSED,
    click.Abort: INTERRUPTED,
    KeyboardInterrupt: INTERRUPTED,
}
"""Errors that people can act on; the first kind that fits counts, any other is a bug and shows its traceback."""


def exit_status(error: BaseException) -> int | None:
    """Return the exit status of an error that people can act on; None for a bug."""
    if isinstance(error, OSError) and error.errno in DISK:
        return FAILED
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), None)


def one_line(error: BaseException) -> str:
    """Return what is said about an error on standard error."""
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "peerlens"
        return f"{error.format_message().rstrip('.?')}; see `{command} --help`"
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted; the next refresh goes on from what is finished"
    return " ".join(str(error).split())
