"""The real annual reports of PEERLENS_TESTDATA as EDGAR would serve them."""

import csv
import gzip
import os
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from fakes.edgar_formats import ServedCompany, ServedFiling
from fakes.edgar_submission import Filer, document, full_submission

UNKNOWN_DELAY = timedelta(days=75)
"""From the end of the period to the filing, where nobody knows the day: it is made up, and so is the accession."""
MADE_UP = "9999999999"

CIKS = {
    "Alcoa Inc": 4281,
    "Medicis Pharmaceutical Corp": 9900001,  # made up
    "GAINSCO Inc": 9900002,  # made up
}
"""Where the manifest tells none."""

LISTED = {
    4281: ("HWM", "NYSE", ""),
    4962: ("AXP", "NYSE", "6199"),
    12927: ("BA", "NYSE", "3721"),
    21344: ("KO", "NYSE", "2080"),
    37996: ("F", "NYSE", "3711"),
    38264: ("FORD", "Nasdaq", ""),
    39899: ("TGNA", "NYSE", "4833"),
    40545: ("GE", "NYSE", "3600"),
    50863: ("INTC", "Nasdaq", "3674"),
    51143: ("IBM", "NYSE", "3570"),
    72971: ("WFC", "NYSE", "6021"),
    80424: ("PG", "NYSE", "2840"),
    104169: ("WMT", "NYSE", "5331"),
    200406: ("JNJ", "NYSE", "2834"),
    320187: ("NKE", "NYSE", "3021"),
    320193: ("AAPL", "Nasdaq", "3571"),
    354950: ("HD", "NYSE", "5211"),
    731766: ("UNH", "NYSE", "6324"),
    789019: ("MSFT", "Nasdaq", "7372"),
    794367: ("M", "NYSE", "5311"),
    886982: ("GS", "NYSE", "6211"),
    1018724: ("AMZN", "Nasdaq", "5961"),
    1041061: ("YUM", "NYSE", "5812"),
    1045810: ("NVDA", "Nasdaq", "3674"),
    1326801: ("META", "Nasdaq", "7370"),
    1403161: ("V", "NYSE", "7389"),
}
"""Ticker, exchange and SIC code of today, of those that are certain."""


def real_data() -> Path:
    """Folder of the real test data; the test is skipped where there is none."""
    if "PEERLENS_TESTDATA" not in os.environ:
        pytest.skip("PEERLENS_TESTDATA does not name the folder of the real test data", allow_module_level=True)
    return Path(os.environ["PEERLENS_TESTDATA"])


def real_file(name: str) -> bytes:
    """A file of the real test data, without its .gz; the test is skipped where there is none."""
    return gzip.decompress((real_data() / f"{name}.gz").read_bytes())


def tenk_filings() -> list[ServedFiling]:
    """All reports of the manifest, in its order; bare documents are wrapped into a full submission."""
    folder = real_data() / "tenk"
    with (folder / "manifest.csv").open(newline="") as manifest:
        rows = list(csv.DictReader(manifest))
    return [_filing(row, number, real_file(f"tenk/{row['file']}")) for number, row in enumerate(rows, start=1)]


def tenk_companies() -> list[ServedCompany]:
    """Who filed them, as of today: without tickers where they are not certain or there are none any more."""
    newest = {filing.cik: filing for filing in sorted(tenk_filings(), key=lambda f: f.filed_at)}
    return [_company(filing) for _, filing in sorted(newest.items())]


def _company(filing: ServedFiling) -> ServedCompany:
    ticker, exchange, sic = LISTED.get(filing.cik, ("", "", ""))
    period_end = _told(rb"FISCAL YEAR END:\s*(\d{4})", filing.content)
    return ServedCompany(filing.cik, filing.name, (ticker,) if ticker else (), exchange, sic, period_end)


def _filing(row: dict[str, str], number: int, raw: bytes) -> ServedFiling:
    if row["full_submission"] == "yes":
        return _as_it_is(raw)
    cik = int(row["cik"] or CIKS[row["company"]])
    filed_at, accession = _filed_at(row), _accession(row, number)
    content = full_submission(
        accession,
        row["form"],
        date.fromisoformat(row["period_of_report"]),
        filed_at,
        [_filer(row, cik)],
        [
            _main_document(row, raw),
            document("EX-99", 2, "exhibit.txt", b"An exhibit that nobody has to read.\n" * 14_000),
        ],
    )
    return ServedFiling(cik, row["company"], row["form"], filed_at, accession, content)


def _as_it_is(raw: bytes) -> ServedFiling:
    return ServedFiling(
        int(_told(rb"CENTRAL INDEX KEY:\s*(\d+)", raw)),
        _told(rb"COMPANY CONFORMED NAME:\s*(.+)", raw),
        _told(rb"CONFORMED SUBMISSION TYPE:\s*(\S+)", raw),
        datetime.strptime(_told(rb"FILED AS OF DATE:\s*(\d{8})", raw), "%Y%m%d").date(),
        _told(rb"ACCESSION NUMBER:\s*(\S+)", raw),
        raw,
    )


def _filer(row: dict[str, str], cik: int) -> Filer:
    sic = row["sic"] or LISTED.get(cik, ("", "", ""))[2]
    year_end = f"{date.fromisoformat(row['period_of_report']):%m%d}"
    return Filer(cik, row["company"].upper(), f"SERVICES OR GOODS [{sic}]" if sic else None, year_end)


def _main_document(row: dict[str, str], raw: bytes) -> bytes:
    bare = not raw.lstrip().startswith(b"<DOCUMENT>")
    return document(row["form"], 1, row["file"], raw) if bare else raw.strip() + b"\n"


def _filed_at(row: dict[str, str]) -> date:
    known = re.search(r"filed (\d{4}-\d\d-\d\d)", row["note"])
    return date.fromisoformat(known[1]) if known else date.fromisoformat(row["period_of_report"]) + UNKNOWN_DELAY


def _accession(row: dict[str, str], number: int) -> str:
    known = re.search(r"accession ([\d-]{20})", row["note"]) or re.search(r"/(\d{18})/", row["source_path"])
    digits = known[1].replace("-", "") if known else f"{MADE_UP}{_filed_at(row):%y}{number:06}"
    return f"{digits[:10]}-{digits[10:12]}-{digits[12:]}"


def _told(pattern: bytes, raw: bytes) -> str:
    found = re.search(pattern, raw)
    return found[1].decode("latin-1").strip() if found else ""
