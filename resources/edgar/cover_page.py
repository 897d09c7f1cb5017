"""What the cover page of an inline XBRL report tags."""

import html
import re
import unicodedata

TAGGED = "TradingSymbol"
REACH = 4000
"""Characters that the mark-up of one symbol may take."""
DEPTH = 8
"""Tagged elements that may lie in one another there."""
TAG = re.compile(r"<(/?)(?:[\w.-]+:)?nonnumeric\b([^<>]*)>", re.IGNORECASE)
SYMBOL_NAME = re.compile(rf"""\sname\s*=\s*(["'])\s*[\w.-]+:{TAGGED}\s*\1""", re.IGNORECASE)
NEW_LINE = re.compile(r"<\s*/?\s*(?:br|p|div|td|tr|li)\b[^<>]*>", re.IGNORECASE)
ANY_TAG = re.compile(r"<[^<>]*>")
REMARK = re.compile(r"(?<=\S)\s*\([^()]*\)")
TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-/]{0,9}")
NO_TICKER = frozenset({"N/A", "NA", "N.A", "NONE", "NIL", "NULL"})
AROUND = " \"'`“”‘’()[]{}*†‡$.,:;"


def trading_symbols(document: str) -> list[str]:
    """Return the trading symbols tagged on the cover (`dei:TradingSymbol`), sorted; none before 2019.

    Symbols of bonds and preferred shares are among them where the company tags those.
    """
    if TAGGED not in document:
        return []
    visible = _without_comments(document)
    tagged = (_content(visible, found.start()) for found in re.finditer(TAGGED, visible))
    return sorted({symbol for markup in tagged for symbol in _symbols(markup)})


def _without_comments(document: str) -> str:
    """Remove comments; one that is never closed hides the rest. Takes time linear in the length."""
    before, *others = document.split("<!--")
    return before + "".join(part.partition("-->")[2] for part in others)


def _content(document: str, position: int) -> str:
    """Return the mark-up inside the symbol's element whose start tag holds `position`; empty where it is not one."""
    start = max(0, document.rfind("<", max(0, position - REACH), position))
    opening = TAG.match(document, start)
    if not opening or opening[1] or _is_empty(opening) or not SYMBOL_NAME.search(opening[2]):
        return ""
    depth = 1
    for tag in TAG.finditer(document, opening.end(), start + REACH):
        depth += 0 if _is_empty(tag) else -1 if tag[1] else 1
        if depth == 0:
            return document[opening.end() : tag.start()]
        if depth > DEPTH:
            break
    return ""


def _is_empty(tag: re.Match[str]) -> bool:
    """Whether the element ends with its start tag, `<.../>`."""
    return tag[2].rstrip().endswith("/")


def _symbols(markup: str) -> set[str]:
    """Return the symbols in the mark-up of one element, which may name several on lines or between commas."""
    lines = NEW_LINE.sub("\n", " ".join(markup.split()))
    text = "".join(c for c in html.unescape(ANY_TAG.sub("", lines)) if unicodedata.category(c) != "Cf")
    named = (_symbol(" ".join(part.split())) for part in re.split(r"[\n,;]", REMARK.sub("", text)))
    return {symbol for symbol in named if TICKER.fullmatch(symbol) and symbol not in NO_TICKER}


def _symbol(text: str) -> str:
    """Return the text in capitals without exchange (`NYSE: KO`), quotes and full stops; empty for other alphabets."""
    bare = text.strip(AROUND).rpartition(":")[2].strip(AROUND)
    return bare.upper() if bare.isascii() else ""
