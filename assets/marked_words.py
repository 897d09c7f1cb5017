"""Marks the words that wake a theme; `sql/macros/marked.sql` does the same in SQL, a test holds the two together."""

import re
from collections.abc import Sequence
from typing import NamedTuple

WORD = re.compile(r"[^\W_]+")
PLURAL_FROM, PLURAL = 4, "(?:e?s)?"
"""Letters of the shortest word of which singular and plural are one, and the end that either may have."""


class Piece(NamedTuple):
    """A stretch of a passage, and whether it is a word of the theme."""

    text: str
    is_marked: bool


def word_pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds words and phrases in any case, singular or plural, `refin*` as a prefix; None for none."""
    # Reversed order puts a phrase before its first word, so that it is found first.
    parts = sorted({_expression(word) for word in words} - {""}, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})(?![^\W_])", re.IGNORECASE) if parts else None


def _expression(word: str) -> str:
    parts = list(WORD.finditer(word))
    found = [re.escape(part[0]) + (r"[^\W_]*" if word[part.end() :][:1] == "*" else "") for part in parts]
    if parts and not found[-1].endswith("*") and len(parts[-1][0]) >= PLURAL_FROM:
        # One of the two is in a label, the other one in a passage: `beverage` and `beverages`.
        found[-1] = re.sub("(?<![sS])[sS]$", "", found[-1]) + PLURAL
    return r"[\W_]+".join(found)


def pieces(passage: str, pattern: re.Pattern[str] | None) -> list[Piece]:
    """Return a passage on one line, cut where marked words begin and end."""
    line = " ".join(passage.split())
    found, end = [], 0
    for match in pattern.finditer(line) if pattern else ():
        found += [Piece(line[end : match.start()], is_marked=False), Piece(match[0], is_marked=True)]
        end = match.end()
    return [piece for piece in (*found, Piece(line[end:], is_marked=False)) if piece.text]
