"""What a path of a user leads to; a name that no file can have leads nowhere, and is no error."""

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """Return whether there is such a file."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises for a name that is too long


def is_folder(path: Path) -> bool:
    """Return whether there is such a folder."""
    return os.path.isdir(path)  # noqa: PTH112 - see above
