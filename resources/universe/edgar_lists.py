"""EDGAR's lists: quarterly indexes, the tickers of today, and the submissions of a company; each is kept."""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from io import BytesIO
from pathlib import Path

import polars as pl

from resources.clock import utc_day
from resources.edgar import EdgarError, Request, RetryPolicy, fetch_all
from resources.edgar.blobs import BlobStore
from resources.edgar.index import (
    REPORTS,
    annual_reports,
    company_facts,
    index_path,
    is_index,
    is_json,
    listing,
    older_pages,
    quarter_end,
)
from resources.settings.descriptions import Edgar

LISTING = "/files/company_tickers_exchange.json"
HALF_A_DAY = 12 * 3600.0
SETTLED = timedelta(days=7)
"""This long after the end of a quarter its index is final and not asked for again."""
BRIEFLY = RetryPolicy(attempts=3, longest_wait=2.0, startup_timeout=5.0, outage_timeout=5.0, timeout=10.0)
"""For lists that are known and only may have changed."""
LOG = logging.getLogger("peerlens")
FACTS = {"company_id": pl.String, "exchange": pl.String, "fiscal_year_end": pl.String, "first_report": pl.Date}


class EdgarLists:
    """What EDGAR lists, asked for when it is unknown or may have changed.

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
        """Fetch the indexes (year, quarter) that nobody has asked for yet, side by side."""
        unknown = [path for year, q in quarters if self.store.pointer(path := index_path(year, q)) is None]
        fetch_all(self.settings, self.root, [Request(path, complete=is_index, max_age=HALF_A_DAY) for path in unknown])

    def quarter(self, year: int, quarter: int) -> pl.DataFrame:
        """Return every annual report in the index of a quarter (columns REPORTS); parsed once a version of the index.

        Raises
        ------
        EdgarError
            EDGAR cannot be reached, or has no index of a quarter that is over.
        """
        path, over = index_path(year, quarter), quarter_end(year, quarter)
        known = self.store.pointer(path)
        is_final = known is not None and known.sha256 is not None and day_of(known.fetched_at) > over + SETTLED
        sha256 = self._fetch(path, None if is_final else HALF_A_DAY, is_index)
        if sha256 is None and utc_day() > over:
            raise EdgarError(f"EDGAR has no {path}; where it should have it by now, run again with --all")
        if sha256 is None:
            return pl.DataFrame(schema=REPORTS)
        parsed = self.store.get_or_make(f"/indexes/{sha256}", lambda: self._parsed(path, sha256, year))
        return pl.read_parquet(BytesIO(parsed))

    def _parsed(self, path: str, sha256: str, year: int) -> bytes:
        """Return an index's annual reports of its year, as Parquet."""
        rows, unreadable = annual_reports(self.store.get(sha256), path)
        of_year = rows.filter(pl.col("filed_at").dt.year() == year)
        if left_out := unreadable + rows.height - of_year.height:
            LOG.warning("%s: %d lines are not as EDGAR writes them, or of another year: left out", path, left_out)
        file = BytesIO()
        of_year.write_parquet(file)
        return file.getvalue()

    @cached_property
    def listing(self) -> pl.DataFrame:
        """Which ticker means which company today, all companies: columns of `resources.edgar.index.LISTED`."""
        found = self._fetch(LISTING, HALF_A_DAY, is_json)
        if found is None:
            raise EdgarError(f"EDGAR has no {LISTING}")
        return listing(self.store.get(found), LISTING)

    def facts(self, companies: list[str], progress: Callable[[int], None]) -> pl.DataFrame:
        """Return what the submissions API tells of companies (columns FACTS); `progress` counts companies."""
        paths = {f"/submissions/CIK{company}.json": company for company in companies}
        main = fetch_all(self.settings, self.root, [Request(path, complete=is_json) for path in paths], progress)
        told = {path: pointer.sha256 for path, pointer in main.items() if pointer.sha256}
        older = {path: older_pages(self.store.get(sha256), path) for path, sha256 in told.items()}
        asked = [Request(page, complete=is_json) for path in older for page in older[path]]
        pages = fetch_all(self.settings, self.root, asked)
        rows = []
        for path, sha256 in told.items():
            kept = {page: self.store.get(sha) for page in older[path] if (sha := pages[page].sha256)}
            rows.append({"company_id": paths[path], **company_facts(self.store.get(sha256), kept, path)})
        return pl.DataFrame(rows, schema=FACTS)

    def _fetch(self, path: str, max_age: float | None, complete: Callable[[bytes], bool]) -> str | None:
        """Return the hash of a list; the known one's where EDGAR has none now or is away, None where none is known."""
        known, request = self.store.pointer(path), Request(path, complete=complete, max_age=max_age)
        if known is None or known.sha256 is None:
            return fetch_all(self.settings, self.root, [request])[path].sha256
        try:
            found = fetch_all(self.settings, self.root, [request], policy=BRIEFLY)[path]
        except EdgarError as error:
            found = request.refused(str(error))
        if found.sha256 is None:
            LOG.warning("%s: %s; going on with the one that is kept", path, found.refused)
            self.store.point(known)
        return found.sha256 or known.sha256


def day_of(seconds: float) -> date:
    """Return the day in UTC of a unix time."""
    return datetime.fromtimestamp(seconds, UTC).date()
