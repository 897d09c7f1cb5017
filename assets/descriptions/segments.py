"""Splits a report into segments: paragraphs of prose, rows of tables, and page breaks."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from edgar_itemize.blocks import Block

from assets.descriptions.furniture_lines import is_furniture_line
from assets.descriptions.hyphens import Hyphens
from assets.descriptions.itemize_reader import Located

UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\uf8ff\ufeff\ufff9-\ufffb]"
)
"""Control characters, soft hyphens, zero-width and direction marks, lone surrogates, private-use characters."""
BLANKS = re.compile(r"\s+")
RULES = re.compile(r"([.=_*-]) ?(?:\1 ?){3,}")
"""Dot leaders between a row's label and its numbers, and lines drawn with punctuation."""
WORD = re.compile(r"[^\W_]")
MARK = re.compile(r"</?(?:PAGE(?:\s+\d{1,4})?|TABLE|CAPTION|S|C|FN|F\d+|R|B|I|U|HTML|BODY|PRE|TEXT)>", re.IGNORECASE)
"""Tags in plain-text reports."""
COLUMNS = re.compile(r"\S(?: {3,}|\t)\s*\S|\.{4,}")
"""The separator of two columns in plain text."""
COLUMN_SHARE = 0.4
"""Least share of a block's lines with columns for all of them to count as rows."""
SHORT_LINE = 45
"""Characters; wrapped prose has longer lines."""
CELL_CHARS = 300
"""A table row with more characters, in cells of several paragraphs, is page layout and not a table."""
RUNNING_HEADING = re.compile(r"(?:ITEM|PART)\s+[\dIVX]+[A-C]?\b.{0,60}", re.IGNORECASE)
LONE_NUMBER = re.compile(r"[-\s]*\d{1,3}[-\s]*")

Kind = Literal["prose", "row", "break"]


@dataclass(frozen=True)
class Segment:
    """A paragraph, a table row, or a page break; the text of a page break is empty."""

    kind: Kind
    text: str
    start: int
    """Offset into the document."""
    may_continue: bool = False
    """Whether no blank line precedes it, so that it may continue the paragraph before."""


def segments(located: Located) -> list[Segment]:
    """Return the segments of the whole document in order; a block that crosses a bound of Item 1 is cut there."""
    return list(_segments(located.blocks, {located.start, located.end}, Hyphens(located.text)))


def lines(text: str) -> list[Segment]:
    """Return the segments of a text in which every line is a paragraph."""
    return [segment for match in re.finditer(r"[^\n]+", text) for segment in _segment("prose", match[0], match.start())]


def _segments(blocks: list[Block], cuts: set[int], hyphens: Hyphens) -> Iterator[Segment]:
    index = 0
    while index < len(blocks):
        block, end = blocks[index], index + 1
        while end < len(blocks) and blocks[end].raw_end <= block.row_raw_end and blocks[end].norm_start not in cuts:
            end += 1
        after_break = index > 0 and blocks[index - 1].kind != "para"
        before_break = end < len(blocks) and blocks[end].kind != "para"
        if (block.is_page_break or block.kind != "para") and not block.in_table:
            yield Segment("break", "", block.norm_start)
        if end > index + 1:
            yield from _row(blocks[index:end])
        elif any(block.norm_start < cut < block.norm_end for cut in cuts):
            yield from _cut(block, cuts)
        elif block.kind == "para":
            yield from _paragraph(block, after_break, before_break, hyphens)
        index = end


def _row(cells: list[Block]) -> Iterator[Segment]:
    """Yield a table row as one segment; its cells as paragraphs if the table is page layout."""
    columns = {block.cell_col for block in cells}
    if len(columns) < len(cells) and sum(len(block.text) for block in cells) > CELL_CHARS:
        for block in cells:
            yield from _segment("prose", block.text, block.norm_start)
    else:
        yield from _segment("row", " ".join(block.text for block in cells), cells[0].norm_start)


def _cut(block: Block, cuts: set[int]) -> Iterator[Segment]:
    inside = sorted(cut for cut in cuts if block.norm_start < cut < block.norm_end)
    for start, end in pairwise([block.norm_start, *inside, block.norm_end]):
        yield from _segment("prose", block.text[start - block.norm_start : end - block.norm_start], start)


def _paragraph(block: Block, after_break: bool, before_break: bool, hyphens: Hyphens) -> Iterator[Segment]:
    """Yield a block of lines as prose or as rows; running headings and page numbers at its ends become segments."""
    text = list(block.lines) or [block.text]
    first, last = [], []
    if len(text) > 1 and ((after_break and RUNNING_HEADING.fullmatch(text[0])) or is_furniture_line(text[0])):
        first = [text.pop(0)]
    if len(text) > 1 and ((before_break and LONE_NUMBER.fullmatch(text[-1])) or is_furniture_line(text[-1])):
        last = [text.pop()]
    body = text if _is_tabular(text) else [hyphens.joined("\n".join(text))]
    kind: Kind = "row" if len(body) > 1 or (block.in_table and len(block.text) <= CELL_CHARS) else "prose"
    parts: list[tuple[Kind, str]] = [("prose", part) for part in first]
    parts += [(kind, part) for part in body] + [("prose", part) for part in last]
    for segment, part in parts:
        yield from _segment(segment, MARK.sub(" ", part), block.norm_start, may_continue=not block.blank_before)


def _is_tabular(text: list[str]) -> bool:
    """Return whether lines must stay separate: they have columns, or all are shorter than wrapped prose."""
    if len(text) < 2:
        return False
    columns = sum(COLUMNS.search(line) is not None for line in text)
    return columns >= COLUMN_SHARE * len(text) or max(map(len, text[:-1])) < SHORT_LINE


def _segment(kind: Kind, text: str, start: int, may_continue: bool = False) -> Iterator[Segment]:
    """Yield the text as a segment of one normalised line, unless it has neither letters nor digits.

    Normalised means: Unicode's composed form (NFC), single blanks, no invisible characters and no drawn lines.
    """
    line = BLANKS.sub(" ", RULES.sub(" ", unicodedata.normalize("NFC", UNSEEN.sub("", text)))).strip()
    if WORD.search(line):
        yield Segment(kind, line, start, may_continue)
