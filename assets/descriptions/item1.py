"""What a company says about its business: the text of Item 1 out of any annual report since 1993.

edgar-itemize finds the item; in HTML edgartools looks too, and where their letters differ by more than a tenth the
text is flagged. Nothing here raises because of what a document holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from edgar_itemize.sgml import sniff_is_html
from rapidfuzz.distance import LCSseq

from assets.descriptions.itemize_reader import located
from assets.descriptions.markup import preformatted, references_decoded, simplify_markup
from assets.descriptions.plain_text import plain_text, plain_text_of
from assets.descriptions.text_quality import SHORT_CHARS
from resources.edgar.submission import main_document

FIRST, SECOND = "edgar-itemize", "edgartools"
AGREEMENT = 0.9
"""Share of the letters of either text that has to be in the other, in the same order."""
COMPARED_LETTERS = 200_000
"""Letters of a text that are compared one by one; of longer ones, the length as well."""
MOST_CHARS, MOST_CHARS_TWICE = 30_000_000, 8_000_000
"""Characters of the longest document that is read, and of the longest that is read twice, mark-up that counts."""
HEADING_CHARS = 60
"""A text that is no longer is a heading with nothing under it."""
STUB_CHARS = 800
"""A text that is shorter and points to another document describes nothing."""
POINTER = re.compile(r"\bincorporated\b.{0,80}\breference\b", re.IGNORECASE | re.DOTALL)
COMBINED = re.compile(r"\W*items?\s+1\W+(?:(?:and|&)\W+)?(?:item\s+)?[2-9]\b", re.IGNORECASE)
"""A heading of several items, which edgartools does not know."""
GAP = re.compile(r"[ \t\xa0]{300,}|\n{30,}")
HTML_START = re.compile(r"<html\b", re.IGNORECASE)
START_CHARS = 50_000
TROUBLE_CHARS = 200

T = TypeVar("T")
Quality = Literal["ok", "short", "disagree", "missing"]


@dataclass(frozen=True)
class Item1:
    """The text of Item 1 and how far it can be trusted."""

    text: str
    """Paragraphs separated by a blank line; empty where quality is missing."""
    method: str
    """Whose text it is: edgar-itemize or edgartools."""
    quality: Quality
    """`disagree` where the readers find different texts, or nothing tells where the text ends."""
    reason: str | None = None
    """Why there is no text, or what is doubtful about it."""
    overlap: float | None = None
    """Share of the letters of the longer text that both readers found, in the same order."""


@dataclass(frozen=True)
class _Opinion:
    """What one reader found, or why it found nothing."""

    reader: str
    text: str = ""
    trouble: str = ""
    failed: bool = False
    """Whether it could not read the document, which says nothing about Item 1."""
    unbounded: bool = False
    """Whether no later item follows, so that the text goes on to the end of the document."""


def item1(content: bytes) -> Item1:
    """Item 1 of an annual report, given as a submission, the beginning of one, or a bare document."""
    document = GAP.sub(lambda gap: gap[0][:2], main_document(content))
    if not document.strip():
        return _missing("the submission has no document that can be read as text")
    if len(document) > MOST_CHARS:
        return _missing(f"the document has {len(document):,} characters, more than any annual report")
    if (text := _plain(document)) is not None:
        first = _first(text, is_html=False)
        return _rated(first) if first.text else _missing(first.trouble)
    light = simplify_markup(document)
    return _judged(_first(light, is_html=True), _second(light, document))


def letters(text: str) -> str:
    """The letters a to z of a text, in lower case."""
    return re.sub("[^a-z]", "", text.lower())


def overlap(one: str, other: str) -> float:
    """Share of the longer text's letters that stand in both texts in the same order; an upper bound for long texts."""
    mine, theirs = letters(one), letters(other)
    lengths = sorted((len(mine), len(theirs)))
    if not lengths[0]:
        return 0.0
    common: float = LCSseq.normalized_similarity(mine[:COMPARED_LETTERS], theirs[:COMPARED_LETTERS])
    return min(common, lengths[0] / lengths[1])


def _plain(document: str) -> str | None:
    """The document if it is plain text, also such that is only wrapped in HTML; None where mark-up matters."""
    if not sniff_is_html(document) and not HTML_START.search(document, 0, START_CHARS):
        return references_decoded(document).replace("\f", "\n<PAGE>\n")
    return preformatted(document)


def _first(document: str, is_html: bool) -> _Opinion:
    found, trouble = _asked(lambda: located(document, is_html))
    opinion = _opinion(FIRST, plain_text(found) if found else "", trouble)
    return replace(opinion, unbounded=found is not None and not found.is_followed)


def _second(document: str, original: str) -> _Opinion:
    from assets.descriptions.edgartools_reader import edgartools_text  # noqa: PLC0415 - a second to load, for HTML only

    if len(document) > MOST_CHARS_TWICE:
        return _Opinion(SECOND, trouble=f"{SECOND} was not asked about {len(document):,} characters", failed=True)
    found, trouble = _asked(lambda: edgartools_text(document, original))
    return _opinion(SECOND, plain_text_of(found or ""), trouble)


def _asked(read: Callable[[], T | None]) -> tuple[T | None, str | None]:
    """What a library finds, and what it stumbles over: it meets documents that nobody has tried it on."""
    try:
        return read(), None
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"[:TROUBLE_CHARS]


def _opinion(reader: str, text: str, trouble: str | None) -> _Opinion:
    if trouble:
        return _Opinion(reader, trouble=f"{reader} failed with {trouble}", failed=True)
    if not text:
        return _Opinion(reader, trouble=f"{reader} found no Item 1")
    if len(text) <= HEADING_CHARS:
        return _Opinion(reader, trouble=f"{reader} found nothing under the heading {text!r}")
    if len(text) < STUB_CHARS and POINTER.search(text):
        return _Opinion(reader, trouble=f"Item 1 only points to another document: {text[:TROUBLE_CHARS]!r}")
    return _Opinion(reader, text)


def _judged(first: _Opinion, second: _Opinion) -> Item1:
    if first.text and second.text:
        share = overlap(first.text, second.text)
        return _rated(first, overlap=share) if share >= AGREEMENT else _disagreeing(first, second, share)
    if first.text and (second.failed or COMBINED.match(first.text)):
        return _rated(first, reason=f"no second opinion: {second.trouble}")
    if first.text or second.text:
        return _disagreeing(*((first, second) if first.text else (second, first)), share=0.0)
    return _missing(first.trouble if first.trouble == second.trouble else f"{first.trouble}; {second.trouble}")


def _disagreeing(chosen: _Opinion, other: _Opinion, share: float) -> Item1:
    found = f"{chosen.reader} found {len(letters(chosen.text)):,} letters"
    differs = f"{other.reader} {len(letters(other.text)):,}, {share:.0%} of them alike" if other.text else other.trouble
    return Item1(chosen.text, chosen.reader, "disagree", f"{found}, {differs}", share)


def _rated(opinion: _Opinion, reason: str | None = None, overlap: float | None = None) -> Item1:
    doubts = [reason] if reason else []
    quality: Quality = "ok"
    if opinion.unbounded:
        quality = "disagree"
        doubts.append(f"{opinion.reader} found no item after it, so the text goes on to the very end")
    if len(opinion.text) < SHORT_CHARS:
        quality = "short"
        doubts.append(f"{len(opinion.text)} characters are little to tell a business by")
    return Item1(opinion.text, opinion.reader, quality, "; ".join(doubts) or None, overlap)


def _missing(reason: str) -> Item1:
    return Item1("", FIRST, "missing", reason)
