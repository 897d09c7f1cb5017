"""Item 1 of an HTML report by edgartools: a second pair of eyes that follows the links of the table of contents.

Loading the library takes a second, so this module is only imported where there is HTML to read. Nothing here asks the
network; the folder that the library makes when it is loaded is put among the temporary files, out of people's homes.
"""

import logging
import os
import tempfile
from pathlib import Path

os.environ.setdefault("EDGAR_LOCAL_DATA_DIR", str(Path(tempfile.gettempdir()) / f"edgartools-{os.getuid()}"))

from edgar.documents import Document, HTMLParser, ParserConfig  # noqa: E402 - the folder has to be set before
from edgar.documents.agents import detect_filing_agent  # noqa: E402
from edgar.documents.document import DocumentMetadata  # noqa: E402
from edgar.documents.extractors.toc_section_extractor import SECSectionExtractor  # noqa: E402
from edgar.documents.nodes import DocumentNode  # noqa: E402

logging.getLogger("edgar").setLevel(logging.CRITICAL)

DOCTYPE = "<!doctype html>"
"""Without it the document's root is thrown away while it is read, and every look-up starts from scratch."""
NAMES = ("part_i_item_1", "item_1", "business")
"""What edgartools may call Item 1."""


def edgartools_text(document: str, original: str) -> str | None:
    """Text of Item 1 with a line for each paragraph, None where edgartools finds none.

    Raises whatever edgartools raises on a document that it cannot read.

    Parameters
    ----------
    document : str
        The HTML to read.
    original : str
        The same as filed; its first lines tell which software wrote it.
    """
    html = DOCTYPE + document
    return _by_contents(html, detect_filing_agent(original)) or _by_headings(html)


def _by_contents(html: str, agent: str | None) -> str | None:
    """By the links of the table of contents alone, which needs no model of the whole document."""
    document = Document(root=DocumentNode(), metadata=DocumentMetadata(original_html=html, form="10-K"))
    reader = SECSectionExtractor(document, agent=agent, form="10-K")
    return next((reader.get_section_text(name) for name in NAMES if name in reader.get_available_sections()), None)


def _by_headings(html: str) -> str | None:
    sections = HTMLParser(ParserConfig(form="10-K", extract_xbrl=False)).parse(html).sections
    return next((sections[name].text() for name in NAMES if name in sections), None)
