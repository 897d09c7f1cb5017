"""Lines that are page furniture wherever they stand, because they say so themselves."""

import re

LINE_CHARS = 100
"""No line of furniture has more characters."""
CONTENTS = re.compile(r"table\s{1,9}of\s{1,9}contents", re.IGNORECASE)
PAGE_OF = re.compile(r"[-\s]{0,4}page\s{0,3}\d{1,3}\s{1,3}of\s{1,3}\d{1,3}[-\s.]{0,4}", re.IGNORECASE)
MARKER = (
    r"(?i:cont(?:inued(?:\s(?:on|from)\s(?:the\s)?(?:next|following|previous|preceding)\spage)?|inuation)|"
    r"cont(?:['\u2019]?d)?\.?)"
)
CONTINUED = re.compile(
    rf".{{0,90}}[(\[]\s?{MARKER}\s?[.)\]]{{1,3}}"
    rf"|.{{0,90}}[-\u2013\u2014]\s?{MARKER}[)-]?"
    rf"|(?i:\W{{0,4}}(?:item|part)\s).{{1,90}}{MARKER}\)?"
    rf"|[^a-z]{{1,90}}[,:.]\s{{0,2}}{MARKER}"
)
"""A heading that is repeated on a later page: `Item 1. Business (continued)`, `REGULATION - cont'd`."""
FILE_PATH = re.compile(r"[\w.:-]{0,40}(?:\\[\w.$~-]{1,40}){2,9}", re.ASCII)
"""Where a law firm or a printer keeps the document."""


def is_furniture_line(text: str) -> bool:
    """Return whether a line is page furniture wherever it stands."""
    patterns = (CONTENTS, PAGE_OF, CONTINUED, FILE_PATH)
    return len(text) <= LINE_CHARS and any(pattern.fullmatch(text) for pattern in patterns)
