"""Values and names as they are shown in a message: one line, however long they are and whatever is in them."""

from collections.abc import Collection
from itertools import islice
from typing import Any

MAX_EXCERPT = 40
MAX_NAMES = 12


def excerpt(value: Any) -> str:
    """Return the value for a message, as it stands in the file."""
    return "empty" if value is None or value == "" else _printable(str(value)[:MAX_EXCERPT])


def abbreviated(names: Collection[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - MAX_NAMES
    shown = ", ".join(_printable(name[:MAX_EXCERPT]) for name in islice(names, MAX_NAMES))
    return shown + (f" and {more} more" if more > 0 else "")


def one_line(error: object, longest: int = 200) -> str:
    """Return what a library says as one line, cut where it goes on for long: some print all columns of a file."""
    said = " ".join(str(error).split())
    return said if len(said) <= longest else f"{said[:longest]}..."


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in text)
