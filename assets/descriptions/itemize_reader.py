"""Item 1 by edgar-itemize, which knows the headings of annual reports in plain text and in HTML since 1993."""

import re
from dataclasses import dataclass
from pathlib import Path

from edgar_itemize.blocks import Block
from edgar_itemize.pipeline import parse_prepared
from edgar_itemize.prepare import Prepared, prepare_document
from edgar_itemize.sgml import DocumentBlock, Submission

ACCESSION = Path("0000000000-00-000000")
"""A stand-in: only the filer agent's house style is read from it, and that decides nothing about items."""
BUSINESS = re.compile(r"\bbusiness\b", re.IGNORECASE)


@dataclass(frozen=True)
class Located:
    """A document as blocks of text, and where in it Item 1 is."""

    blocks: list[Block]
    text: str
    """All blocks joined; their `norm_start` and `norm_end` are offsets in it."""
    start: int
    """Offset of the heading's first character."""
    end: int
    """Offset one past the last character before the next item's heading."""
    is_followed: bool
    """Whether there is a next item's heading; else everything to the end of the document is taken."""


def located(document: str, is_html: bool) -> Located | None:
    """Where Item 1 is, None where no heading of it stands outside a table of contents.

    Raises whatever edgar-itemize raises on a document that it cannot read.
    """
    ready = prepared(document, is_html)
    items = [node for node in parse_prepared(ready, 0, headings=False).nodes if node.level_kind == "item"]
    first = [node for node in items if node.label_canon == "ITEM 1"]
    if not first:
        return None
    # Reports that are bound together with others have several; the longest with the right title is the business.
    item = max(first, key=lambda node: (bool(BUSINESS.search(node.title or "")), node.norm_end - node.norm_start))
    is_followed = any(node.norm_start >= item.norm_end for node in items)
    return Located(ready.blocks, ready.normalized_text, item.norm_start, item.norm_end, is_followed)


def prepared(document: str, is_html: bool) -> Prepared:
    """A document as edgar-itemize wants it before it looks for headings."""
    end = len(document)
    block = DocumentBlock(1, "10-K", None, None, is_html, doc_start=0, doc_end=end, text_start=0, text_end=end)
    submission = Submission(path=ACCESSION, text=document, header="", documents=[block])
    return prepare_document(submission, block, 0)
