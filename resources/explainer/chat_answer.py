"""Reads what an OpenAI-compatible endpoint answers: the text, what it cost, or why there is none."""

from dataclasses import dataclass
from typing import Any

from resources.network.json_answer import parse_json
from resources.network.retry import TransientError

MAX_BYTES = 2_000_000
"""The longest answer that is read: a hundred thousand tokens of reasoning have half a million bytes."""
MAX_PARTS = 100_000
MOST_WORDS = 160
"""Characters of an endpoint's message that are told."""


@dataclass(frozen=True)
class Answer:
    """An answer's text, and the tokens of it and its prompt; None where the endpoint does not count."""

    text: str
    tokens: int | None


def read_answer(content: bytes) -> Answer:
    """Return the text of the first choice; empty where the model refused.

    Raises
    ------
    TransientError
        The content is not an answer of the protocol, such as a page of a proxy.
    """
    try:
        parsed = parse_json(content, MAX_BYTES, MAX_PARTS)
        message = parsed["choices"][0]["message"]
        text = message.get("content")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise TransientError(f"no answer of the protocol: {_short(content.decode('utf-8', 'replace'))}") from error
    return Answer(text if isinstance(text, str) else "", _tokens(parsed.get("usage")))


def message_of(content: bytes) -> str:
    """Return what an answer with an error status says, on one line."""
    try:
        parsed = parse_json(content, MAX_BYTES, MAX_PARTS)
        error = parsed.get("error", parsed)
        said = error.get("message") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        said = None
    return _short(said if isinstance(said, str) else content[:4000].decode("utf-8", "replace"))


def _tokens(usage: Any) -> int | None:
    """Return prompt and completion tokens of a `usage` field; None where it has no such numbers."""
    if not isinstance(usage, dict):
        return None
    parts = [_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else _count(usage.get("total_tokens"))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _short(text: str) -> str:
    line = " ".join(text[:4000].split())
    printable = "".join(letter if letter.isprintable() else "?" for letter in line)
    return printable if len(printable) <= MOST_WORDS else f"{printable[:MOST_WORDS]}..."
