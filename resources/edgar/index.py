"""Parsers for EDGAR's lists: the quarterly full index, today's tickers, and the submissions of a company."""

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
    """An EDGAR document does not have the expected format; the message names the document and the problem."""


def company_id(cik: int | str) -> str:
    """Return the CIK with ten digits."""
    return str(int(cik)).zfill(10)


def base_form(form: str) -> str:
    """Return the form without dashes and amendment mark: '10-K405/A' -> '10K405'."""
    return form.upper().replace("-", "").removesuffix("/A").strip()


ANNUAL = frozenset(base_form(form) for form in get_args(Form))
"""Forms of annual reports, without dashes, because EDGAR writes both 10-KSB and 10KSB."""


def is_amendment(form: str) -> bool:
    """Return whether the form is an amendment."""
    return form.upper().endswith("/A")


def index_path(year: int, quarter: int) -> str:
    """Return the path of a quarter's full index."""
    return f"/Archives/edgar/full-index/{year}/QTR{quarter}/master.idx"


def quarter_end(year: int, quarter: int) -> date:
    """Return the last day of a quarter."""
    return date(year + quarter // 4, quarter * 3 % 12 + 1, 1) - timedelta(days=1)


def is_index(content: bytes) -> bool:
    """Return whether the content is a master index, and not an error page in its place."""
    return HEADINGS.encode() in content[:HEAD_BYTES]


def is_json(content: bytes) -> bool:
    """Return whether the content ends as a JSON object does."""
    return content.rstrip().endswith(b"}")


def annual_reports(index: bytes, where: str) -> tuple[pl.DataFrame, int]:
    """Return the annual reports and amendments in a master index, and the number of lines that cannot be read.

    Parameters
    ----------
    index : bytes
        A quarterly or daily `master.idx`, with dates as YYYY-MM-DD or YYYYMMDD.
    where : str
        Its path, for the error message.

    Returns
    -------
    tuple of DataFrame and int
        Rows with the columns REPORTS, one per accession and company, sorted by both; and the number of bad lines.

    Raises
    ------
    EdgarFormatError
        The content has no line of column names, so it is not a master index.
    """
    lines = _index_lines(index, where)
    annual = [fields for fields in lines if len(fields) == 5 and base_form(fields[2]) in ANNUAL]
    rows = [row for fields in annual if (row := _report(fields))]
    unreadable = sum(len(fields) != 5 for fields in lines) + len(annual) - len(rows)
    frame = pl.DataFrame(rows, schema=REPORTS, orient="row").unique(["accession", "company_id"], keep="first")
    return frame.sort("accession", "company_id"), unreadable


def _index_lines(index: bytes, where: str) -> list[list[str]]:
    # Latin-1 decodes every byte: a name in another encoding must not lose the whole quarter.
    head, rule, body = index.decode("latin-1").replace("\r", "").partition("\n-----")
    if not rule or HEADINGS not in head:
        raise EdgarFormatError(
            f"{where}: not a master index; it begins with {head[:60]!r}; run again with --all to fetch it anew"
        )
    return [line.split("|") for line in body.split("\n")[1:] if line.strip()]


def _report(fields: list[str]) -> tuple[str, str, str, date, str, str] | None:
    cik, name, form, day, path = (field.strip() for field in fields)
    found = PATH.fullmatch(path)
    filed_at = _day(day)
    if not found or not cik.isdigit() or filed_at is None:
        return None
    return company_id(cik), name, form, filed_at, found["accession"], f"/Archives/{path}"


def _day(text: str) -> date | None:
    """Return the date written as YYYY-MM-DD or YYYYMMDD, or None if the text is not a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def listing(content: bytes, where: str) -> pl.DataFrame:
    """Return which ticker belongs to which company today: rows with the columns LISTED, sorted.

    Raises
    ------
    EdgarFormatError
        The content is not a company_tickers_exchange.json.
    """
    with _format_errors(where):
        parsed = json.loads(content)
        order = [parsed["fields"].index(name) for name in ("cik", "name", "ticker", "exchange")]
        rows = [[row[i] for i in order] for row in parsed["data"] if row[order[2]]]
        known = [(company_id(cik), name, str(ticker).upper(), exchange) for cik, name, ticker, exchange in rows]
    return (
        pl.DataFrame(known, schema=LISTED, orient="row").unique(["ticker", "company_id"]).sort("ticker", "company_id")
    )


def older_pages(submissions: bytes, where: str) -> list[str]:
    """Return the paths of the pages that hold a company's older filings."""
    with _format_errors(where):
        names = [str(file["name"]) for file in json.loads(submissions)["filings"]["files"]]
    # The pattern keeps a file name in the JSON from leading to another path.
    return [f"/submissions/{name}" for name in names if re.fullmatch(r"CIK\d{10}-submissions-\d{3}\.json", name)]


def company_facts(submissions: bytes, pages: Mapping[str, bytes], where: str) -> dict[str, Any]:
    """Return a company's facts from the submissions API: exchange, fiscal_year_end as MM-DD, first_report.

    Parameters
    ----------
    submissions : bytes
        The main page.
    pages : mapping
        Path -> content of the pages that `older_pages` names.
    where : str
        Path of the main page, for the error message.

    Raises
    ------
    EdgarFormatError
        A page does not have the expected format.
    """
    with _format_errors(where):
        main = json.loads(submissions)
        end, exchanges = str(main.get("fiscalYearEnd") or ""), [name for name in main.get("exchanges") or () if name]
        days = _annual_days(main["filings"]["recent"])
    for path, content in pages.items():
        with _format_errors(path):
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
def _format_errors(where: str) -> Iterator[None]:
    """Turn the errors of parsing a page into an EdgarFormatError that names the page."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EdgarFormatError(f"{where}: unexpected format: {type(error).__name__}: {error}") from error
