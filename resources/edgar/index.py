"""What EDGAR's lists say: the quarterly full index, the present tickers, and the submissions of a company."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

ANNUAL = frozenset({"10K", "10K405", "10KSB", "10KSB40", "10KT", "10KT405"})
"""Forms of annual reports without their dashes: EDGAR writes 10-KSB and 10KSB."""
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


def is_amendment(form: str) -> bool:
    """Whether the form amends another one."""
    return form.upper().endswith("/A")


def index_path(year: int, quarter: int) -> str:
    """Path of the full index of a quarter."""
    return f"/Archives/edgar/full-index/{year}/QTR{quarter}/master.idx"


def quarter_end(year: int, quarter: int) -> date:
    """Last day of a quarter."""
    return date(year + quarter // 4, quarter * 3 % 12 + 1, 1) - timedelta(days=1)


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
    if not rule or "CIK|Company Name|Form Type|Date Filed|" not in head:
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
    parsed = _json(content, where)
    if set(parsed.get("fields", ())) != {"cik", "name", "ticker", "exchange"}:
        raise EdgarFormatError(f"{where}: fields {parsed.get('fields')}, expected cik, name, ticker, exchange")
    order = [parsed["fields"].index(name) for name in ("cik", "name", "ticker", "exchange")]
    rows = [[row[i] for i in order] for row in parsed["data"] if row[order[2]]]
    known = [(company_id(cik), name, str(ticker).upper(), exchange) for cik, name, ticker, exchange in rows]
    return (
        pl.DataFrame(known, schema=LISTED, orient="row").unique(["ticker", "company_id"]).sort("ticker", "company_id")
    )


def older_pages(submissions: bytes, where: str) -> list[str]:
    """Paths of the pages that hold a company's older filings."""
    files = _json(submissions, where).get("filings", {}).get("files", [])
    names = [str(file["name"]) for file in files]
    return [f"/submissions/{name}" for name in names if re.fullmatch(r"CIK\d{10}-submissions-\d{3}\.json", name)]


def company_facts(submissions: bytes, pages: Iterable[bytes], where: str) -> dict[str, Any]:
    """What the submissions API says of a company: exchange, fiscal_year_end as MM-DD, first_report.

    Parameters
    ----------
    submissions : bytes
        Its main page.
    pages : iterable of bytes
        The pages of `older_pages`.
    where : str
        Its path, for the error.
    """
    main = _json(submissions, where)
    recent = main.get("filings", {}).get("recent", {})
    days = [day for page in (recent, *(_json(page, where) for page in pages)) for day in _annual_days(page)]
    end = str(main.get("fiscalYearEnd") or "")
    exchanges = [str(name) for name in main.get("exchanges") or () if name]
    return {
        "exchange": exchanges[0] if exchanges else None,
        "fiscal_year_end": f"{end[:2]}-{end[2:]}" if re.fullmatch(r"\d{4}", end) else None,
        "first_report": min(days, default=None),
    }


def _annual_days(page: Mapping[str, Any]) -> list[date]:
    columns = zip(page.get("form", ()), page.get("filingDate", ()), strict=True)
    return [date.fromisoformat(day) for form, day in columns if base_form(str(form)) in ANNUAL]


def _json(content: bytes, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise EdgarFormatError(f"{where}: not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise EdgarFormatError(f"{where}: a JSON {type(parsed).__name__}, expected an object")
    return parsed
