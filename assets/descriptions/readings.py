"""What a reader of Item 1 found, and which of two readers is right where they differ.

The rule is that of a person: the text that begins with the item's heading and ends before the next item's.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz.distance import LCSseq

from assets.descriptions.headings import PART, bare_heading, heading
from assets.descriptions.outline import JOINT, NEXT

ITEMIZE, EDGARTOOLS = "edgar-itemize", "edgartools"
AGREEMENT = 0.9
"""Least share of each text's letters that the other must have in the same order."""
COMPARED_LETTERS = 200_000
"""Letters that are compared one by one; of longer texts, only the lengths are compared beyond that."""
TAIL_LETTERS = 80
"""Letters and digits at a text's end by which its end is found in the document."""
AFTER_LETTERS = 150
"""Letters and digits after it, page furniture included, in which the next item's heading must begin."""
NEXT_ITEM = re.compile(r"items?(?:1[abc]|2|3|4|ii|two)")


@dataclass(frozen=True)
class Reading:
    """What one reader found, or why it found nothing."""

    reader: str
    text: str = ""
    problem: str = ""
    """Why there is no text."""
    failed: bool = False
    """Whether the reader could not read the document, so that nothing follows about Item 1."""
    refers: bool = False
    """Whether Item 1 is there and only says where the description is."""
    doubt: str | None = None
    """Why its bounds are uncertain."""
    document: str = ""
    """The text of the whole document, in which its bounds can be looked at."""


def letters(text: str) -> str:
    """Return the letters a to z of a text, in lower case."""
    return re.sub("[^a-z]", "", text.lower())


def overlap(one: str, other: str) -> float:
    """Return the share of the longer text's letters that both have in the same order; an upper bound for long texts."""
    left, right = letters(one), letters(other)
    lengths = sorted((len(left), len(right)))
    if not lengths[0]:
        return 0.0
    common: float = LCSseq.normalized_similarity(left[:COMPARED_LETTERS], right[:COMPARED_LETTERS])
    return min(common, lengths[0] / lengths[1])


def preferred(itemize: Reading, edgartools: Reading, share: float) -> Reading | None:
    """Return the reading that begins with the heading of Item 1 and ends before the next item; None if neither does.

    Of two such readings, one within the other begins at a running header, so the longer one is right.
    """
    document = itemize.document
    bounded = [reading for reading in (itemize, edgartools) if is_bounded(reading, document)]
    if len(bounded) < 2:
        return bounded[0] if bounded else None
    shorter, longer = sorted(bounded, key=lambda reading: len(letters(reading.text)))
    common = share * len(letters(longer.text)) / len(letters(shorter.text))
    return longer if common >= AGREEMENT else bounded[0]


def is_bounded(reading: Reading, document: str) -> bool:
    """Return whether a text begins with the heading of Item 1, has no later item's heading, and stops before one."""
    if not reading.text or reading.doubt or not begins_with_heading(reading.text) or has_later_item(reading.text):
        return False
    return reading.reader == ITEMIZE or _stops_before_an_item(reading.text, document)


def begins_with_heading(text: str) -> bool:
    """Return whether the first line is the heading of Item 1, after that of Part I if it is there."""
    return _first_items(text.split("\n")) is not None


def has_later_item(text: str) -> bool:
    """Return whether the heading of an item after those in the first heading is inside a text."""
    lines = [line for line in text.split("\n") if line]
    own = (_first_items(lines) or frozenset()) | _first_items_below(lines)
    said = (heading(line, below) for line, below in pairwise([*lines, ""]))
    return any(found.items & NEXT - own for found in said if found)


def without_part(text: str) -> str:
    """Return a text without the heading of Part I before that of Item 1."""
    first, _, rest = text.partition("\n")
    return rest.lstrip("\n") if PART.fullmatch(first) and begins_with_heading(rest.lstrip("\n")) else text


def _first_items(lines: list[str]) -> frozenset[str] | None:
    filled = [line for line in lines[:9] if line.strip() and not PART.fullmatch(line)]
    if not filled:
        return None
    said = heading(filled[0], filled[1] if len(filled) > 1 else "") or bare_heading(filled[0], "1")
    return said.items if said and "1" in said.items else None


def _first_items_below(lines: list[str]) -> frozenset[str]:
    """Return the items of the headings in a row right below the first one."""
    items: frozenset[str] = frozenset()
    for line in lines[1:]:
        found = heading(line)
        if found is None and not JOINT.fullmatch(line):
            break
        items |= found.items & {"2", "3"} if found else items
    return items


def _stops_before_an_item(text: str, document: str) -> bool:
    tail, within = _folded(text[-4 * TAIL_LETTERS :])[-TAIL_LETTERS:], _folded(document)
    at = within.rfind(tail)
    after = within[at + len(tail) : at + len(tail) + AFTER_LETTERS] if tail and at >= 0 else ""
    return NEXT_ITEM.search(after) is not None


def _folded(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
