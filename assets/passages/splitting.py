"""Where a text's passages begin and end: sentences and list items, short ones joined, long ones cut."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sentencex import get_sentence_boundaries

SHORT_CHARACTERS = 40
"""A sentence or item under this is joined with its neighbour."""
LONG_TOKENS = 80
"""A passage of more tokens is cut."""
HEADING_CHARACTERS = 90
"""A paragraph of at most so many characters that does not end as a sentence does is a heading."""
LIST_PARAGRAPHS = 4
"""So many such paragraphs in a row are no headings, for they title nothing: they are the items of a list."""

# Private-use and geometric characters are what Word's and Wingdings' bullets become in plain text.
_BULLET = r"[•●◦○▪▫■□◆◇▶►➢➤→»›‣⁃∙·✓✔\uf000-\uf0ff*–—-]{1,2}[ \t\u00a0]"  # noqa: RUF001
_NUMBER = r"(?:\(?(?:\d{1,2}|[a-z]|[ivx]{2,4})\)|\([A-Z]\)|(?:\d{1,2}|[a-z]|[ivx]{2,4})\.)[ \t\u00a0]"
_ITEM = re.compile(rf"{_BULLET}|{_NUMBER}")
_PARAGRAPH_END = re.compile(rf"\r?\n[ \t\r\u00a0]*\n\s*|\n(?=[ \t\u00a0]*(?:{_BULLET}|{_NUMBER}))")
_CLAUSE_END = re.compile(r"(?:[;:]\s|[。；：])|\n|(?:,\s|[，、،])|\s")  # noqa: RUF001
_CLAUSE_RANK = {**dict.fromkeys(";:。；：", 0), "\n": 1, **dict.fromkeys(",，、،", 2)}  # noqa: RUF001 - of other scripts
_SENTENCE_END = re.compile(r"[.!?;:。！？；：؟۔][\"')\]”’»」]*$")  # noqa: RUF001
# The sentence finder takes "non-U." and "555 S." for ends, where "S. plants" or "Main Street" follows.
_INITIAL = re.compile(r"(?:^|[\s(-])[A-Z]\.$")


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
        None has more than LONG_TOKENS tokens; where no word ends for so long, as in some scripts, one is cut inside.
    """
    return [piece for span in _whole(text) for piece in _cut(text, span, token_starts)]


def _whole(text: str) -> Iterator[Span]:
    """Yield headings, sentences and list items, short ones joined, long ones not yet cut."""
    for is_prose, group in groupby(_paragraphs(text), lambda paragraph: not _is_short(text, paragraph)):
        paragraphs = list(group)
        if is_prose:
            for paragraph in paragraphs:
                yield from _joined(_sentences(text, paragraph))
        elif len(paragraphs) >= LIST_PARAGRAPHS or any(_is_item(text, paragraph) for paragraph in paragraphs):
            yield from _joined(paragraphs)
        else:
            yield from (paragraph._replace(is_heading=True) for paragraph in paragraphs)


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


def _is_short(text: str, paragraph: Span) -> bool:
    """Whether a paragraph is a heading or an item of a list, not a sentence."""
    if paragraph.end - paragraph.start > HEADING_CHARACTERS:
        return False
    return not _SENTENCE_END.search(text, paragraph.start, paragraph.end)


def _is_item(text: str, paragraph: Span) -> bool:
    bullet = _ITEM.match(text, paragraph.start, paragraph.end)
    # "1. Business" is how headings are numbered, so of numbers only a list of several makes items.
    return bullet is not None and not bullet[0].strip(" \t\u00a0().").isalnum()


def _sentences(text: str, paragraph: Span) -> Iterator[Span]:
    inner, start = text[paragraph.start : paragraph.end], paragraph.start
    for found in get_sentence_boundaries("en", inner):
        end = paragraph.start + found["end_index"]
        if not _INITIAL.search(text[max(start, end - 8) : end].rstrip()):
            yield from _stripped(text, start, end)
            start = end
    yield from _stripped(text, start, paragraph.end)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Join a short span with the one behind it, the last one with the one before it."""
    joined: list[Span] = []
    for span in spans:
        if joined and _size(joined[-1]) < SHORT_CHARACTERS:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    if len(joined) > 1 and _size(joined[-1]) < SHORT_CHARACTERS:
        last = joined.pop()
        joined[-1] = Span(joined[-1].start, last.end)
    return joined


def _size(span: Span) -> int:
    return span.end - span.start


def _cut(text: str, span: Span, token_starts: NDArray[np.integer]) -> Iterator[Span]:
    """Cut a span of too many tokens into pieces of about one length, where a clause ends if one does nearby."""
    start = span.start
    while (tokens := _tokens_between(token_starts, start, span.end)) > LONG_TOKENS:
        pieces = -(-tokens // LONG_TOKENS)
        first = int(np.searchsorted(token_starts, start, side="left"))
        nearest, furthest, wanted = _starts(
            token_starts, first, (tokens // (2 * pieces), LONG_TOKENS, tokens // pieces)
        )
        at = _break_at(text, nearest, furthest, wanted)
        yield from _with_flag(text, start, at, span)
        start = at
    yield from _with_flag(text, start, span.end, span)


def _with_flag(text: str, start: int, end: int, whole: Span) -> Iterator[Span]:
    return (piece._replace(is_heading=whole.is_heading) for piece in _stripped(text, start, end))


def _starts(token_starts: NDArray[np.integer], first: int, tokens: Sequence[int]) -> list[int]:
    return [int(token_starts[first + max(1, n)]) for n in tokens]


def _break_at(text: str, nearest: int, furthest: int, wanted: int) -> int:
    """Return the best character to cut at: behind a clause, else behind a word, nearest to the one wanted."""
    ends = [(_CLAUSE_RANK.get(found[0][0], 3), found.end()) for found in _CLAUSE_END.finditer(text, nearest, furthest)]
    return min(ends, key=lambda end: (end[0], abs(end[1] - wanted)))[1] if ends else furthest


def _tokens_between(token_starts: NDArray[np.integer], start: int, end: int) -> int:
    return int(np.searchsorted(token_starts, end, side="left") - np.searchsorted(token_starts, start, side="left"))
