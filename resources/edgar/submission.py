"""Parses an EDGAR submission: the facts in its header, and the one document that is the annual report.

A full submission is a header (<SEC-HEADER>, before 1996 <IMS-HEADER>) and its documents. All functions take a whole
submission, the beginning of one, or a bare document.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

HEADER_ENDS = (b"</SEC-HEADER>", b"</IMS-HEADER>")
END_MARKS = (b"</SEC-DOCUMENT>", b"</IMS-DOCUMENT>", b"-----END PRIVACY-ENHANCED MESSAGE-----")
TAIL = 1000
"""Bytes at the end in which an end mark is expected."""
HEADER_BYTES = 1_000_000
"""Bytes in which a header is searched; the longest, with hundreds of co-registrants, have a third of it."""

FIELD_NAME = re.compile(r"[A-Z][A-Z -]*")
SIC = re.compile(r"\[([0-9]{4})\]$|^([0-9]{4})$")
DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
CIK = re.compile(r"[0-9]{1,10}")
REPORT = re.compile(rb"10-?K", re.IGNORECASE)
EXHIBIT = re.compile(rb"EX-|GRAPHIC|COVER|CORRESP|ZIP|XML|EXCEL|JSON", re.IGNORECASE)
FACT = rb"<%s>[ \t]*([^\r\n<]*)"
TYPE, FILE_NAME = re.compile(FACT % b"TYPE"), re.compile(FACT % b"FILENAME")
BINARY = re.compile(rb"\s*(?:<(?:PDF|ZIP|EXCEL)>|begin [0-7]{3} |%PDF|\x1f\x8b|PK\x03\x04|GIF8|\xff\xd8\xff|\x89PNG)")
BINARY_NAME = re.compile(rb"\.(?:pdf|gif|jpe?g|png|xlsx?|zip|xsd|json)\s*$", re.IGNORECASE)
STRAY = re.compile("[\udc80-\udcff]")
STRAY_BYTES = {chr(0xDC00 + byte): bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
"""What `surrogateescape` makes of a byte that is no UTF-8 -> the character that it is in cp1252."""
CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\f"))


@dataclass(frozen=True)
class Header:
    """The facts in the header; None if it lacks one or writes it in an unknown way."""

    period: date | None = None
    """Last day of the reported period."""
    filers: tuple[tuple[str, str | None], ...] = ()
    """Ten-digit CIK and four-digit SIC code of every filer, in order; each filer has a code of its own."""

    @property
    def sic(self) -> str | None:
        """SIC code of the first filer."""
        return self.filers[0][1] if self.filers else None

    def sic_of(self, cik: str) -> str | None:
        """Return the SIC code of a filer; the first filer's code if the header does not name it."""
        return dict(self.filers).get(cik, self.sic)


@dataclass(frozen=True)
class _Document:
    """One <DOCUMENT>: its type, and the offsets of its text."""

    type: bytes
    start: int
    end: int
    binary: bool
    closed: bool


def header(content: bytes) -> Header:
    """Return the facts in a submission's header; an empty Header if there is none."""
    filing, filers = _fields(_header_text(content))
    numbered = [(cik.zfill(10), filer) for filer in filers if CIK.fullmatch(cik := filer.get("CENTRAL INDEX KEY", ""))]
    return Header(
        period=_date(filing.get("CONFORMED PERIOD OF REPORT", "")),
        filers=tuple((cik, _code(filer)) for cik, filer in numbered),
    )


def header_arrived(content: bytes) -> bool:
    """Return whether the content holds the whole header."""
    return any(content.find(mark, 0, HEADER_BYTES) >= 0 for mark in HEADER_ENDS)


def document_arrived(content: bytes) -> bool:
    """Return whether the content holds the whole report, so that reading can stop."""
    return any(document.closed and _is_report(document) for document in _documents(content))


def submission_ended(content: bytes) -> bool:
    """Return whether the report is complete: its end tag is there, or the end mark of the submission."""
    return any(mark in content[-TAIL:] for mark in END_MARKS) or document_arrived(content)


def main_document(content: bytes) -> str:
    """Return the annual report as text; empty if there is none that is text.

    It is decoded as UTF-8, a byte that is not UTF-8 as cp1252, undefined ones replaced; without control characters.
    """
    documents = [document for document in _documents(content) if not document.binary]
    if documents:
        body = [d for d in documents if not EXHIBIT.match(d.type)]
        chosen = next((d for d in documents if _is_report(d)), body[0] if body else None)
        return _decoded(content[chosen.start : chosen.end]) if chosen else ""
    if b"<DOCUMENT>" in content or BINARY.match(content):
        return ""
    ends = (content.find(mark, 0, HEADER_BYTES) + len(mark) for mark in HEADER_ENDS if mark in content[:HEADER_BYTES])
    return _decoded(content[next(ends, 0) :])


def _is_report(document: _Document) -> bool:
    return REPORT.match(document.type) is not None and not document.binary


def _documents(content: bytes) -> Iterator[_Document]:
    """Yield every document in order; a last one without an end tag runs to the end of the content."""
    at = content.find(b"<DOCUMENT>")
    while at >= 0:
        close = content.find(b"</DOCUMENT>", at)
        end = close if close >= 0 else len(content)
        yield _document(content, at, end, closed=close >= 0)
        at = content.find(b"<DOCUMENT>", end)


def _document(content: bytes, at: int, end: int, closed: bool) -> _Document:
    text = content.find(b"<TEXT>", at, end)
    start = text + len(b"<TEXT>") if text >= 0 else at
    facts = content[at : text if text >= 0 else min(end, at + TAIL)]
    kind, name = TYPE.search(facts), FILE_NAME.search(facts)
    text_end = content.rfind(b"</TEXT>", start, end)
    binary = BINARY.match(content, start, end) or (name and BINARY_NAME.search(name[1]))
    return _Document(kind[1].strip() if kind else b"", start, text_end if text_end >= 0 else end, bool(binary), closed)


def _decoded(content: bytes) -> str:
    content = content.translate(None, CONTROLS)
    try:
        # The incremental decoder accepts a beginning that stops inside a character; `decode` would not.
        text = codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        # Byte by byte: one stray byte must not turn every other character of a report in UTF-8 into two or three.
        text = STRAY.sub(lambda byte: STRAY_BYTES[byte[0]], content.decode("utf-8", "surrogateescape"))
    return text.removeprefix("\ufeff")


def _header_text(content: bytes) -> str:
    """Return the header's text, up to its end mark or the first document."""
    start = min((at for mark in HEADER_ENDS if (at := content.find(mark.replace(b"/", b""))) >= 0), default=-1)
    if start < 0:
        return ""
    limit = start + HEADER_BYTES
    ends = (content.find(mark, start, limit) for mark in (*HEADER_ENDS, b"<DOCUMENT>"))
    return _decoded(content[start : min((end for end in ends if end >= 0), default=limit)])


def _fields(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the fields of the filing and of each filer, the first value of each; other parties are skipped."""
    filing: dict[str, str] = {}
    filers: list[dict[str, str]] = []
    party = filing
    # Line by line: a pattern over the whole header takes quadratic time on blank lines.
    for line in text.splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not FIELD_NAME.fullmatch(name):
            continue
        # A name without indentation and value opens the section of a party, such as FILER or SUBJECT COMPANY.
        if not line[0].isspace() and not value:
            party = {}
            if name == "FILER":
                filers.append(party)
        party.setdefault(name, value)
    return filing, filers


def _code(filer: dict[str, str]) -> str | None:
    """Return the four-digit SIC code, or None; EDGAR writes 0000 for none."""
    found = SIC.search(filer.get("STANDARD INDUSTRIAL CLASSIFICATION", ""))
    code = found and (found[1] or found[2])
    return code if code != "0000" else None


def _date(digits: str) -> date | None:
    parts = DAY.fullmatch(digits)
    try:
        return date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None
