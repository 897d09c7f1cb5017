"""Finds Item 1 by the headings of a report, with the rules of a reader: the second look where edgar-itemize is wrong.

Headings that follow each other closely, in the order of the form, are a table of contents. A heading that is repeated
page by page is a running header, and its segments belong together. Headings in a row over one text are one heading.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgar_itemize.blocks import Block

from assets.descriptions.headings import PART, PART_ONE, TITLE, Heading, bare_heading, heading
from assets.descriptions.referring import sentences

LISTED = 4
"""Headings in a row that are a table of contents."""
ENTRY_CHARS = 3_000
"""Most characters of an entry of a table of contents, with a title over several lines and its subheadings."""
WRAPPED_CHARS = 40
"""A line with as many characters may go on in the next, so that an item at its start is only mentioned."""
WRAPPED = re.compile(r"[,;(]$|\([a-z0-9]{1,4}\)$")
"""The end of a line that goes on in the next, however short it is: a comma, or the number of what comes next."""
JOINT = re.compile(r"[\s.,;:/&-]*(?:and)?[\s.,;:/&-]*", re.IGNORECASE)
"""What may stand between two headings over one text."""
MARKED = re.compile(r"\W{0,6}(?:item|part|article|section)", re.IGNORECASE)
MAX_MARKED = 4_000
"""Lines; reports with running headers over both halves of a page have some hundreds."""
NEXT = frozenset({"1A", "1B", "1C", "2", "3", "4"})
"""Items of which one follows Item 1."""
LAST_JOINED = 3
"""Items 1 to 3 are written as one by miners and oil companies; later items are not."""


@dataclass(frozen=True)
class Span:
    """Where Item 1 may be."""

    start: int
    """Offset of the heading's first character."""
    end: int
    """Offset one past the last character before the next item's heading, or the end of the document."""
    is_followed: bool
    """Whether a next item's heading follows."""
    repeats: tuple[int, ...] = ()
    """Offsets of the running headers in it, which repeat its heading."""
    doubt: str | None = None
    """Why the bounds are uncertain."""


@dataclass(frozen=True)
class _Line:
    """A line of plain text, or a paragraph or cell of a page."""

    text: str
    start: int
    is_apart: bool
    """Whether a blank line, a page break or the start of a paragraph or cell precedes it."""


@dataclass(frozen=True)
class _Found:
    """A heading and its place."""

    heading: Heading
    start: int
    line: int
    """Number of its line."""

    @property
    def items(self) -> frozenset[str]:
        return self.heading.items


class Outline:
    """The headings of a document.

    Parameters
    ----------
    blocks : sequence of Block
        Its blocks of text.
    length : int
        Its characters.
    """

    def __init__(self, blocks: Sequence[Block], length: int) -> None:
        self._lines = list(_lines(blocks))
        self._length = length

    @cached_property
    def listed(self) -> frozenset[int]:
        """Offsets of the headings that are entries of a table of contents."""
        runs: list[list[_Found]] = []
        for found in self._headings:
            if runs and self._is_close(runs[-1][-1], found):
                runs[-1].append(found)
            else:
                runs.append([found])
        lists = (run for run in runs if len(run) >= LISTED or (len(run) > 1 and run[0].heading.has_page))
        return frozenset(entry.start for run in lists for entry in run)

    @property
    def is_overlong(self) -> bool:
        """Whether more lines begin like headings than in any report; edgar-itemize weighs each against all others."""
        return sum(MARKED.match(line.text) is not None for line in self._lines) > MAX_MARKED

    @cached_property
    def spans(self) -> list[Span]:
        """Where Item 1 may be, in order; headings without `Item` are asked only where no other is found."""
        return list(self._item_spans()) or list(self._bare_spans())

    def is_mention(self, start: int) -> bool:
        """Return whether an item is only mentioned in the line at an offset.

        The line before goes on in it, or it is a later item and one of those that follow Item 1 is still to come.
        """
        later = {found.start for found in self._headings if not found.items & NEXT}
        if start in later and any(span.start < start < span.end for span in self.spans if span.is_followed):
            return True
        number = bisect_left(self._starts, start)
        if number == len(self._lines) or self._lines[number].start != start or self._lines[number].is_apart:
            return False
        return _goes_on(self._text(number - 1))

    @cached_property
    def _starts(self) -> list[int]:
        return [line.start for line in self._lines]

    @cached_property
    def _headings(self) -> list[_Found]:
        lines = self._lines
        return [_Found(said, line.start, n) for n, line in enumerate(lines) if (said := self._heading(n))]

    def _heading(self, number: int) -> Heading | None:
        """Return the heading that a line is; None also where the line before goes on in it."""
        line = self._lines[number]
        said = heading(line.text, self._text(number + 1))
        return None if said is None or (not line.is_apart and _goes_on(self._text(number - 1))) else said

    def _text(self, number: int) -> str:
        return self._lines[number].text if 0 <= number < len(self._lines) else ""

    def _is_close(self, before: _Found, after: _Found) -> bool:
        """Return whether two headings are entries of one list: in order, and without a sentence between them."""
        if _first(before.items) >= _first(after.items) or after.start - before.start > ENTRY_CHARS:
            return False
        return not sentences("\n".join(line.text for line in self._lines[before.line + 1 : after.line]))

    def _item_spans(self) -> Iterator[Span]:
        real = [found for found in self._headings if found.start not in self.listed]
        firsts = [n for n, found in enumerate(real) if "1" in found.items]
        continued = max((n for n in firsts if real[n].heading.is_continued), default=-1)
        following = [n for n, found in enumerate(real) if found.items & NEXT]
        at = end = 0
        for at in firsts:
            if at < end:
                continue
            end = self._end_of(real, at, continued)
            repeats = tuple(found.start for found in real[at + 1 : end])
            # A later item is only mentioned where one that comes before it is still to follow.
            later = bisect_left(following, end)
            end = following[later] if later < len(following) else end
            is_followed = end < len(real)
            at = self._last_of_double(real, at)  # noqa: PLW2901
            yield Span(real[at].start, real[end].start if is_followed else self._length, is_followed, repeats)

    def _last_of_double(self, real: list[_Found], at: int) -> int:
        """Return the index of the true heading where a running header with the same words stands right above it."""
        while (
            at + 1 < len(real) and real[at].items == real[at + 1].items and self._between(real[at], real[at + 1]) == ""
        ):
            at += 1
        return at

    def _between(self, before: _Found, after: _Found) -> str:
        return " ".join(line.text for line in self._lines[before.line + 1 : min(after.line, before.line + 4)]).strip()

    def _end_of(self, real: list[_Found], at: int, continued: int) -> int:
        """Return the index of the first heading after Item 1's, its continuations and what is joined to it."""
        items, end = set(real[at].items), max(at, continued) + 1
        while end < len(real) and self._is_joined(real[end - 1], real[end]):
            items |= real[end].items
            end += 1
        while end < len(real) and ("1" in real[end].items or real[end].items <= items):
            end += 1
        return end

    def _is_joined(self, before: _Found, after: _Found) -> bool:
        between = " ".join(line.text for line in self._lines[before.line + 1 : after.line][:3])
        titles = before.heading.title + between
        return (
            "1" in before.items
            and _first(after.items)[0] <= LAST_JOINED
            and after.items <= {"2", "3"}
            and after.line - before.line <= LAST_JOINED
            and JOINT.fullmatch(between if before.heading.title else TITLE["1"].sub("", titles, count=1)) is not None
        )

    def _bare_spans(self) -> Iterator[Span]:
        """Yield spans of headings without `Item`: below PART I, or where Items 1 to 3 have such headings in order."""
        numbers = range(len(self._lines))
        ends = [n for n in numbers if self._ends_bare(n)]
        legal = max((n for n in numbers if bare_heading(self._text(n), "3")), default=-1)
        for number in numbers:
            line, later = self._lines[number], bisect_right(ends, number)
            if later == len(ends) or bare_heading(line.text, "1") is None:
                continue
            is_below_part = PART_ONE.fullmatch(self._text(number - 1)) is not None
            if is_below_part or (line.is_apart and ends[later] < legal):
                doubt = None if is_below_part else "its heading has no item number, so its bounds are uncertain"
                yield Span(line.start, self._lines[ends[later]].start, True, doubt=doubt)

    def _ends_bare(self, number: int) -> bool:
        line = self._lines[number]
        if PART.fullmatch(line.text) and not PART_ONE.fullmatch(line.text):
            return True
        said = self._heading(number)
        return bool(said and said.items & NEXT) or (line.is_apart and bare_heading(line.text, "2") is not None)


def _lines(blocks: Sequence[Block]) -> Iterator[_Line]:
    for block in blocks:
        start = block.norm_start
        for number, line in enumerate(block.text.split("\n") if block.kind == "para" else ()):
            yield _Line(line, start, block.blank_before and not number)
            start += len(line) + 1


def _goes_on(line: str) -> bool:
    """Return whether a line goes on in the next one, so that a heading at its start is only mentioned."""
    return WRAPPED.search(line[-WRAPPED_CHARS:]) is not None or (len(line) >= WRAPPED_CHARS and line[-1].islower())


def _first(items: frozenset[str]) -> tuple[int, str]:
    """Return the place of the first of some items in the form."""
    return min((int(item.rstrip("ABC")), item[len(item.rstrip("ABC")) :]) for item in items)
