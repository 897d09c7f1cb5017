"""Finds page furniture: page numbers, running headers and footers, links to the table of contents.

Furniture shows by its place and its repetition: the same few words, digits aside, next to many page breaks.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, takewhile

from assets.descriptions.furniture_lines import LINE_CHARS, is_furniture_line
from assets.descriptions.segments import Segment

MAX_NUMBERS = 3
"""A line with more numbers is a row of a table."""
ZONE = 4
"""Pieces on either side of a page break among which furniture is looked for."""
REPEATS = 3
"""Least number of page breaks at which a running header appears."""
REPEAT_SHARE = 0.03
"""The same as a share of all page breaks, which counts in long documents."""
PLACE_SHARE = 0.75
"""Least share of a line's appearances next to page breaks; a subheading appears elsewhere as well."""

DIGITS = re.compile(r"\d+")
LETTER = re.compile(r"[^\W\d_]")
LONE = re.compile(r"(?:([A-Z]{1,3})\s?-\s?)?[-\u2013\u2014\s]*(\d{1,3})[-\u2013\u2014\s]*")
DRAWN = re.compile(r"[-\u2013\u2014]\s?\d{1,3}\s?[-\u2013\u2014]")
"""A page number between dashes, which is no figure, also among rows."""
PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-\u2013\u2014\s(|]*(?:[A-Z]{1,3}\s?-\s?)?(?:\d{1,3}|[ivxl]{1,6})[-\u2013\u2014\s)|]*(?:of\s+\d{1,3})?",
    re.IGNORECASE,
)
CONTENTS_LINK = re.compile(
    r"(?:(?:return|back)\s+to\s+)?(?:the\s+)?(?:table\s+of\s+contents|contents|index|top)(?:\s+of\s+contents)?",
    re.IGNORECASE,
)


def furniture(segments: list[Segment]) -> list[bool]:
    """Return for every segment of a document whether it is page furniture; page breaks are."""
    found = [segment.kind == "break" or is_furniture_line(segment.text) for segment in segments]
    headers = _headers(segments)
    for zone in _zones(segments):
        for index in takewhile(lambda i: _is_furniture(segments[i].text, headers), zone):
            found[index] = True
    for index in _page_numbers(segments, are_marked=_page_breaks(segments) >= REPEATS):
        found[index] = True
    return found


def _page_breaks(segments: list[Segment]) -> int:
    """Return the number of page breaks; several marks in a row count as one."""
    return sum(kind == "break" for kind, _ in groupby(segment.kind for segment in segments))


def _is_furniture(text: str, headers: frozenset[str]) -> bool:
    return bool(PAGE_NUMBER.fullmatch(text) or CONTENTS_LINK.fullmatch(text)) or _pattern(text) in headers


def _zones(segments: list[Segment]) -> Iterator[range]:
    """Yield the indices of the short segments on each side of each page break, from the break outwards."""
    for index, segment in enumerate(segments):
        if segment.kind != "break":
            continue
        for step in (-1, 1):
            end = index + step
            while 0 <= end < len(segments) and abs(end - index) <= ZONE and _could_be(segments[end]):
                end += step
            yield range(index + step, end, step)


def _could_be(segment: Segment) -> bool:
    return (
        segment.kind != "break" and len(segment.text) <= LINE_CHARS and len(DIGITS.findall(segment.text)) <= MAX_NUMBERS
    )


def _headers(segments: list[Segment]) -> frozenset[str]:
    """Return the patterns of lines with letters that repeat at page breaks and are mostly there."""
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
    """Return the line with `#` for numbers, so that the headers of all pages are equal."""
    return DIGITS.sub("#", text.casefold())


def _page_numbers(segments: list[Segment], are_marked: bool) -> list[int]:
    """Return the indices of lone consecutive numbers, which are page numbers.

    In a document with marked page breaks, a number that is not near one must be drawn as a page number.
    """
    numbers = {
        index: (number[1] or "", int(number[2]))
        for index, segment in enumerate(segments)
        if len(segment.text) <= LINE_CHARS
        and (DRAWN.fullmatch(segment.text) or (segment.kind == "prose" and not are_marked))
        and (number := LONE.fullmatch(segment.text))
    }
    values = set(numbers.values())
    return [i for i, (prefix, n) in numbers.items() if {(prefix, n - 1), (prefix, n + 1)} & values]
