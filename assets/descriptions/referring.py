"""Tells a text that describes a business from one that only says where the description is.

Two kinds of Item 1 are none: an index, whose lines end with the pages of another document, and a few sentences that
all point to another document. A long text may have both and still describe a business.
"""

import re

STUB_CHARS = 800
"""A shorter text that incorporates another document by reference describes nothing."""
SENTENCE_CHARS = 50
"""A sentence has at least as many characters, which no label of an index has."""
SENTENCE_WORDS = 5
"""A sentence has at least as many words in lower case; labels of an index are capitalised."""
PROSE_SHARE = 0.15
"""Least share of sentences in a text that is not an index."""
PROSE_CHARS = 600
"""Characters of sentences that no index has, however long: a bank's Item 1 has few sentences among its tables."""
PAGE_LINES = 0.3
"""Least share of lines with pages in an index."""

BY_REFERENCE = re.compile(r"\bincorporated\b.{0,80}\breference\b", re.IGNORECASE | re.DOTALL)
POINTER = re.compile(
    r"incorporated (?:herein |in this \w+ |into this \w+ )?by (?:this )?reference|by reference (?:to|from|herein)|"
    r"reference is (?:hereby )?made|(?:is|are|been) (?:hereby )?(?:set forth|presented|included|contained|described|"
    r"discussed|provided|found|furnished|given|reported|shown|disclosed)\b.{0,60}\b(?:pages?|annual report|exhibit|"
    r"caption|captions|heading|headings|section|sections|proxy statement)\b|"
    r"(?:appears?|appearing|begins?|see|refer to)\b.{0,60}\b(?:pages?|annual report|exhibit|caption|captions|heading|"
    r"headings|proxy statement)\b|to be filed|wherein this subject|\bpages?\b.{0,40}\b(?:annual report|exhibit|proxy "
    r"statement)\b|submitted (?:as|in) a separate section",
    re.IGNORECASE,
)
"""A sentence that points to another place."""
SENTENCE_END = re.compile(r"[.!?][\"\u201d)]?\s+(?=[A-Z\"\u201c(])|\n+")
LOWER_WORD = re.compile(r"(?<![\w.])[a-z]{2,}")
PAGES = (
    r"(?:(?:pages?|pp?\.?)\s?)?[A-Z]{0,2}-?\d{1,3}(?:\s?(?:-|\u2013|to|through|and|&|,)\s?[A-Z]{0,2}-?\d{1,3}){0,30}"
)
PAGE_LINE = re.compile(
    rf"(?:^|[\s.(])(?:{PAGES}|n/?a|none|not applicable|\*{{1,3}}|--?|\u2014|\u2013)[\s,;)*(a-z\u2014\u2013-]{{0,9}}$",
    re.IGNORECASE,
)
"""A line of an index, which ends with pages or with a mark for none."""
NUMBERED_LINE = re.compile(rf"(?:^|[\s.(]){PAGES}\W{{0,9}}$", re.IGNORECASE)
LINE_END_CHARS = 120


def refers_only(text: str) -> str | None:
    """Return why a text describes nothing but points to another document; None if it describes something."""
    if is_index(text):
        return f"Item 1 is the index of another document: {text[:200]!r}"
    if len(text) < STUB_CHARS and (BY_REFERENCE.search(text) or _only_points(text)):
        return f"Item 1 only refers to another document: {text[:200]!r}"
    return None


def is_index(text: str) -> bool:
    """Return whether a text is mostly labels with the pages of another document, and hardly a sentence."""
    lines = [line for line in text.split("\n") if line.strip()]
    numbered = sum(NUMBERED_LINE.search(line[-LINE_END_CHARS:]) is not None for line in lines)
    paged = sum(PAGE_LINE.search(line[-LINE_END_CHARS:]) is not None for line in lines)
    if not numbered or paged < PAGE_LINES * len(lines):
        return False
    return sum(map(len, sentences(text))) < min(PROSE_SHARE * len(text), PROSE_CHARS)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text: its stretches of prose, without headings, labels and rows of tables."""
    parts = SENTENCE_END.split(text)
    return [part for part in parts if len(part) >= SENTENCE_CHARS and _is_prose(part)]


def own_chars(text: str) -> int:
    """Return how many characters of sentences a text has that point to no other place."""
    return sum(len(sentence) for sentence in sentences(text) if not POINTER.search(sentence))


def _is_prose(part: str) -> bool:
    words = len(LOWER_WORD.findall(part))
    return words >= SENTENCE_WORDS and not PAGE_LINE.search(part[-LINE_END_CHARS:])


def _only_points(text: str) -> bool:
    said = sentences(text)
    return bool(said) and all(POINTER.search(sentence) for sentence in said)
