"""Finds Item 1 with edgar-itemize, which knows the headings of annual reports, plain text and HTML, since 1993."""

import re
from dataclasses import dataclass
from pathlib import Path

from edgar_itemize.blocks import Block
from edgar_itemize.pipeline import parse_prepared
from edgar_itemize.prepare import Prepared, prepare_document
from edgar_itemize.sgml import DocumentBlock, Submission

from assets.descriptions.outline import Outline, Span
from assets.descriptions.referring import refers_only

ACCESSION = Path("0000000000-00-000000")
"""A placeholder: edgar-itemize takes only the filer agent's house style from it, which has no effect on items."""
BUSINESS = re.compile(r"\bbusiness\b", re.IGNORECASE)
ANOTHER_CHARS = 2_000
"""A second Item 1 that is longer describes a business of its own."""
HEADING_CHARS = 60
"""A text of at most this length is a heading with nothing under it."""


@dataclass(frozen=True)
class Located:
    """A document as blocks of text, and the position of Item 1 in it."""

    blocks: list[Block]
    text: str
    """All blocks joined; their `norm_start` and `norm_end` are offsets into it."""
    start: int
    """Offset of the heading's first character."""
    end: int
    """Offset one past the last character before the next item's heading."""
    is_followed: bool
    """Whether a next item's heading follows; if not, `end` is the end of the document."""
    doubt: str | None = None
    """Why the bounds are uncertain."""


def located(document: str, is_html: bool) -> Located | None:
    """Return the position of Item 1, or None if it has no heading outside a table of contents.

    edgar-itemize says where it is. The headings of the report decide where what it found describes nothing, has no end,
    or begins at an entry of the contents or at a running header.

    Raises any error of edgar-itemize on a document that it cannot read.
    """
    ready = prepared(document, is_html)
    outline = Outline(ready.blocks, len(ready.normalized_text))
    first = None if outline.is_overlong else _first_item(ready)
    if first is None or not _is_sound(first, outline, ready.normalized_text):
        spans = [span for span in outline.spans if _describes(ready.normalized_text[span.start : span.end])]
        first = max(spans, key=lambda span: (span.is_followed, span.end - span.start), default=first)
    if first is None:
        return None
    doubt = first.doubt or _another(first, outline, ready.normalized_text)
    return Located(ready.blocks, ready.normalized_text, first.start, first.end, first.is_followed, doubt)


def _another(found: Span, outline: Outline, text: str) -> str | None:
    """Return the doubt that a second description brings: of a subsidiary, whose report is bound with this one."""
    apart = (span for span in outline.spans if span.end <= found.start or span.start >= found.end)
    lengths = [span.end - span.start for span in apart if span.is_followed and _describes(text[span.start : span.end])]
    if max(lengths, default=0) <= ANOTHER_CHARS:
        return None
    return f"the document has another Item 1, of {max(lengths):,} characters, as where two reports are bound together"


def _first_item(ready: Prepared) -> Span | None:
    """Return where edgar-itemize finds Item 1."""
    items = [node for node in parse_prepared(ready, 0, headings=False).nodes if node.level_kind == "item"]
    first = [node for node in items if node.label_canon == "ITEM 1"]
    if not first:
        return None
    # A report bound together with others has several; the longest with the right title is the business.
    item = max(first, key=lambda node: (bool(BUSINESS.search(node.title or "")), node.norm_end - node.norm_start))
    is_followed = any(node.norm_start >= item.norm_end for node in items)
    return Span(item.norm_start, item.norm_end, is_followed)


def _is_sound(found: Span, outline: Outline, text: str) -> bool:
    repeats = {start for span in outline.spans for start in span.repeats}
    is_bounded = found.is_followed and not outline.is_mention(found.end)
    is_first = found.start not in outline.listed | repeats
    return is_bounded and is_first and _describes(text[found.start : found.end])


def _describes(text: str) -> bool:
    return len(text.strip()) > HEADING_CHARS and refers_only(text) is None


def prepared(document: str, is_html: bool) -> Prepared:
    """Return a document in the form in which edgar-itemize looks for headings."""
    end = len(document)
    block = DocumentBlock(1, "10-K", None, None, is_html, doc_start=0, doc_end=end, text_start=0, text_end=end)
    submission = Submission(path=ACCESSION, text=document, header="", documents=[block])
    return prepare_document(submission, block, 0)
