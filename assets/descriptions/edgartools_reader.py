"""Reads Item 1 of an HTML report with edgartools, which follows the links of the table of contents.

Importing the library takes a second, so this module is imported only for HTML. Nothing here uses the network. The
library makes a folder when it is imported; here it goes to the temporary files instead of the user's home.
"""

import logging
import os
import tempfile
from pathlib import Path

os.environ.setdefault("EDGAR_LOCAL_DATA_DIR", str(Path(tempfile.gettempdir()) / f"edgartools-{os.getuid()}"))

from edgar.documents import Document, HTMLParser, ParserConfig
from edgar.documents.agents import detect_filing_agent
from edgar.documents.document import DocumentMetadata
from edgar.documents.extractors.toc_section_extractor import SECSectionExtractor
from edgar.documents.nodes import DocumentNode

logging.getLogger("edgar").setLevel(logging.CRITICAL)

DOCTYPE = "<!doctype html>"
"""Without it the parser drops the document's root, and every lookup in the document starts from scratch."""
NAMES = ("part_i_item_1", "item_1", "business")
"""Names that edgartools may give to Item 1."""


def edgartools_text(document: str, original: str) -> str | None:
    """Return the text of Item 1 with one line per paragraph, or None if edgartools finds none.

    Raises any error of edgartools on a document that it cannot read.

    Parameters
    ----------
    document : str
        The simplified HTML to read.
    original : str
        The HTML as filed; its first lines name the software that wrote it, which `simplify_markup` removes.
    """
    html = DOCTYPE + document
    return _by_contents(html, detect_filing_agent(original)) or _by_headings(html)


def _by_contents(html: str, agent: str | None) -> str | None:
    """Find Item 1 by the links of the table of contents, which needs no parse tree of the whole document."""
    document = Document(root=DocumentNode(), metadata=DocumentMetadata(original_html=html, form="10-K"))
    reader = SECSectionExtractor(document, agent=agent, form="10-K")
    return next((reader.get_section_text(name) for name in NAMES if name in reader.get_available_sections()), None)


def _by_headings(html: str) -> str | None:
    sections = HTMLParser(ParserConfig(form="10-K", extract_xbrl=False)).parse(html).sections
    return next((sections[name].text() for name in NAMES if name in sections), None)
