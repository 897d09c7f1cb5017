"""Marks the words that wake a theme; `sql/macros/marked.sql` does the same in SQL, a test holds the two together."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

WORD = re.compile(r"[^\W_]+")
PLURAL_FROM, PLURAL = 4, "(?:e?s)?"
"""Letters of the shortest word of which singular and plural are one, and the end that either may have."""
TEXTS_AT_ONCE = 256


class Piece(NamedTuple):
    """A stretch of a passage, and whether it is a word of the theme."""

    text: str
    is_marked: bool


def word_pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds words and phrases in any case, singular or plural, `refin*` as a prefix; None for none."""
    # Reversed order puts a phrase before its first word, so that it is found first.
    parts = sorted({_expression(word) for word in words} - {""}, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})(?![^\W_])", re.IGNORECASE) if parts else None


def found_terms(texts: Sequence[str], terms: Sequence[str]) -> list[set[str]]:
    """Return which words and phrases each text has, by the rule of `word_pattern`: many terms in one reading.

    Raises
    ------
    ValueError
        A term has a `*` before its end.
    """
    known: dict[str, list[str]] = {}
    for term in terms:
        for form in _forms(term):
            known.setdefault(form, []).append(term)
    if not known:
        return [set() for _ in texts]
    found: list[set[str]] = []
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        lines = pl.Series(texts[first : first + TEXTS_AT_ONCE], dtype=pl.String)
        plain = (" " + lines.str.to_lowercase().str.replace_all(r"[\W_]+", " ") + " ").alias("text")
        matches = plain.str.extract_many(list(known), overlapping=True).list.unique()
        found += [{term for form in forms for term in known[form]} for forms in matches.to_list()]
    return found


def _forms(term: str) -> list[str]:
    """Return how a term can stand in a text of lower-case words with single spaces before and after each."""
    if "*" in term[:-1]:
        raise ValueError(f"{term!r}: a prefix ends with its `*`")
    parts = WORD.findall(term.lower())
    if not parts:
        return []
    *before, last = parts
    start = "".join(f" {part}" for part in before)
    if term.endswith("*"):
        return [f"{start} {last}"]
    if len(last) < PLURAL_FROM:
        return [f"{start} {last} "]
    stem = _singular(last)
    return [f"{start} {stem}{end} " for end in ("", "s", "es")]


def _singular(word: str) -> str:
    """Return a word without the s of its plural; of two the last one stays, too: `glass`."""
    return re.sub("(?<![sS])[sS]$", "", word)


def _expression(word: str) -> str:
    parts = list(WORD.finditer(word))
    found = [re.escape(part[0]) + (r"[^\W_]*" if word[part.end() :][:1] == "*" else "") for part in parts]
    if parts and not found[-1].endswith("*") and len(parts[-1][0]) >= PLURAL_FROM:
        # One of the two is in a label, the other one in a passage: `beverage` and `beverages`.
        found[-1] = _singular(found[-1]) + PLURAL
    return r"[\W_]+".join(found)


def pieces(passage: str, pattern: re.Pattern[str] | None) -> list[Piece]:
    """Return a passage on one line, cut where marked words begin and end."""
    line = " ".join(passage.split())
    found, end = [], 0
    for match in pattern.finditer(line) if pattern else ():
        found += [Piece(line[end : match.start()], is_marked=False), Piece(match[0], is_marked=True)]
        end = match.end()
    return [piece for piece in (*found, Piece(line[end:], is_marked=False)) if piece.text]
