"""The plain text of Item 1 as people read it: paragraphs and tables, without mark-up and page furniture."""

import re
from collections.abc import Iterable

from assets.descriptions.hyphens import SUSPENDED
from assets.descriptions.itemize_reader import Located
from assets.descriptions.page_furniture import furniture
from assets.descriptions.segments import Segment, lines, segments

CUT_WORD = re.compile(r"[a-z]-$")
UNFINISHED = re.compile(r".{60,}[^.:;!?]", re.DOTALL)
"""A paragraph that may have been cut by a page break or by a line that looked like a heading."""
LATER_HEADING = re.compile(
    r"PART\s+I{1,3}\W*|ITEM\s*1\W*business\W*|"
    r"ITEMS?\s*(?:1\s*\W?[ABC]|2)\W*(?:risk\s+factors|unresolved.*|cybersecurity|.*propert\w+)?\W*",
    re.IGNORECASE,
)
"""A remainder of a running header, of the last page or of the next item's."""


def plain_text(located: Located) -> str:
    """Return Item 1: paragraphs separated by a blank line, table rows by a newline, cells by a blank."""
    wanted = _without_furniture(segments(located), heading=located.start)
    return _joined(segment for segment in wanted if located.start <= segment.start < located.end)


def plain_text_of(text: str) -> str:
    """Return the same for a text in which every line is a paragraph."""
    return _joined(_without_furniture(lines(text)))


def _without_furniture(document: list[Segment], heading: int | None = None) -> list[Segment]:
    """Return the segments without furniture; a run of furniture is replaced by one page break.

    The heading of Item 1 stays, although running headers repeat it.
    """
    kept: list[Segment] = []
    for segment, unwanted in zip(document, furniture(document), strict=True):
        if not unwanted or (segment.start == heading and segment.kind != "break"):
            kept.append(segment)
        elif not kept or kept[-1].kind != "break":
            kept.append(Segment("break", "", segment.start))
    return kept


def _joined(wanted: Iterable[Segment]) -> str:
    item = list(wanted)
    while len(item) > 1 and (item[-1].kind == "break" or LATER_HEADING.fullmatch(item[-1].text)):
        item.pop()
    parts: list[str] = []
    before: Segment | None = None
    interrupted = False
    for segment in item:
        if segment.kind == "break":
            interrupted = True
            continue
        if before:
            parts.append(_gap(before, segment, interrupted))
        parts.append(segment.text)
        before, interrupted = segment, False
    return "".join(parts)


def _gap(before: Segment, after: Segment, interrupted: bool) -> str:
    """Return the separator of two segments; a blank rejoins a paragraph that was cut."""
    if before.kind == after.kind == "row":
        return "\n"
    goes_on = after.may_continue or (interrupted and after.text[0].islower())
    if not goes_on or before.kind != after.kind or not UNFINISHED.fullmatch(before.text):
        return "\n\n"
    return "" if CUT_WORD.search(before.text[-2:]) and after.text.split(" ", 1)[0] not in SUSPENDED else " "
