"""Finds Item 1 with edgar-itemize, which knows the headings of annual reports, plain text and HTML, since 1993."""

import re
from dataclasses import dataclass
from pathlib import Path

from edgar_itemize.blocks import Block
from edgar_itemize.pipeline import parse_prepared
from edgar_itemize.prepare import Prepared, prepare_document
from edgar_itemize.sgml import DocumentBlock, Submission

ACCESSION = Path("0000000000-00-000000")
"""A placeholder: edgar-itemize takes only the filer agent's house style from it, which has no effect on items."""
BUSINESS = re.compile(r"\bbusiness\b", re.IGNORECASE)


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


def located(document: str, is_html: bool) -> Located | None:
    """Return the position of Item 1, or None if it has no heading outside a table of contents.

    Raises any error of edgar-itemize on a document that it cannot read.
    """
    ready = prepared(document, is_html)
    items = [node for node in parse_prepared(ready, 0, headings=False).nodes if node.level_kind == "item"]
    first = [node for node in items if node.label_canon == "ITEM 1"]
    if not first:
        return None
    # A report bound together with others has several; the longest with the right title is the business.
    item = max(first, key=lambda node: (bool(BUSINESS.search(node.title or "")), node.norm_end - node.norm_start))
    is_followed = any(node.norm_start >= item.norm_end for node in items)
    return Located(ready.blocks, ready.normalized_text, item.norm_start, item.norm_end, is_followed)


def prepared(document: str, is_html: bool) -> Prepared:
    """Return a document in the form in which edgar-itemize looks for headings."""
    end = len(document)
    block = DocumentBlock(1, "10-K", None, None, is_html, doc_start=0, doc_end=end, text_start=0, text_end=end)
    submission = Submission(path=ACCESSION, text=document, header="", documents=[block])
    return prepare_document(submission, block, 0)
