"""What EDGAR's lists say: the quarterly full index, the present tickers, and the submissions of a company."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, get_args

import polars as pl

from resources.settings.descriptions import Form

HEADINGS, HEAD_BYTES = "CIK|Company Name|Form Type|Date Filed|", 4000
PATH = re.compile(r"edgar/data/\d{1,10}/(?P<accession>\d{10}-\d{2}-\d{6})\.txt")
REPORTS = {
    "company_id": pl.String,
    "name": pl.String,
    "form": pl.String,
    "filed_at": pl.Date,
    "accession": pl.String,
    "url": pl.String,
}
LISTED = {"company_id": pl.String, "name": pl.String, "ticker": pl.String, "exchange": pl.String}


class EdgarFormatError(ValueError):
    """EDGAR answered something that is not what it should be; the message says what and where."""


def company_id(cik: int | str) -> str:
    """The ten-digit CIK."""
    return str(int(cik)).zfill(10)


def base_form(form: str) -> str:
    """'10-K405/A' -> '10K405'."""
    return form.upper().replace("-", "").removesuffix("/A").strip()


ANNUAL = frozenset(base_form(form) for form in get_args(Form))
"""Annual reports, their dashes left out: EDGAR writes 10-KSB and 10KSB."""


def is_amendment(form: str) -> bool:
    """Whether the form amends another one."""
    return form.upper().endswith("/A")


def index_path(year: int, quarter: int) -> str:
    """Path of the full index of a quarter."""
    return f"/Archives/edgar/full-index/{year}/QTR{quarter}/master.idx"


def quarter_end(year: int, quarter: int) -> date:
    """Last day of a quarter."""
    return date(year + quarter // 4, quarter * 3 % 12 + 1, 1) - timedelta(days=1)


def is_index(content: bytes) -> bool:
    """Whether this is a master index, not a page in its place."""
    return HEADINGS.encode() in content[:HEAD_BYTES]


def is_json(content: bytes) -> bool:
    """Whether this is a JSON object to its end."""
    return content.rstrip().endswith(b"}")


def annual_reports(index: bytes, where: str) -> tuple[pl.DataFrame, int]:
    """Annual reports and their amendments in a master index, and how many lines of it could not be read.

    Parameters
    ----------
    index : bytes
        A quarterly or daily `master.idx`; dates as YYYY-MM-DD or YYYYMMDD.
    where : str
        Its path, for the error.

    Returns
    -------
    tuple of DataFrame and int
        Rows with the columns REPORTS, one per company and accession, sorted by accession and company.

    Raises
    ------
    EdgarFormatError
        This is no master index: it has no line of column names.
    """
    head, rule, body = index.decode("latin-1").replace("\r", "").partition("\n-----")
    if not rule or HEADINGS not in head:
        raise EdgarFormatError(f"{where}: not a master index; it begins with {head[:60]!r}")
    lines = [line.split("|") for line in body.split("\n")[1:] if line.strip()]
    annual = [fields for fields in lines if len(fields) == 5 and base_form(fields[2]) in ANNUAL]
    rows = [row for fields in annual if (row := _report(fields))]
    unreadable = sum(len(fields) != 5 for fields in lines) + len(annual) - len(rows)
    frame = pl.DataFrame(rows, schema=REPORTS, orient="row").unique(["accession", "company_id"], keep="first")
    return frame.sort("accession", "company_id"), unreadable


def _report(fields: list[str]) -> tuple[str, str, str, date, str, str] | None:
    cik, name, form, day, path = (field.strip() for field in fields)
    found = PATH.fullmatch(path)
    filed_at = _day(day)
    if not found or not cik.isdigit() or filed_at is None:
        return None
    return company_id(cik), name, form, filed_at, found["accession"], f"/Archives/{path}"


def _day(text: str) -> date | None:
    """A day written as YYYY-MM-DD or YYYYMMDD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def listing(content: bytes, where: str) -> pl.DataFrame:
    """Which ticker means which company today: rows with the columns LISTED, sorted.

    Raises
    ------
    EdgarFormatError
        This is not company_tickers_exchange.json.
    """
    with _expected(where):
        parsed = json.loads(content)
        order = [parsed["fields"].index(name) for name in ("cik", "name", "ticker", "exchange")]
        rows = [[row[i] for i in order] for row in parsed["data"] if row[order[2]]]
        known = [(company_id(cik), name, str(ticker).upper(), exchange) for cik, name, ticker, exchange in rows]
    return (
        pl.DataFrame(known, schema=LISTED, orient="row").unique(["ticker", "company_id"]).sort("ticker", "company_id")
    )


def older_pages(submissions: bytes, where: str) -> list[str]:
    """Paths of the pages that hold a company's older filings."""
    with _expected(where):
        names = [str(file["name"]) for file in json.loads(submissions)["filings"]["files"]]
    return [f"/submissions/{name}" for name in names if re.fullmatch(r"CIK\d{10}-submissions-\d{3}\.json", name)]


def company_facts(submissions: bytes, pages: Mapping[str, bytes], where: str) -> dict[str, Any]:
    """What the submissions API says of a company: exchange, fiscal_year_end as MM-DD, first_report.

    Parameters
    ----------
    submissions : bytes
        Its main page.
    pages : mapping
        Path -> content of the pages of `older_pages`.
    where : str
        Path of the main page, for the error.

    Raises
    ------
    EdgarFormatError
        A page is not what EDGAR writes.
    """
    with _expected(where):
        main = json.loads(submissions)
        end, exchanges = str(main.get("fiscalYearEnd") or ""), [name for name in main.get("exchanges") or () if name]
        days = _annual_days(main["filings"]["recent"])
    for path, content in pages.items():
        with _expected(path):
            days += _annual_days(json.loads(content))
    return {
        "exchange": exchanges[0] if exchanges else None,
        "fiscal_year_end": f"{end[:2]}-{end[2:]}" if re.fullmatch(r"\d{4}", end) else None,
        "first_report": min(days, default=None),
    }


def _annual_days(page: Mapping[str, Any]) -> list[date]:
    columns = zip(page.get("form", ()), page.get("filingDate", ()), strict=True)
    return [date.fromisoformat(day) for form, day in columns if base_form(str(form)) in ANNUAL]


@contextmanager
def _expected(where: str) -> Iterator[None]:
    """Name the page whose JSON is not what EDGAR writes."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EdgarFormatError(f"{where}: not as EDGAR writes it: {type(error).__name__}: {error}") from error
