"""EDGAR's lists: quarterly indexes, the tickers of today, and the submissions of a company; each is kept."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import polars as pl

from resources.clock import utc_day
from resources.edgar import EdgarError, Request, RetryPolicy, fetch_all
from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.index import (
    REPORTS,
    EdgarFormatError,
    annual_reports,
    company_facts,
    first_report,
    index_path,
    listing,
    older_pages,
    quarter_end,
)
from resources.edgar.list_values import MAX_JSON_BYTES
from resources.settings.descriptions import Edgar

LISTING = "/files/company_tickers_exchange.json"
HALF_A_DAY = 12 * 3600.0
A_MONTH = 30 * 86_400.0
"""Seconds after which EDGAR is asked again what it says of a company."""
SETTLED = timedelta(days=7)
"""This long after the end of a quarter its index is final and not asked for again."""
BRIEFLY = RetryPolicy(
    attempts=3, longest_wait=2.0, startup_timeout=5.0, outage_timeout=5.0, timeout=10.0, answer_timeout=60.0
)
"""For lists that are known and only may have changed."""
LOG = logging.getLogger("peerlens")
Parsed = TypeVar("Parsed")
FACTS = {"company_id": pl.String, "exchange": pl.String, "fiscal_year_end": pl.String, "first_report": pl.Date}


class EdgarLists:
    """What EDGAR lists, asked for when it is unknown, may have changed, or is not what was asked for.

    An answer is parsed before it is kept. One that an older version kept although it is wrong is named, dropped, and
    asked for again.

    Parameters
    ----------
    settings : Edgar
        Who asks, and where.
    root : Path
        Folder of the `BlobStore` that keeps the answers.
    """

    def __init__(self, settings: Edgar, root: Path) -> None:
        self.settings, self.root, self.store = settings, root, BlobStore(root)

    def fetch_unknown(self, quarters: Iterable[tuple[int, int]]) -> None:
        """Fetch the indexes (year, quarter) that are not known yet, side by side."""
        wanted = [self._index_request(year, quarter) for year, quarter in quarters]
        fetch_all(self.settings, self.root, [request for request in wanted if self._known(request) is None])

    def quarter(self, year: int, quarter: int) -> pl.DataFrame:
        """Return every annual report in the index of a quarter (columns REPORTS); parsed once a version of the index.

        Raises
        ------
        EdgarError
            EDGAR cannot be reached, or has no index of a quarter that is over.
        """
        request, is_over = self._index_request(year, quarter), utc_day() > quarter_end(year, quarter)
        parse = partial(self._reports, path=request.url, year=year, quarter=quarter)
        found, why = self._parsed(request, parse)
        if found is None and is_over:
            raise EdgarError(f"EDGAR has no {request.url} ({why}); it should have it by now, run again")
        return pl.DataFrame(schema=REPORTS) if found is None else found

    @cached_property
    def listing(self) -> pl.DataFrame:
        """Which ticker means which company today, all companies: columns of `resources.edgar.index.LISTED`."""
        check = partial(listing, where=LISTING)
        request = Request(LISTING, check=check, max_bytes=MAX_JSON_BYTES, max_age=HALF_A_DAY)
        found, why = self._parsed(request, lambda sha256: check(self.store.get(sha256)))
        if found is None:
            raise EdgarError(f"EDGAR has no {LISTING} ({why}); run again")
        return found

    def facts(self, companies: list[str], progress: Callable[[int], None]) -> pl.DataFrame:
        """Return what the submissions API tells of companies (columns FACTS); `progress` counts companies."""
        paths = {f"/submissions/CIK{company}.json": company for company in companies}
        main = self._pages({path: partial(_check_main_page, where=path) for path in paths}, progress)
        older = {path: older_pages(self.store.get(sha256), path) for path, sha256 in main.items()}
        wanted = {page: partial(first_report, where=page) for names in older.values() for page in names}
        pages = self._pages(wanted)
        rows = []
        for path, sha256 in main.items():
            kept = {page: self.store.get(pages[page]) for page in older[path] if page in pages}
            rows.append({"company_id": paths[path], **company_facts(self.store.get(sha256), kept, path)})
        return pl.DataFrame(rows, schema=FACTS)

    def _index_request(self, year: int, quarter: int) -> Request:
        """Return the request for an index; one that is final, or that EDGAR should have by now, has an age of its own.

        Final is one that was asked for after its quarter has settled, and not in the future.
        """
        path, over = index_path(year, quarter), quarter_end(year, quarter)
        known, max_age = self.store.pointer(path), HALF_A_DAY
        check = partial(_reports_of_quarter, path=path, year=year, quarter=quarter)
        if known is not None and known.sha256 is None and utc_day() > over:
            max_age = 0.0
        elif known is not None and known.fetched_at <= time.time() and day_of(known.fetched_at) > over + SETTLED:
            return Request(path, check=check)
        return Request(path, check=check, max_age=max_age)

    def _reports(self, sha256: str, path: str, year: int, quarter: int) -> pl.DataFrame:
        """Return an index's annual reports of its year; parsed once, and then kept as Parquet."""

        def parse() -> bytes:
            rows, left_out = _reports_of_quarter(self.store.get(sha256), path, year, quarter)
            if left_out:
                LOG.warning("%s: %d lines are not as EDGAR writes them, or of another year: left out", path, left_out)
            file = BytesIO()
            rows.write_parquet(file)
            return file.getvalue()

        return pl.read_parquet(BytesIO(self.store.get_or_make(f"/indexes/{sha256}", parse)))

    def _pages(
        self, checks: Mapping[str, Callable[[bytes], object]], progress: Callable[[int], None] = lambda n: None
    ) -> dict[str, str]:
        """Return path -> hash of the pages of the submissions API that exist and pass their check."""
        requests = [
            Request(path, check=check, max_bytes=MAX_JSON_BYTES, max_age=A_MONTH) for path, check in checks.items()
        ]
        found = {path: pointer.sha256 for path, pointer in self._fetched(requests, progress).items()}
        wrong = [request for request in requests if self._is_wrong(request, found[request.url])]
        found |= {path: pointer.sha256 for path, pointer in self._fetched(wrong).items()}
        return {path: sha256 for path, sha256 in found.items() if sha256}

    def _is_wrong(self, request: Request, sha256: str | None) -> bool:
        """Return whether a stored page is not what was asked for; it is named and dropped then."""
        try:
            if sha256 is not None and request.check is not None:
                request.check(self.store.get(sha256))
        except EdgarFormatError as error:
            self._drop(request, error)
            return True
        return False

    def _parsed(self, request: Request, parse: Callable[[str], Parsed]) -> tuple[Parsed | None, str | None]:
        """Return a list, given as the hash of its content to `parse`, or None and why EDGAR has none."""
        found = self._fetched([request])[request.url]
        try:
            return (None, found.refused) if found.sha256 is None else (parse(found.sha256), None)
        except EdgarFormatError as error:
            self._drop(request, error)
        found = self._fetched([request])[request.url]
        return (None, found.refused) if found.sha256 is None else (parse(found.sha256), None)

    def _drop(self, request: Request, error: EdgarFormatError) -> None:
        LOG.warning("%s; it is dropped and asked for again", error)
        self.store.point(request.refused(str(error), for_now=True))

    def _known(self, request: Request) -> Pointer | None:
        known = self.store.pointer(request.url)
        return known if known is not None and known.sha256 is not None else None

    def _fetched(self, requests: list[Request], progress: Callable[[int], None] = lambda n: None) -> dict[str, Pointer]:
        """Return the pointers of lists; the known one's where EDGAR has none now, sends a wrong one, or is away."""
        known = {request.url: pointer for request in requests if (pointer := self._known(request))}
        unknown = [request for request in requests if request.url not in known]
        found = fetch_all(self.settings, self.root, unknown, progress)
        stale = [request for request in requests if request.url in known]
        try:
            found |= fetch_all(self.settings, self.root, stale, progress, policy=BRIEFLY)
        except EdgarError as error:
            LOG.warning("%s: %s; going on with what is kept of %d lists", stale[0].url, error, len(stale))
            return found | {path: self.store.pointer(path) or pointer for path, pointer in known.items()}
        for path, pointer in known.items():
            if found[path].sha256 is None:
                LOG.warning("%s: %s; going on with the one that is kept", path, found[path].refused)
                self.store.point(pointer)
                found[path] = pointer
        return found


def _check_main_page(content: bytes, where: str) -> None:
    """Raise EdgarFormatError unless the content is the main page of the company that its path names."""
    older_pages(content, where)
    company_facts(content, {}, where)


def _reports_of_quarter(index: bytes, path: str, year: int, quarter: int) -> tuple[pl.DataFrame, int]:
    """Return an index's annual reports of its year, and the number of lines left out.

    Raises
    ------
    EdgarFormatError
        The content is not a master index, or it is the index of another quarter.
    """
    rows, unreadable = annual_reports(index, path)
    of_year = rows.filter(pl.col("filed_at").dt.year() == year)
    if not rows.is_empty() and rows.filter(_is_in(year, quarter)).is_empty():
        raise EdgarFormatError(f"{path}: the index of another quarter; it has reports filed on {rows['filed_at'][0]}")
    return of_year, unreadable + rows.height - of_year.height


def _is_in(year: int, quarter: int) -> pl.Expr:
    filed = pl.col("filed_at").dt
    return (filed.year() == year) & (filed.quarter() == quarter)


def day_of(seconds: float) -> date:
    """Return the day in UTC of a unix time."""
    return datetime.fromtimestamp(seconds, UTC).date()
