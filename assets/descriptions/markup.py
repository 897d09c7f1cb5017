"""Lighter mark-up of the same document, so that both readers of an annual report spend their time on its words.

Tags are rewritten one by one and never balanced or moved: what is broken stays broken in the same way, and nothing is
expanded or fetched. Only elements nested deeper than any page needs are taken out, for readers that give up there.
"""

import re
from html import unescape

DECLARATION = re.compile(r"<\?[^<>]*+>|<!DOCTYPE[^<>\[]*+(?:\[.*?\]\s*+)?>", re.IGNORECASE | re.DOTALL)
UNREAD = re.compile(
    r"<(ix:header|script|style|svg)\b[^<>]*+(?:(?<=/)>|(?<!/)>.*?(?:</\1\s*+>|\Z))", re.IGNORECASE | re.DOTALL
)
TITLE = re.compile(r"<title\b[^<>]*+>[^<]*+", re.IGNORECASE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
COMMENT_CHARS = 200
"""A longer comment is data, not a note about the page."""
TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/\"']*+)((?:\"[^\"<]*+\"|'[^'<]*+'|[^<>\"'])*+)>")
ATTRIBUTE = re.compile(r"([A-Za-z-]++)\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++)")
STYLE = re.compile(r"([a-z-]++)\s*+:\s*+([^;]*+)", re.IGNORECASE)
REFERENCE = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)")
EMPTY_CELL = re.compile(r"<t[dh]\b(?:(?!\bid=)[^<>])*+(?:(?<=/)>|>\s*+</t[dh]>)\s*+")
EMPTY_ROW = re.compile(r"<tr\b(?:(?!\bid=)[^<>])*+>\s*+</tr>\s*+")

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
"""Elements that are nothing without attributes."""
NESTING = PLAIN | {"b", "big", "blockquote", "center", "div", "em", "i", "small", "strong", "u"}
"""Elements that stay open until they are closed, so that forgotten ends pile up."""
DEEPEST = 150
"""Open elements of these kinds; libxml2 reads nothing of a document that is nested more than 255 deep."""
MARKUP_CHARS = frozenset('<>&"')
C1 = str.maketrans({code: unescape(f"&#{code};") for code in range(0x80, 0xA0)})
"""Control codes 80 to 9F stand for the characters that Windows has there, as browsers read them."""


def simplify_markup(html: str) -> str:
    """The document with what neither reader needs taken out: hidden facts, scripts, images, look, empty cells."""
    html = TITLE.sub("", UNREAD.sub("", DECLARATION.sub("", _without_data(html))))
    html = references_decoded(_Tags().rewritten(html), MARKUP_CHARS)
    return EMPTY_ROW.sub("", EMPTY_CELL.sub("", html))


def preformatted(html: str) -> str | None:
    """The text of a page that is all lines in fixed columns, with the marks that plain text has; None of others."""
    if sum(match.end() - match.start() for match in PREFORMATTED.finditer(html)) < PREFORMATTED_SHARE * len(html):
        return None
    return references_decoded(TAG.sub(lambda tag: tag[0] if tag[2].upper() in PLAIN_TEXT_MARKS else "", html))


def references_decoded(text: str, kept: frozenset[str] = frozenset()) -> str:
    """Character references as the characters they stand for, but for those in `kept`."""
    known: dict[str, str] = {}

    def character(match: re.Match[str]) -> str:
        reference = match[0]
        if reference not in known:
            meant = unescape(reference)
            known[reference] = reference if meant in kept else meant
        return known[reference]

    return REFERENCE.sub(character, text).translate(C1)


def _without_data(html: str) -> str:
    """No long comments, and no beginnings of comments that never end."""
    end = html.rfind("-->") + len("-->") if "-->" in html else 0
    closed = COMMENT.sub(lambda match: match[0] if len(match[0]) <= COMMENT_CHARS else "", html[:end])
    return closed + html[end:].replace("<!--", "")


class _Tags:
    """Rewrites tags in document order; remembers which elements were taken out, to take out their ends."""

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
    """The start tag with the attributes that matter; nothing where the element itself does not."""
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
