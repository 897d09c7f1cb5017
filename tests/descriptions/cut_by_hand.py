"""Ten Item 1 texts cut by hand: where the business description of a real annual report begins and ends.

Each document was read as raw bytes, without looking at the text that any extractor makes of it. `start` is the first
character of the heading ("Item 1. Business"), `end` is one past the last character of the last sentence before the
heading of the next item, so that page numbers and running headers between the two stay outside. Whatever stands
under the heading belongs to Item 1: risk factors, cautionary statements, executive officers and statistical tables
where they come before the next item's heading, and nowhere else. Repeated page furniture inside the span is named
line by line. The documents themselves are not here: only offsets, a hash and 60 letters from either end.
"""

import hashlib
import html
import re
from dataclasses import dataclass

import lxml.html

BLOCKS = ("p", "div", "table", "tr", "li", "ul", "ol", "center", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6")
CELLS = ("td", "th")
TEXT_MARKS = re.compile(r"</?(?:PAGE|TABLE|CAPTION|S|C|FN)>", re.IGNORECASE)
CP1252_CONTROLS = {byte: bytes([byte]).decode("cp1252", "ignore") for byte in range(0x80, 0xA0)}
PAGE_NUMBER = r"\d{1,2}"
CONTENTS_LINK = r"Table of Contents"


class OtherDocumentError(ValueError):
    """The bytes are not the document that was cut."""


@dataclass(frozen=True)
class HandCut:
    """One document and the true place of its Item 1."""

    file: str
    """Name in the manifest, without `.gz`; `.htm` is HTML, `.txt` plain text."""
    sha256: str
    """Hash of the gunzipped bytes."""
    start: int
    """Offset of the heading's first character in the gunzipped bytes."""
    end: int
    """Offset one past the last character of the last sentence."""
    first: str
    """The first 60 letters of the true text, heading included."""
    last: str
    """The last 60 letters of the true text."""
    furniture: tuple[str, ...]
    """Page furniture inside the span: regular expressions that match a whole line of the plain text."""
    why: str
    """What makes the cut hard, and how it was decided."""


HAND_CUTS = (
    HandCut(
        file="1993_ge_txt.txt",
        sha256="1c0dfb07c66bd89b79a3ec7ef1f0e46be67146f0d249414483344f98c5c1ce22",
        start=5252,
        end=52179,
        first="itembusinessgeneralunlessotherwiseindicatedbythecontextthete",
        last="enuesweredefenserelatedsalesofaircraftenginegoodsandservices",
        furniture=(r"\(\d{1,2}\)",),
        why="No contents; Items 10 and 14 are named inside, and 'Executive Officers' is only a pointer to Item 10.",
    ),
    HandCut(
        file="1996_aapl_txt.txt",
        sha256="915e22de4b965b7f270fdbe42e1aaa8e0adab6723419c5bb43610d49eea9c154",
        start=4092,
        end=28095,
        first="itembusinessgeneralapplecomputerincappleorthecompanywasincor",
        last="ionaltraderegulationsincludingtariffsandantidumpingpenalties",
        furniture=(PAGE_NUMBER,),
        why="References to Items 7 and 8 inside, one of them at the start of a line; officers follow Item 4.",
    ),
    HandCut(
        file="2001_ford_txt.txt",
        sha256="b70a1699959c6b0b2c8095294043ea260364b7e1d025e12e80ce1475ad9f1760",
        start=4978,
        end=100503,
        first="itembusinessfordmotorcompanywasincorporatedindelawareinweacq",
        last="dresearchanddevelopmentactivitiesthatweconductarenotmaterial",
        furniture=(PAGE_NUMBER, r"Item 1\. Business \(Continued\)"),
        why="The heading is repeated on every page; prose stands inside <TABLE>; Item 2 starts in mid-page.",
    ),
    HandCut(
        file="2007_ksb_txt.txt",
        sha256="089330108441a5d636a898f5bab7981a2cb906e50904f1052384f6a5f16771a8",
        start=8543,
        end=38414,
        first="itembusinessthecompanyshistoryweareadelawarecorporationforme",
        last="difficulttoreselltheirsharesatpricesquotedinthemarketoratall",
        furniture=(PAGE_NUMBER,),
        why="Contents list the same headings; 'RISK FACTORS' is a section of Item 1, for they name no Item 1A.",
    ),
    HandCut(
        file="2002_gs_html.htm",
        sha256="bdabe6d8a3aa9d93c4f7c3b16d6da30d45bf633ec4ecba38991c44c7fa5a86a2",
        start=22525,
        end=169650,
        first="itembusinessoverviewgoldmansachsisaleadingglobalinvestmentba",
        last="othetransactionorafailuretoobtainarequiredregulatoryapproval",
        furniture=(PAGE_NUMBER,),
        why="Factors that may affect the business and a cautionary statement come before Item 2, so they are inside.",
    ),
    HandCut(
        file="2003_ba_html.htm",
        sha256="750b9ee1f4b8a34297f2521419c9aee9383deda03b7a2d0aeda4042d3435e1c9",
        start=33819,
        end=66533,
        first="itembusinesstheboeingcompanytogetherwithitssubsidiariesherei",
        last="themwithorfurnishthemtothesecuritiesandexchangecommissionsec",
        furniture=(PAGE_NUMBER, CONTENTS_LINK),
        why="Contents in a table; page 6 and the link to the contents stand between the last sentence and Item 2.",
    ),
    HandCut(
        file="2008_axp_html.htm",
        sha256="9a3791f52afc970cc760e991d097146438af02e09aa67732c25ead02018bc8b2",
        start=33582,
        end=1068976,
        first="itembusinessintroductionoverviewamericanexpresscompanytogeth",
        last="noteswithoriginalmaturitiesofdaysorlessandotherborrowedfunds",
        furniture=(PAGE_NUMBER, CONTENTS_LINK),
        why="Number and title in two cells; officers, employees and the Guide 3 tables come before Item 1A, so inside.",
    ),
    HandCut(
        file="2013_msft_html.htm",
        sha256="6d66d63211cdbf41c9e70ec5beef2f2dba2dbfc58c64deadd03f097ef987e1c4",
        start=43547,
        end=121922,
        first="itembusinessgeneralmicrosoftwasfoundedinourmissionistoenable",
        last="teisnotpartofthisoranyotherreportwefilewithorfurnishtothesec",
        furniture=(PAGE_NUMBER, CONTENTS_LINK, r"PART I", r"Item 1"),
        why="'Item 1' heads every page, even that of the note before the true heading; officers are inside.",
    ),
    HandCut(
        file="2024_meta_ixbrl.htm",
        sha256="931517fc551d51ced8c8348eb313f94a0baa931934eb6f189f432f5ece7e5ce1",
        start=222927,
        end=287064,
        first="itembusinessoverviewourmissionistobuildthefutureofhumanconne",
        last="forthesewebsitesareintendedtobeinactivetextualreferencesonly",
        furniture=(PAGE_NUMBER, CONTENTS_LINK),
        why="The heading is split over two spans without a blank; notes on metrics stand between contents and Item 1.",
    ),
    HandCut(
        file="2024_ibm_ixbrl.htm",
        sha256="4a2d79751837266a6677324c17bbe593697da1f005c1e0a6f140b88a11929177",
        start=778171,
        end=804059,
        first="itembusinessinternationalbusinessmachinescorporationibmorthe",
        last="esidentandchiefoperatingofficerofthegoldmansachsgroupincfrom",
        furniture=(PAGE_NUMBER, CONTENTS_LINK),
        why="Short: much is incorporated by reference; forward-looking statements and the officers' table are inside.",
    ),
)


def cut(raw: bytes, entry: HandCut) -> str:
    """Plain text of the true Item 1, one line for each block or line of the document, page furniture removed.

    Raises
    ------
    OtherDocumentError
        Where `raw` is not the gunzipped document that was cut, so that the offsets would point anywhere.
    """
    if hashlib.sha256(raw).hexdigest() != entry.sha256:
        raise OtherDocumentError(f"{entry.file} is not the document that was cut: its SHA-256 is not {entry.sha256}")
    source = _decoded(raw[entry.start : entry.end])
    text = _html_text(source) if entry.file.endswith(".htm") else html.unescape(TEXT_MARKS.sub(" ", source))
    furniture = re.compile("|".join(entry.furniture))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line and not furniture.fullmatch(line))


def letters(text: str) -> str:
    """The letters a to z of a text, lower-cased: what is left when marks, blanks and numbers are no matter."""
    return re.sub(r"[^a-z]", "", text.lower())


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _html_text(source: str) -> str:
    root = lxml.html.document_fromstring(" ".join(source.split()))
    for cell in root.iter(*CELLS):
        cell.tail = f" {cell.tail or ''}"
    for block in root.iter(*BLOCKS):
        # A table row is one line, so that a lone number in a cell is not taken for a page number.
        edge = " " if next(block.iterancestors(*CELLS), None) is not None else "\n"
        block.text = f"{edge}{block.text or ''}"
        block.tail = f"{edge}{block.tail or ''}"
    text: str = root.text_content()
    # Old filings write &#146; and mean byte 146 of cp1252.
    return text.translate(CP1252_CONTROLS)
