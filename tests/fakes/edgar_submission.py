"""Full submissions as EDGAR writes them: a header, then the documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Filer:
    """What a header tells of a filer; None is left out."""

    cik: int
    name: str
    sic: str | None = None
    """As the header has it: `BEVERAGES [2080]`, or the bare code in the first years."""
    fiscal_year_end: str | None = None
    """Month and day, as `1231`."""


def document(type: str, sequence: int, filename: str, text: bytes) -> bytes:
    """One document of a submission; inline XBRL in the wrapper it has there."""
    tags = f"<DOCUMENT>\n<TYPE>{type}\n<SEQUENCE>{sequence}\n<FILENAME>{filename}\n<TEXT>\n"
    body = b"<XBRL>\n" + text + b"\n</XBRL>" if b"<ix:header" in text else text
    return tags.encode() + body + b"\n</TEXT>\n</DOCUMENT>\n"


def full_submission(
    accession: str, form: str, period: date, filed_at: date, filers: Sequence[Filer], documents: Sequence[bytes]
) -> bytes:
    """Bytes of the `.txt` that holds everything filed under one accession."""
    opening = [
        f"<SEC-DOCUMENT>{accession}.txt : {filed_at:%Y%m%d}",
        f"<SEC-HEADER>{accession}.hdr.sgml : {filed_at:%Y%m%d}",
        f"<ACCEPTANCE-DATETIME>{filed_at:%Y%m%d}160000",
        f"ACCESSION NUMBER:\t\t{accession}",
        f"CONFORMED SUBMISSION TYPE:\t{form}",
        f"PUBLIC DOCUMENT COUNT:\t\t{len(documents)}",
        f"CONFORMED PERIOD OF REPORT:\t{period:%Y%m%d}",
        f"FILED AS OF DATE:\t\t{filed_at:%Y%m%d}",
        f"DATE AS OF CHANGE:\t\t{filed_at:%Y%m%d}",
        "",
    ]
    header = [*opening, *(line for filer in filers for line in _filer(filer, form)), "</SEC-HEADER>"]
    return "".join(f"{line}\n" for line in header).encode() + b"".join(documents) + b"</SEC-DOCUMENT>\n"


def _filer(filer: Filer, form: str) -> list[str]:
    return [
        "FILER:",
        "",
        "\tCOMPANY DATA:\t",
        f"\t\tCOMPANY CONFORMED NAME:\t\t\t{filer.name}",
        f"\t\tCENTRAL INDEX KEY:\t\t\t{filer.cik:010}",
        *([f"\t\tSTANDARD INDUSTRIAL CLASSIFICATION:\t{filer.sic}"] if filer.sic else []),
        *([f"\t\tFISCAL YEAR END:\t\t\t{filer.fiscal_year_end}"] if filer.fiscal_year_end else []),
        "",
        "\tFILING VALUES:",
        f"\t\tFORM TYPE:\t\t{form}",
        "\t\tSEC ACT:\t\t1934 Act",
        "",
    ]
