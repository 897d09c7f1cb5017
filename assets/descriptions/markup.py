"""Simplifies the mark-up of an annual report, which makes both readers of Item 1 faster.

Tags are rewritten one by one and never balanced or moved, so broken mark-up stays broken in the same way; nothing is
expanded or fetched. Elements nested deeper than any page needs are removed, because the readers fail on them.

The quantifiers of the patterns are possessive (`*+`), so that a damaged tag in a large page costs no backtracking.
"""

import re
from html import unescape

from edgar_itemize.sgml import sniff_is_html

DECLARATION = re.compile(r"<\?[^<>]*+>|<!DOCTYPE[^<>\[]*+(?:\[.*?\]\s*+)?>", re.IGNORECASE | re.DOTALL)
UNREAD = re.compile(
    r"<(ix:header|script|style|svg)\b[^<>]*+(?:(?<=/)>|(?<!/)>.*?(?:</\1\s*+>|\Z))", re.IGNORECASE | re.DOTALL
)
TITLE = re.compile(r"<title\b[^<>]*+>[^<]*+", re.IGNORECASE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
COMMENT_CHARS = 200
"""A longer comment holds data, not a note about the page."""
TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/\"']*+)((?:\"[^\"<]*+\"|'[^'<]*+'|[^<>\"'])*+)>")
ATTRIBUTE = re.compile(r"([A-Za-z-]++)\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++)")
STYLE = re.compile(r"([a-z-]++)\s*+:\s*+([^;]*+)", re.IGNORECASE)
REFERENCE = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)")
EMPTY_CELL = re.compile(r"<t[dh]\b(?:(?!\bid=)[^<>])*+(?:(?<=/)>|>\s*+</t[dh]>)\s*+")
EMPTY_ROW = re.compile(r"<tr\b(?:(?!\bid=)[^<>])*+>\s*+</tr>\s*+")

HTML_START = re.compile(r"<html\b", re.IGNORECASE)
START_CHARS = 50_000
"""Characters in which the start of a page is looked for, as a cover in plain text may come first."""
SNIFFED_CHARS = 4_096
"""Characters in which edgar-itemize looks for tags."""
PREFORMATTED = re.compile(r"<pre\b[^<>]*+>.*?(?:</pre>|\Z)", re.IGNORECASE | re.DOTALL)
PREFORMATTED_SHARE = 0.8
PLAIN_TEXT_MARKS = frozenset({"C", "CAPTION", "PAGE", "S", "TABLE"})

ATTRIBUTES = frozenset({"align", "colspan", "href", "id", "name", "rowspan", "size", "style"})
STYLES = frozenset({
    "display", "font-size", "font-style", "font-weight", "margin-left", "padding-left", "page-break-after",
    "page-break-before", "text-align", "text-decoration", "text-indent",
})  # fmt: skip
UNSEEN = frozenset({"col", "colgroup", "head", "img", "input", "link", "meta", "title"})
PLAIN = frozenset({"font", "span"})
"""Elements without effect if they have no attributes."""
NESTING = PLAIN | {"b", "big", "blockquote", "center", "div", "em", "i", "small", "strong", "u"}
"""Elements that stay open until they are closed, so that missing end tags add up to deep nesting."""
DEEPEST = 150
"""Most open elements of these kinds; libxml2 does not read a document with more than 255 nested elements."""
MARKUP_CHARS = frozenset('<>&"')
C1 = str.maketrans({code: unescape(f"&#{code};") for code in range(0x80, 0xA0)})
"""Control codes 80 to 9F -> the characters that Windows-1252 has there, as browsers read them."""


def is_page(document: str) -> bool:
    """Return whether a document is HTML, by the tags near its start.

    A tag that the end of that piece cuts is left out: `<P` may be the start of `<PAGE>`, which plain text has.
    """
    start = document[:SNIFFED_CHARS]
    whole, tag, cut = start.rpartition("<")
    start = whole if tag and ">" not in cut else start
    return sniff_is_html(start) or HTML_START.search(document, 0, START_CHARS) is not None


def simplify_markup(html: str) -> str:
    """Return the document without what neither reader needs: hidden facts, scripts, images, styling, empty cells."""
    html = TITLE.sub("", UNREAD.sub("", DECLARATION.sub("", _without_data(html))))
    html = references_decoded(_Tags().rewritten(html), MARKUP_CHARS)
    return EMPTY_ROW.sub("", EMPTY_CELL.sub("", html))


def preformatted(html: str) -> str | None:
    """Return the text of a page that is preformatted, with the tags that plain text has; None for other pages."""
    if sum(match.end() - match.start() for match in PREFORMATTED.finditer(html)) < PREFORMATTED_SHARE * len(html):
        return None
    return references_decoded(TAG.sub(lambda tag: tag[0] if tag[2].upper() in PLAIN_TEXT_MARKS else "", html))


def references_decoded(text: str, kept: frozenset[str] = frozenset()) -> str:
    """Return the text with character references decoded, except those for the characters in `kept`."""
    known: dict[str, str] = {}

    def character(match: re.Match[str]) -> str:
        reference = match[0]
        if reference not in known:
            meant = unescape(reference)
            known[reference] = reference if meant in kept else meant
        return known[reference]

    return REFERENCE.sub(character, text).translate(C1)


def _without_data(html: str) -> str:
    """Return the page without long comments and without starts of comments that never end."""
    end = html.rfind("-->") + len("-->") if "-->" in html else 0
    closed = COMMENT.sub(lambda match: match[0] if len(match[0]) <= COMMENT_CHARS else "", html[:end])
    return closed + html[end:].replace("<!--", "")


class _Tags:
    """Rewrites tags in document order; keeps track of removed elements, to remove their end tags as well."""

    def __init__(self) -> None:
        self._starts: dict[str, str] = {}
        self._kept: dict[str, list[bool]] = {name: [] for name in NESTING}
        self._depth = 0

    def rewritten(self, html: str) -> str:
        return TAG.sub(self._tag, html)

    def _tag(self, match: re.Match[str]) -> str:
        name = match[2].lower()
        if match[1]:
            return self._end(name)
        start = self._starts.get(match[0])
        if start is None:
            start = self._starts[match[0]] = _start(name, match[3])
        if name not in NESTING or match[3].endswith("/"):
            return start
        keep = bool(start) and self._depth < DEEPEST
        self._kept[name].append(keep)
        self._depth += keep
        return start if keep else ""

    def _end(self, name: str) -> str:
        if ":" in name or name in UNSEEN:
            return ""
        opened = self._kept.get(name)
        keep = opened.pop() if opened else True
        self._depth -= keep and opened is not None and self._depth > 0
        return f"</{name}>" if keep else ""


def _start(name: str, attributes: str) -> str:
    """Return the start tag with the attributes that matter; empty if the element has no effect."""
    if ":" in name or name in UNSEEN:
        return ""
    kept = "".join(_attribute(key.lower(), value.strip("\"'")) for key, value in ATTRIBUTE.findall(attributes))
    if name in PLAIN and not kept:
        return ""
    return f"<{name}{kept}{'/' if attributes.endswith('/') else ''}>"


def _attribute(key: str, value: str) -> str:
    if key == "style":
        value = ";".join(f"{name}:{setting}" for name, setting in STYLE.findall(value) if name.lower() in STYLES)
    return f' {key}="{value}"' if value and key in ATTRIBUTES else ""
