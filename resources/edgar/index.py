"""Parsers for EDGAR's lists: the quarterly full index, today's tickers, and the submissions of a company."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO
from typing import Any, get_args

import polars as pl

from resources.edgar.list_values import MAX_JSON_BYTES, MAX_JSON_PARTS, cik, day, month_and_day, text
from resources.edgar.wrong_answers import described, named
from resources.network.json_answer import parse_json
from resources.settings.descriptions import Form

LOG = logging.getLogger("peerlens")

HEADINGS, HEAD_BYTES, COLUMNS = "CIK|Company Name|Form Type|Date Filed|", 4000, 5
PATH = re.compile(r"edgar/data/(?P<cik>[0-9]{1,10})/(?P<accession>[0-9]{10}-[0-9]{2}-[0-9]{6})\.txt")
ROW_END = re.compile(r"\.txt *$")
OLDER_PAGE = re.compile(r"CIK[0-9]{10}-submissions-[0-9]{3}\.json")
COMPANY_PAGE = re.compile(r"/submissions/CIK([0-9]{10})\.json")
MAX_NAME, MAX_TICKER = 500, 50
"""Characters; the longest name in EDGAR's indexes has 150."""
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
    """Return whether the content begins as a master index does, and is not an error page in its place."""
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
        The content is not a master index, or is cut in the middle of a line.
    """
    rows, n_lines, n_other, n_unreadable = [], 0, 0, 0
    for line in _index_lines(index, where):
        fields = [field.strip() for field in line.split("|", COLUMNS)]
        n_lines += 1
        if len(fields) == COLUMNS and base_form(fields[2]) not in ANNUAL:
            n_other += 1
        elif len(fields) == COLUMNS and (row := _report(fields)):
            rows.append(row)
        else:
            n_unreadable += 1
    if n_lines and not rows and not n_other:
        raise EdgarFormatError(f"{where}: not one of its {n_lines} lines is as EDGAR writes them")
    frame = pl.DataFrame(rows, schema=REPORTS, orient="row").unique(["accession", "company_id"], keep="first")
    return frame.sort("accession", "company_id"), n_unreadable


def _index_lines(index: bytes, where: str) -> Iterator[str]:
    """Yield the lines below the column names that are not blank, one at a time: an index has half a million."""
    # Latin-1 decodes every byte: a name in another encoding must not lose the whole quarter.
    head, rule, body = index.decode("latin-1").replace("\r", "").partition("\n-----")
    if not rule or not is_index(index):
        what = named(index)
        raise EdgarFormatError(
            f"{where}: not a master index; it begins with {head[:60]!a}{f': {what}' if what else ''}"
        )
    lines = StringIO(body)
    next(lines, None)  # the rest of the rule
    for line in lines:
        if not line.endswith("\n") and not ROW_END.search(line):
            raise EdgarFormatError(f"{where}: truncated; it ends with {line[-60:]!a}")
        if line.strip():
            yield line


def _report(fields: list[str]) -> tuple[str, str, str, date, str, str] | None:
    company, name, path = cik(fields[0]), text(fields[1], MAX_NAME), PATH.fullmatch(fields[4])
    filed_at = day(fields[3])
    if company is None or name is None or filed_at is None or path is None or cik(path["cik"]) != company:
        return None
    return company, name, fields[2], filed_at, path["accession"], f"/Archives/{fields[4]}"


def listing(content: bytes, where: str) -> pl.DataFrame:
    """Return which ticker belongs to which company today: rows with the columns LISTED, sorted.

    Rows that cannot be read are left out with a warning.

    Raises
    ------
    EdgarFormatError
        The content is not a company_tickers_exchange.json.
    """
    with _format_errors(content, where):
        parsed = _parsed(content)
        order = [_listed(parsed["fields"]).index(name) for name in ("cik", "name", "ticker", "exchange")]
        rows = [row for row in _listed(parsed["data"]) if not _has_no_ticker(row, order)]
        known = [found for row in rows if (found := _listed_row(row, order))]
        if rows and not known:
            raise ValueError(f"not one of its {len(rows)} rows can be read")
    if left_out := len(rows) - len(known):
        LOG.warning("%s: %d rows are not as EDGAR writes them: left out", where, left_out)
    frame = pl.DataFrame(known, schema=LISTED, orient="row")
    return frame.unique(["ticker", "company_id"], keep="first", maintain_order=True).sort("ticker", "company_id")


def _has_no_ticker(row: object, order: list[int]) -> bool:
    """Return whether the row is one of a company without a ticker, which EDGAR writes as null or an empty text."""
    return isinstance(row, list) and len(row) > max(order) and row[order[2]] in (None, "")


def _listed_row(row: object, order: list[int]) -> tuple[str, str, str, str | None] | None:
    if not isinstance(row, list) or len(row) <= max(order):
        return None
    company, name, ticker, exchange = (row[i] for i in order)
    known = cik(company), text(name, MAX_NAME), _symbol(ticker), text(exchange, MAX_TICKER)
    if known[0] is None or known[1] is None or known[2] is None or (known[3] is None) != (exchange in (None, "")):
        return None
    return known[0], known[1], known[2].upper(), known[3]


def _symbol(value: object) -> str | None:
    """Return a ticker; None for one with blanks around it or letters that nobody sees, which would be another one."""
    found = text(value, MAX_TICKER)
    return found if found and found.isascii() and found.isprintable() and found == found.strip() else None


def older_pages(submissions: bytes, where: str) -> list[str]:
    """Return the paths of the pages that hold a company's older filings.

    Raises
    ------
    EdgarFormatError
        The content is not the main page of a company.
    """
    with _format_errors(submissions, where):
        files = _listed(_parsed(submissions)["filings"]["files"])
    names = [file.get("name") for file in files if isinstance(file, dict)]
    # The pattern keeps a file name in the JSON from leading to another path.
    kept = [name for name in names if isinstance(name, str) and OLDER_PAGE.fullmatch(name)]
    return [f"/submissions/{name}" for name in dict.fromkeys(kept)]


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
        A page does not have the expected format, or the main page is about another company.
    """
    with _format_errors(submissions, where):
        main = _parsed(submissions)
        _check_company(main, where)
        exchanges = [name for name in _listed(main.get("exchanges") or []) if text(name, MAX_TICKER)]
        days = _annual_days(main["filings"]["recent"])
    days += [first for path, content in pages.items() if (first := first_report(content, path))]
    return {
        "exchange": exchanges[0] if exchanges else None,
        "fiscal_year_end": month_and_day(main.get("fiscalYearEnd")),
        "first_report": min(days, default=None),
    }


def first_report(page: bytes, where: str) -> date | None:
    """Return the day of the first annual report on a page of older filings, or None.

    Raises
    ------
    EdgarFormatError
        The content is not such a page.
    """
    with _format_errors(page, where):
        parsed = _parsed(page)
        if not {"form", "filingDate"} <= parsed.keys():
            raise ValueError("it has no form and filingDate")
        return min(_annual_days(parsed), default=None)


def _check_company(main: Mapping[str, Any], where: str) -> None:
    """Raise ValueError if the page says that it is about another company than its path."""
    asked = COMPANY_PAGE.fullmatch(where)
    if asked and "cik" in main and cik(main["cik"]) != asked[1]:
        raise ValueError(f"it is about the company {str(main['cik'])[:20]!a}")


def _annual_days(page: Mapping[str, Any]) -> list[date]:
    """Return the days of the annual reports; a row that cannot be read costs that row."""
    columns = zip(_listed(page.get("form", [])), _listed(page.get("filingDate", [])), strict=True)
    days = (day(filed) for form, filed in columns if isinstance(form, str) and base_form(form) in ANNUAL)
    return [found for found in days if found]


def _parsed(content: bytes) -> Any:
    return parse_json(content, MAX_JSON_BYTES, MAX_JSON_PARTS)


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    return value


@contextmanager
def _format_errors(content: bytes, where: str) -> Iterator[None]:
    """Turn the errors of parsing a page into an EdgarFormatError that names the page."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        problem = str(error)[:200]
        raise EdgarFormatError(
            f"{where}: unexpected format: {type(error).__name__}: {problem}; {described(content)}"
        ) from error
