"""Extracts the text of Item 1, the description of the business, from any annual report since 1993.

edgar-itemize finds the item. In HTML, edgartools reads it as well, and a text on which the two differ by more than a
tenth of its letters is flagged. No content of a document makes this module raise.
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

ITEMIZE, EDGARTOOLS = "edgar-itemize", "edgartools"
AGREEMENT = 0.9
"""Least share of each text's letters that the other must have in the same order."""
COMPARED_LETTERS = 200_000
"""Letters that are compared one by one; of longer texts, only the lengths are compared beyond that."""
MAX_CHARS, MAX_CHARS_EDGARTOOLS = 30_000_000, 8_000_000
"""Characters, mark-up included, of the longest document to read, and of the longest for edgartools."""
HEADING_CHARS = 60
"""A text of at most this length is a heading with nothing under it."""
STUB_CHARS = 800
"""A shorter text that incorporates another document by reference describes nothing."""
BY_REFERENCE = re.compile(r"\bincorporated\b.{0,80}\breference\b", re.IGNORECASE | re.DOTALL)
COMBINED = re.compile(r"\W*items?\s+1\W+(?:(?:and|&)\W+)?(?:item\s+)?[2-9]\b", re.IGNORECASE)
"""A heading of several items, which edgartools does not find."""
GAP = re.compile(r"[ \t\xa0]{300,}|\n{30,}")
HTML_START = re.compile(r"<html\b", re.IGNORECASE)
START_CHARS = 50_000
PROBLEM_CHARS = 200

T = TypeVar("T")
Quality = Literal["ok", "short", "disagree", "missing"]


@dataclass(frozen=True)
class Item1:
    """The text of Item 1 and how far it can be trusted."""

    text: str
    """Paragraphs separated by a blank line; empty where quality is missing."""
    method: str
    """The reader whose text it is: edgar-itemize or edgartools."""
    quality: Quality
    """`disagree` if the readers find different texts, or if nothing marks the end of the text."""
    reason: str | None = None
    """Why there is no text, or why it is doubtful."""
    overlap: float | None = None
    """Share of the longer text's letters that both readers found in the same order."""


@dataclass(frozen=True)
class _Reading:
    """What one reader found, or why it found nothing."""

    reader: str
    text: str = ""
    problem: str = ""
    failed: bool = False
    """Whether the reader could not read the document, so that nothing follows about Item 1."""
    unbounded: bool = False
    """Whether no later item follows, so that the text runs to the end of the document."""


def item1(content: bytes) -> Item1:
    """Return Item 1 of an annual report, given as a submission, the beginning of one, or a bare document."""
    document = GAP.sub(lambda gap: gap[0][:2], main_document(content))
    if not document.strip():
        return _missing("the submission has no document that can be read as text")
    if len(document) > MAX_CHARS:
        return _missing(f"the document has {len(document):,} characters, more than any annual report")
    if (text := _plain(document)) is not None:
        reading = _read_with_itemize(text, is_html=False)
        return _accepted(reading) if reading.text else _missing(reading.problem)
    simplified = simplify_markup(document)
    return _compared(_read_with_itemize(simplified, is_html=True), _read_with_edgartools(simplified, document))


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


def _plain(document: str) -> str | None:
    """Return the document if it is plain text, also if only wrapped in HTML; None if its mark-up matters."""
    if not sniff_is_html(document) and not HTML_START.search(document, 0, START_CHARS):
        # Form feeds are page breaks; edgar-itemize knows them by their tag.
        return references_decoded(document).replace("\f", "\n<PAGE>\n")
    return preformatted(document)


def _read_with_itemize(document: str, is_html: bool) -> _Reading:
    found, problem = _attempt(lambda: located(document, is_html))
    reading = _reading(ITEMIZE, plain_text(found) if found else "", problem)
    return replace(reading, unbounded=found is not None and not found.is_followed)


def _read_with_edgartools(document: str, original: str) -> _Reading:
    from assets.descriptions.edgartools_reader import edgartools_text  # noqa: PLC0415 - takes a second; HTML only

    if len(document) > MAX_CHARS_EDGARTOOLS:
        size = f"the document has {len(document):,} characters"
        return _Reading(EDGARTOOLS, problem=f"{EDGARTOOLS} was skipped: {size}", failed=True)
    found, problem = _attempt(lambda: edgartools_text(document, original))
    return _reading(EDGARTOOLS, plain_text_of(found or ""), problem)


def _attempt(read: Callable[[], T | None]) -> tuple[T | None, str | None]:
    """Return what a reader finds, or its error as text."""
    try:
        return read(), None
    except Exception as error:  # the libraries raise all kinds of errors on documents that they were never tried on
        return None, f"{type(error).__name__}: {error}"[:PROBLEM_CHARS]


def _reading(reader: str, text: str, problem: str | None) -> _Reading:
    if problem:
        return _Reading(reader, problem=f"{reader} failed with {problem}", failed=True)
    if not text:
        return _Reading(reader, problem=f"{reader} found no Item 1")
    if len(text) <= HEADING_CHARS:
        return _Reading(reader, problem=f"{reader} found nothing under the heading {text!r}")
    if len(text) < STUB_CHARS and BY_REFERENCE.search(text):
        return _Reading(reader, problem=f"Item 1 only refers to another document: {text[:PROBLEM_CHARS]!r}")
    return _Reading(reader, text)


def _compared(itemize: _Reading, edgartools: _Reading) -> Item1:
    if itemize.text and edgartools.text:
        share = overlap(itemize.text, edgartools.text)
        return _accepted(itemize, overlap=share) if share >= AGREEMENT else _disagreeing(itemize, edgartools, share)
    if itemize.text and (edgartools.failed or COMBINED.match(itemize.text)):
        return _accepted(itemize, reason=f"not confirmed: {edgartools.problem}")
    if itemize.text or edgartools.text:
        return _disagreeing(*((itemize, edgartools) if itemize.text else (edgartools, itemize)), share=0.0)
    return _missing("; ".join(dict.fromkeys((itemize.problem, edgartools.problem))))


def _disagreeing(chosen: _Reading, other: _Reading, share: float) -> Item1:
    found = f"{chosen.reader} found {len(letters(chosen.text)):,} letters"
    differs = f"{other.reader} {len(letters(other.text)):,}, {share:.0%} in common" if other.text else other.problem
    return Item1(chosen.text, chosen.reader, "disagree", f"{found}, {differs}", share)


def _accepted(reading: _Reading, reason: str | None = None, overlap: float | None = None) -> Item1:
    doubts = [reason] if reason else []
    quality: Quality = "ok"
    if reading.unbounded:
        quality = "disagree"
        doubts.append(f"{reading.reader} found no item after it, so the text runs to the end of the document")
    if len(reading.text) < SHORT_CHARS:
        quality = "short"
        doubts.append(f"{len(reading.text)} characters are too few to describe a business")
    return Item1(reading.text, reading.reader, quality, "; ".join(doubts) or None, overlap)


def _missing(reason: str) -> Item1:
    return Item1("", ITEMIZE, "missing", reason)
