"""Trading symbols from the cover page of an inline XBRL report."""

import html
import re
import unicodedata
from itertools import islice

TAGGED = "TradingSymbol"
REACH = 4000
"""Most characters of one symbol's mark-up; the bound keeps a hostile document from taking quadratic time."""
MOST_ELEMENTS = 1000
"""Places at which symbols are looked for; covers have a few dozen, and each place costs up to `REACH` characters."""
DEPTH = 8
"""Most tagged elements nested in each other there."""
TAG = re.compile(r"<(/?)(?:[\w.-]+:)?nonnumeric\b([^<>]*)>", re.IGNORECASE)
SYMBOL_NAME = re.compile(rf"""\sname\s*=\s*(["'])\s*[\w.-]+:{TAGGED}\s*\1""", re.IGNORECASE)
NEW_LINE = re.compile(r"<\s*/?\s*(?:br|p|div|td|tr|li)\b[^<>]*>", re.IGNORECASE)
ANY_TAG = re.compile(r"<[^<>]*>")
PARENTHESIS = re.compile(r"(?<=\S)\s*\([^()]*\)")
TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-/]{0,9}")
PLACEHOLDERS = frozenset({"N/A", "NA", "N.A", "NONE", "NIL", "NULL"})
SURROUNDING = " \"'`“”‘’()[]{}*†‡$.,:;"


def trading_symbols(document: str) -> list[str]:
    """Return the trading symbols tagged on the cover (`dei:TradingSymbol`), sorted; empty if none are tagged.

    No report before 2019 tags any. Companies may tag symbols of bonds and preferred shares as well.
    """
    if TAGGED not in document:
        return []
    visible = _without_comments(document)
    places = islice(re.finditer(TAGGED, visible), MOST_ELEMENTS)
    tagged = (_content(visible, found.start()) for found in places)
    return sorted({symbol for markup in tagged for symbol in _symbols(markup)})


def _without_comments(document: str) -> str:
    """Return the document without comments; a comment that is never closed hides the rest.

    Split instead of a regular expression, which takes quadratic time on many unclosed comments.
    """
    before, *others = document.split("<!--")
    return before + "".join(part.partition("-->")[2] for part in others)


def _content(document: str, position: int) -> str:
    """Return the mark-up inside the symbol element whose start tag holds `position`; empty if it is none."""
    start = document.rfind("<", max(0, position - REACH), position)
    # With an end, because a tag that is never closed would be read to the end of the document at every place.
    opening = TAG.match(document, start, start + REACH) if start >= 0 else None
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
    """Return whether the element ends with its start tag, `<.../>`."""
    return tag[2].rstrip().endswith("/")


def _symbols(markup: str) -> set[str]:
    """Return the symbols in one element, which may hold several, on separate lines or between commas."""
    lines = NEW_LINE.sub("\n", " ".join(markup.split()))
    # Format characters (Cf), such as zero-width spaces, stand inside some symbols.
    text = "".join(c for c in html.unescape(ANY_TAG.sub("", lines)) if unicodedata.category(c) != "Cf")
    named = (_symbol(" ".join(part.split())) for part in re.split(r"[\n,;]", PARENTHESIS.sub("", text)))
    return {symbol for symbol in named if TICKER.fullmatch(symbol) and symbol not in PLACEHOLDERS}


def _symbol(text: str) -> str:
    """Return the text in capitals without exchange (`NYSE: KO`), quotes and full stops; empty if it is not ASCII."""
    bare = text.strip(SURROUNDING).rpartition(":")[2].strip(SURROUNDING)
    return bare.upper() if bare.isascii() else ""
