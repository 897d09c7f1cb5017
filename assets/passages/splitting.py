"""Where a text's passages begin and end: sentences, short ones joined with a neighbour, long ones cut."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sentencex import get_sentence_boundaries

SHORT_CHARACTERS = 40
"""A sentence under this is joined with its neighbour in the same paragraph."""
LONG_TOKENS = 80
"""A passage of more tokens is cut."""
HEADING_CHARACTERS = 90
"""A paragraph of at most so many characters that does not end as a sentence does is a heading."""

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]*(?:[•●▪■○◦‣·*–—-]|\(?[a-z0-9]{1,3}[.)])[ \t])")
_CLAUSE_END = re.compile(r"[;:]\s|\n|,\s|\s")
_CLAUSE_RANK = {";": 0, ":": 0, "\n": 1, ",": 2}
_SENTENCE_END = re.compile(r"[.!?;:][\"')\]”’]*$")


class Span(NamedTuple):
    """Characters `[start, end)` of a text, blanks at both ends left out; `is_heading` where it titles what follows."""

    start: int
    end: int
    is_heading: bool = False


def passage_spans(text: str, token_starts: NDArray[np.integer]) -> list[Span]:
    """Return where the passages of a text are, in order; they do not overlap, and only blanks lie between them.

    Parameters
    ----------
    text : the description
    token_starts : [tokens] the character at which each token begins, ascending

    Returns
    -------
    list of Span
        None is longer than LONG_TOKENS tokens, but where a single word is.
    """
    spans = []
    for paragraph in _paragraphs(text):
        if _is_heading(text[paragraph.start : paragraph.end]):
            spans.append(paragraph._replace(is_heading=True))
            continue
        for joined in _joined(list(_sentences(text, paragraph))):
            spans += _cut(text, joined, token_starts)
    return spans


def _paragraphs(text: str) -> Iterator[Span]:
    start = 0
    for match in _PARAGRAPH_END.finditer(text):
        yield from _stripped(text, start, match.start())
        start = match.end()
    yield from _stripped(text, start, len(text))


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    inner = text[start:end]
    left = start + len(inner) - len(inner.lstrip())
    right = left + len(inner.strip())
    if right > left:
        yield Span(left, right)


def _is_heading(paragraph: str) -> bool:
    return len(paragraph) <= HEADING_CHARACTERS and not _SENTENCE_END.search(paragraph)


def _sentences(text: str, paragraph: Span) -> Iterator[Span]:
    inner = text[paragraph.start : paragraph.end]
    for found in get_sentence_boundaries("en", inner):
        yield from _stripped(text, paragraph.start + found["start_index"], paragraph.start + found["end_index"])


def _joined(sentences: Sequence[Span]) -> list[Span]:
    """Join a short sentence with the one behind it, the last one with the one before it."""
    joined: list[Span] = []
    for span in sentences:
        if joined and joined[-1].end - joined[-1].start < SHORT_CHARACTERS:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    if len(joined) > 1 and joined[-1].end - joined[-1].start < SHORT_CHARACTERS:
        last = joined.pop()
        joined[-1] = Span(joined[-1].start, last.end)
    return joined


def _cut(text: str, span: Span, token_starts: NDArray[np.integer]) -> Iterator[Span]:
    """Cut a span of too many tokens into pieces of about one length, where a clause ends if one does nearby."""
    while (tokens := _tokens_between(token_starts, span.start, span.end)) > LONG_TOKENS:
        pieces = -(-tokens // LONG_TOKENS)
        first = int(np.searchsorted(token_starts, span.start, side="left"))
        furthest = int(token_starts[first + LONG_TOKENS])
        nearest = int(token_starts[first + max(1, tokens // (2 * pieces))])
        wanted = int(token_starts[first + tokens // pieces])
        at = _break_at(text, nearest, furthest, wanted)
        yield from _stripped(text, span.start, at)
        rest = list(_stripped(text, at, span.end))
        if not rest:
            return
        span = rest[0]
    yield span


def _break_at(text: str, nearest: int, furthest: int, wanted: int) -> int:
    """Return the best character to cut at: behind a clause, else behind a word, nearest to the one wanted."""
    ends = [(_CLAUSE_RANK.get(found[0][0], 3), found.end()) for found in _CLAUSE_END.finditer(text, nearest, furthest)]
    return min(ends, key=lambda end: (end[0], abs(end[1] - wanted)))[1] if ends else furthest


def _tokens_between(token_starts: NDArray[np.integer], start: int, end: int) -> int:
    return int(np.searchsorted(token_starts, end, side="left") - np.searchsorted(token_starts, start, side="left"))
