"""The texts EDGAR makes of its filings: quarterly master index, ticker lists and the submissions API."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

DAILY = "%Y%m%d"
"""Format of dates in EDGAR's daily indexes, and in some of the quarterly ones."""


@dataclass(frozen=True)
class ServedFiling:
    """One filing of one filer; co-registrants are several of these with the same accession and content."""

    cik: int
    name: str
    form: str
    filed_at: date
    accession: str
    """With dashes, as `0000037996-94-000005`."""
    content: bytes
    """The full submission."""

    @property
    def path(self) -> str:
        """Where the full submission is, as in the indexes: without `/Archives/`."""
        return f"edgar/data/{self.cik}/{self.accession}.txt"


@dataclass(frozen=True)
class ServedCompany:
    """A filer as the submissions API and the ticker lists tell it today."""

    cik: int
    name: str
    tickers: tuple[str, ...]
    exchange: str
    """Empty for none, which EDGAR writes as null."""
    sic: str
    fiscal_year_end: str
    """Month and day, as `1231`."""
    former_names: tuple[tuple[str, date, date], ...] = ()
    """Name, first and last day of each."""


def master_index(filings: Sequence[ServedFiling], year: int, quarter: int, dates: str) -> bytes:
    """Master index of one quarter, with dates in the given format; header as in the indexes that have such dates."""
    rows = sorted(
        (str(f.cik), f.form, f.filed_at.strftime(dates), f.path, f.name)
        for f in filings
        if _quarter(f) == (year, quarter)
    )
    last = max((f.filed_at for f in filings if _quarter(f) == (year, quarter)), default=date(year, 3 * quarter, 30))
    header = _daily_header(last) if dates == DAILY else _quarterly_header(last)
    lines = [f"{cik}|{name}|{form}|{filed}|{path}" for cik, form, filed, path, name in rows]
    return "".join(line + "\n" for line in [*header, "-" * 80, *lines]).encode("latin-1", "replace")


def _quarter(filing: ServedFiling) -> tuple[int, int]:
    return filing.filed_at.year, (filing.filed_at.month + 2) // 3


def _quarterly_header(last: date) -> list[str]:
    return [
        "Description:           Master Index of EDGAR Dissemination Feed",
        f"Last Data Received:    {last:%B} {last.day}, {last.year}",
        "Comments:              webmaster@sec.gov",
        "Anonymous FTP:         ftp://ftp.sec.gov/edgar/",
        "Cloud HTTP:            https://www.sec.gov/Archives/",
        *[""] * 4,
        "CIK|Company Name|Form Type|Date Filed|Filename",
    ]


def _daily_header(last: date) -> list[str]:
    return [
        "Description:           Daily Index of EDGAR Dissemination Feed",
        f"Last Data Received:    {last:%b} {last.day:2}, {last.year}",
        "Comments:              webmaster@sec.gov",
        "Anonymous FTP:         ftp://ftp.sec.gov/edgar/",
        "",
        "CIK|Company Name|Form Type|Date Filed|File Name",
    ]


def company_tickers_exchange(companies: Sequence[ServedCompany]) -> bytes:
    """One row a ticker, in columns."""
    rows = [[c.cik, c.name, ticker, c.exchange or None] for c in companies for ticker in c.tickers]
    return _json({"fields": ["cik", "name", "ticker", "exchange"], "data": rows})


def company_tickers(companies: Sequence[ServedCompany]) -> bytes:
    """One object a ticker, under its number."""
    rows = [{"cik_str": c.cik, "ticker": ticker, "title": c.name} for c in companies for ticker in c.tickers]
    return _json({str(i): row for i, row in enumerate(rows)})


def submissions(company: ServedCompany, filings: Sequence[ServedFiling], recent: int) -> bytes:
    """What the API says of a company and of its `recent` newest filings; the older pages are named."""
    pages = _pages(filings, recent)
    older = [
        {
            "name": older_page(company.cik, number),
            "filingCount": len(page),
            "filingFrom": str(page[-1].filed_at),
            "filingTo": str(page[0].filed_at),
        }
        for number, page in enumerate(pages[1:], start=1)
    ]
    return _json({**_about(company), "filings": {"recent": _columns(pages[0]), "files": older}})


def older_submissions(filings: Sequence[ServedFiling], recent: int, number: int) -> bytes | None:
    """Page `number` (from 1) of a company's older filings, None where there is none."""
    pages = _pages(filings, recent)
    return _json(_columns(pages[number])) if 0 < number < len(pages) else None


def older_page(cik: int, number: int) -> str:
    """Name of an older page."""
    return f"CIK{cik:010}-submissions-{number:03}.json"


def _pages(filings: Sequence[ServedFiling], size: int) -> list[list[ServedFiling]]:
    newest_first = sorted(filings, key=lambda f: (f.filed_at, f.accession), reverse=True)
    return [newest_first[i : i + size] for i in range(0, max(len(newest_first), 1), size)]


def _about(company: ServedCompany) -> dict[str, object]:
    address = dict.fromkeys(["street1", "street2", "city", "stateOrCountry", "zipCode", "stateOrCountryDescription"])
    return {
        "cik": str(company.cik),
        "entityType": "operating",
        "sic": company.sic,
        "sicDescription": "",
        "insiderTransactionForOwnerExists": 0,
        "insiderTransactionForIssuerExists": 1,
        "name": company.name,
        "tickers": list(company.tickers),
        "exchanges": [company.exchange or None] * len(company.tickers),
        **dict.fromkeys(["ein", "description", "website", "investorWebsite", "category"], ""),
        "fiscalYearEnd": company.fiscal_year_end,
        **dict.fromkeys(["stateOfIncorporation", "stateOfIncorporationDescription"], ""),
        "addresses": {"mailing": address, "business": address},
        **dict.fromkeys(["phone", "flags"], ""),
        "formerNames": [
            {"name": name, "from": f"{first}T00:00:00.000Z", "to": f"{last}T00:00:00.000Z"}
            for name, first, last in company.former_names
        ],
    }


def _columns(filings: Sequence[ServedFiling]) -> dict[str, list[object]]:
    inline = [int(b"<ix:header" in f.content) for f in filings]
    empty: list[object] = [""] * len(filings)
    return {
        "accessionNumber": [f.accession for f in filings],
        "filingDate": [str(f.filed_at) for f in filings],
        "reportDate": [_period(f.content) for f in filings],
        "acceptanceDateTime": [f"{f.filed_at}T17:00:00.000Z" for f in filings],
        "act": ["34"] * len(filings),
        "form": [f.form for f in filings],
        "fileNumber": empty,
        "filmNumber": empty,
        "items": empty,
        "size": [len(f.content) for f in filings],
        "isXBRL": [*inline],
        "isInlineXBRL": [*inline],
        "primaryDocument": [_tagged(rb"<FILENAME>(.*)", f.content) for f in filings],
        "primaryDocDescription": [_tagged(rb"<DESCRIPTION>(.*)", f.content) for f in filings],
    }


def _period(content: bytes) -> str:
    digits = _tagged(rb"CONFORMED PERIOD OF REPORT:\s*(\d{8})", content)
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits else ""


def _tagged(pattern: bytes, content: bytes) -> str:
    found = re.search(pattern, content)
    return found[1].decode("latin-1").strip() if found else ""


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
