"""Parses JSON that a server sent: bounded in bytes, in depth and in memory, and with one kind of error."""

import json
from typing import Any

MOST_DIGITS = 18
"""Digits of an integer; one with more stays a text, because Python refuses a whole document for a very long one."""


def parse_json(content: bytes, max_bytes: int, max_parts: int) -> Any:
    """Return the JSON value in the content.

    Parameters
    ----------
    content : bytes
        UTF-8; a byte that is not costs one letter, not the document.
    max_bytes : int
        Its longest length.
    max_parts : int
        Most lists and objects in it: an empty one takes two bytes in the text and over fifty in memory.

    Raises
    ------
    ValueError
        The content is too long, is not JSON, or has too many or too deep lists and objects.
    """
    if len(content) > max_bytes:
        raise ValueError(f"longer than {max_bytes:,} bytes")
    if content.count(b"[") + content.count(b"{") > max_parts:
        raise ValueError(f"more than {max_parts:,} lists and objects")
    try:
        return json.loads(content.decode("utf-8-sig", "replace"), parse_int=_integer)
    except RecursionError as error:
        raise ValueError("lists or objects are nested too deep") from error


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits.lstrip("-")) <= MOST_DIGITS else digits
