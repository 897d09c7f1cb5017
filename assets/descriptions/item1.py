"""Extracts the text of Item 1, the description of the business, from any annual report since 1993.

edgar-itemize finds the item. In HTML, edgartools reads it as well, and a text on which the two differ by more than a
tenth of its letters is flagged. No content of a document makes this module raise.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from assets.descriptions.headings import other_title
from assets.descriptions.itemize_reader import HEADING_CHARS, Located, located
from assets.descriptions.markup import is_page, preformatted, references_decoded, simplify_markup
from assets.descriptions.plain_text import plain_text, plain_text_of
from assets.descriptions.readings import (
    AGREEMENT,
    EDGARTOOLS,
    ITEMIZE,
    Reading,
    begins_with_heading,
    letters,
    overlap,
    preferred,
    without_part,
)
from assets.descriptions.referring import own_chars, refers_only
from assets.descriptions.text_quality import SHORT_CHARS
from resources.edgar.submission import main_document

MAX_CHARS, MAX_CHARS_EDGARTOOLS = 30_000_000, 8_000_000
"""Characters, mark-up included, of the longest document to read, and of the longest for edgartools."""
GAP = re.compile(r"[ \t\xa0]{300,}|\n{30,}")
RETURNS = re.compile(r"\r+\n?")
PAGE_MARK = re.compile(r"\f|<PAGE[ \t]{1,3}[0-9]{1,4}>", re.IGNORECASE)
PROBLEM_CHARS = 200
CHOSEN = "the one that begins with the heading and ends before the next item"

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


def item1(content: bytes) -> Item1:
    """Return Item 1 of an annual report, given as a submission, the beginning of one, or a bare document."""
    document = GAP.sub(lambda gap: gap[0][:2], with_line_feeds(main_document(content)))
    if not document.strip():
        return _missing("the submission has no document that can be read as text")
    if len(document) > MAX_CHARS:
        return _missing(f"the document has {len(document):,} characters, more than any annual report")
    if (text := _plain(document)) is not None:
        reading = _read_with_itemize(text, is_html=False)
        return _accepted(reading) if reading.text else _missing(reading.problem)
    simplified = simplify_markup(document)
    return _compared(_read_with_itemize(simplified, is_html=True), _read_with_edgartools(simplified, document))


def with_line_feeds(document: str) -> str:
    """Return the document with a line feed at the end of each line; some have carriage returns, or several of them."""
    return RETURNS.sub(lambda ends: "\n" if ends[0][-1] == "\n" else "\n" * len(ends[0]), document)


def _plain(document: str) -> str | None:
    """Return the document if it is plain text, also if only wrapped in HTML; None if its mark-up matters."""
    if not is_page(document):
        # Form feeds and `<PAGE 4>` are page breaks; edgar-itemize knows them by their plain tag.
        return PAGE_MARK.sub("\n<PAGE>\n", references_decoded(document))
    return preformatted(document)


def _read_with_itemize(document: str, is_html: bool) -> Reading:
    found, problem = _attempt(lambda: located(document, is_html))
    reading = _reading(ITEMIZE, plain_text(found) if found else "", problem)
    return _bounded(reading, found) if found else reading


def _bounded(reading: Reading, found: Located) -> Reading:
    """Return the reading with what the document says about its bounds."""
    endless = f"{ITEMIZE} found no item after it, so the text runs to the end of the document"
    doubt = found.doubt if found.is_followed else endless
    if not found.is_followed and reading.text and not begins_with_heading(reading.text):
        said = f"{ITEMIZE} found an Item 1 without an end that is not called business: {reading.text[:PROBLEM_CHARS]!r}"
        return replace(reading, text="", problem=said, document=found.text)
    return replace(reading, doubt=doubt, document=found.text)


def _read_with_edgartools(document: str, original: str) -> Reading:
    from assets.descriptions.edgartools_reader import edgartools_text  # noqa: PLC0415 - takes a second; HTML only

    if len(document) > MAX_CHARS_EDGARTOOLS:
        size = f"the document has {len(document):,} characters"
        return Reading(EDGARTOOLS, problem=f"{EDGARTOOLS} was skipped: {size}", failed=True)
    found, problem = _attempt(lambda: edgartools_text(document, original))
    return _reading(EDGARTOOLS, without_part(plain_text_of(found or "")), problem)


def _attempt(read: Callable[[], T | None]) -> tuple[T | None, str | None]:
    """Return what a reader finds, or its error as text."""
    try:
        return read(), None
    except Exception as error:  # the libraries raise all kinds of errors on documents that they were never tried on
        return None, f"{type(error).__name__}: {error}"[:PROBLEM_CHARS]


def _reading(reader: str, text: str, problem: str | None) -> Reading:
    if problem:
        return Reading(reader, problem=f"{reader} failed with {problem}", failed=True)
    if not text:
        return Reading(reader, problem=f"{reader} found no Item 1")
    if referring := refers_only(text):
        return Reading(reader, problem=referring, refers=True)
    if len(text) <= HEADING_CHARS:
        return Reading(reader, problem=f"{reader} found nothing under the heading {text!r}")
    if title := other_title(text[:PROBLEM_CHARS]):
        return Reading(reader, problem=f"Item 1 is called {title!r}, so it describes no business", refers=True)
    return Reading(reader, text)


def _compared(itemize: Reading, edgartools: Reading) -> Item1:
    share = overlap(itemize.text, edgartools.text)
    if share >= AGREEMENT:
        return _accepted(itemize, overlap=share)
    if itemize.text and edgartools.failed:
        return _accepted(itemize, reason=f"not confirmed: {edgartools.problem}")
    if chosen := preferred(itemize, edgartools, share):
        other = edgartools if chosen is itemize else itemize
        return _accepted(chosen, reason=f"{_differing(chosen, other, share)}; taken: {CHOSEN}", overlap=share)
    if itemize.text or (edgartools.text and not itemize.refers):
        chosen, other = (itemize, edgartools) if itemize.text else (edgartools, itemize)
        return Item1(chosen.text, chosen.reader, "disagree", _differing(chosen, other, share), share)
    return _missing("; ".join(dict.fromkeys(reading.problem for reading in (itemize, edgartools) if reading.problem)))


def _differing(chosen: Reading, other: Reading, share: float) -> str:
    found = f"{chosen.reader} found {len(letters(chosen.text)):,} letters"
    differs = f"{other.reader} {len(letters(other.text)):,}, {share:.0%} in common" if other.text else other.problem
    return f"{found}, {differs}"


def _accepted(reading: Reading, reason: str | None = None, overlap: float | None = None) -> Item1:
    doubts = [reason] if reason else []
    quality: Quality = "ok"
    if reading.doubt:
        quality = "disagree"
        doubts.append(reading.doubt)
    elif len(reading.text) < SHORT_CHARS:
        quality = "short"
        doubts.append(f"{len(reading.text)} characters are too few to describe a business")
    elif (own := own_chars(reading.text)) < SHORT_CHARS:
        quality = "short"
        doubts.append(f"{own} characters of sentences that point to no other place are too few to describe a business")
    return Item1(reading.text, reading.reader, quality, "; ".join(doubts) or None, overlap)


def _missing(reason: str) -> Item1:
    return Item1("", ITEMIZE, "missing", reason)
