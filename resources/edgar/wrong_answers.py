"""Tells what an answer of EDGAR is that is not what was asked for, in words that fit on one line."""

import html
import json
import re

BEGINNING = 20_000
"""Bytes of an answer that are looked at."""
TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})<", re.IGNORECASE)
PAGE = re.compile(r"\s{0,100}<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
TOO_FAST = b"rate threshold exceeded"
"""In EDGAR's page about too many requests, in lower case."""


def described(content: bytes) -> str:
    """Return what the content is: an HTML page with its title, a JSON message, or how it begins."""
    begins = f"it begins with {_short(_beginning(content))}" if content.strip() else "it is empty"
    return named(content) or begins


def named(content: bytes) -> str | None:
    """Return the title of an HTML page or the message of a JSON object, None for anything else."""
    text = _beginning(content)
    if PAGE.match(text):
        title = TITLE.search(text)
        return f"it is an HTML page{f' titled {_short(html.unescape(title[1]))}' if title else ''}"
    message = _message(content)
    return f"it is a JSON message: {_short(message)}" if message else None


def is_too_fast(content: bytes) -> bool:
    """Return whether the content is EDGAR's page about too many requests, whatever the status it comes with."""
    return TOO_FAST in content[:BEGINNING].lower()


def _beginning(content: bytes) -> str:
    return content[:BEGINNING].decode("utf-8", "replace")


def _message(content: bytes) -> str | None:
    """Return the `message` of a small JSON object."""
    if len(content) > BEGINNING or content.lstrip()[:1] != b"{":
        return None
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return None
    found = parsed.get("message", parsed.get("error"))
    return found if isinstance(found, str) else None


def _short(text: str) -> str:
    """Return the text on one line, quoted and cut."""
    return ascii(" ".join(text[:400].split())[:80])
