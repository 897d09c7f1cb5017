"""What stands on pages and not in the text: page numbers, running headers and footers, links to the contents.

Furniture is known by its place and by coming back: the same few words, figures aside, next to many page breaks.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, takewhile

from assets.descriptions.segments import Segment

SHORT_CHARS = 100
"""No running header is longer."""
FIGURES = 3
"""A line with more is a row of a table."""
ZONE = 4
"""Pieces on either side of a page break among which furniture is looked for."""
REPEATS = 3
"""Page breaks at which a header has to come back."""
REPEAT_SHARE = 0.03
"""The same as a share of all page breaks, for long documents."""
PLACE_SHARE = 0.75
"""Share of a line's appearances that have to be next to page breaks; a subheading is elsewhere as well."""

DIGITS = re.compile(r"\d+")
LETTER = re.compile(r"[^\W\d_]")
LONE = re.compile(r"[-\u2013\u2014\s]*(\d{1,3})[-\u2013\u2014\s]*")
PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-\u2013\u2014\s(|]*(?:[A-Z]{1,3}-)?(?:\d{1,3}|[ivxl]{1,6})[-\u2013\u2014\s)|]*(?:of\s+\d{1,3})?",
    re.IGNORECASE,
)
CONTENTS_LINK = re.compile(
    r"(?:(?:return|back)\s+to\s+)?(?:the\s+)?(?:table\s+of\s+contents|contents|index|top)(?:\s+of\s+contents)?",
    re.IGNORECASE,
)
CONTENTS = re.compile(r"table\s+of\s+contents", re.IGNORECASE)


def furniture(segments: list[Segment]) -> list[bool]:
    """For every segment of a document whether it is page furniture; page breaks are."""
    found = [segment.kind == "break" or CONTENTS.fullmatch(segment.text) is not None for segment in segments]
    headers = _headers(segments)
    for zone in _zones(segments):
        for index in takewhile(lambda i: _is_furniture(segments[i].text, headers), zone):
            found[index] = True
    if _page_breaks(segments) < REPEATS:
        for index in _counting(segments):
            found[index] = True
    return found


def _page_breaks(segments: list[Segment]) -> int:
    """How many places have one; a rule, a mark and a link to the contents in a row are one."""
    return sum(kind == "break" for kind, _ in groupby(segment.kind for segment in segments))


def _is_furniture(text: str, headers: frozenset[str]) -> bool:
    return bool(PAGE_NUMBER.fullmatch(text) or CONTENTS_LINK.fullmatch(text)) or _pattern(text) in headers


def _zones(segments: list[Segment]) -> Iterator[range]:
    """Indices of the short segments next to each page break, from the break outwards, both ways."""
    for index, segment in enumerate(segments):
        if segment.kind != "break":
            continue
        for step in (-1, 1):
            end = index + step
            while 0 <= end < len(segments) and abs(end - index) <= ZONE and _could_be(segments[end]):
                end += step
            yield range(index + step, end, step)


def _could_be(segment: Segment) -> bool:
    return segment.kind != "break" and len(segment.text) <= SHORT_CHARS and len(DIGITS.findall(segment.text)) <= FIGURES


def _headers(segments: list[Segment]) -> frozenset[str]:
    """Patterns of the lines with letters that come back at page breaks, and mostly there."""
    next_to_breaks = {index for zone in _zones(segments) for index in zone}
    at_breaks = Counter(_pattern(segments[index].text) for index in next_to_breaks)
    everywhere = Counter(_pattern(segment.text) for segment in segments if _could_be(segment))
    enough = max(REPEATS, REPEAT_SHARE * _page_breaks(segments))
    return frozenset(
        pattern
        for pattern, count in at_breaks.items()
        if count >= enough and count >= PLACE_SHARE * everywhere[pattern] and LETTER.search(pattern)
    )


def _pattern(text: str) -> str:
    """The line with figures left out, so that the headers of all pages are one."""
    return DIGITS.sub("#", text.casefold())


def _counting(segments: list[Segment]) -> list[int]:
    """Indices of lone numbers that count on through the document: page numbers, where page breaks are not marked."""
    numbers = {
        i: int(number[1]) for i, p in enumerate(segments) if p.kind == "prose" and (number := LONE.fullmatch(p.text))
    }
    counted = set(numbers.values())
    return [index for index, number in numbers.items() if {number - 1, number + 1} & counted]
