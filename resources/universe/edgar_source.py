"""Which companies and annual reports a profile asks of EDGAR, from its lists; what was asked once is remembered."""

import difflib
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from io import BytesIO
from pathlib import Path

import polars as pl

from resources.edgar import EdgarError, Request, RetryPolicy, fetch_all
from resources.edgar.blobs import BlobStore
from resources.edgar.index import (
    REPORTS,
    annual_reports,
    base_form,
    company_facts,
    company_id,
    index_path,
    is_index,
    is_json,
    listing,
    older_pages,
    quarter_end,
)
from resources.lake.lake import digest_of
from resources.settings.profile import Profile, ProfileError

LISTING = "/files/company_tickers_exchange.json"
HALF_A_DAY = 12 * 3600.0
SETTLED = timedelta(days=7)
"""This long after the end of a quarter its index is final and not asked for again."""
BRIEFLY = RetryPolicy(attempts=3, longest_wait=2.0, startup_timeout=5.0, outage_timeout=5.0, timeout=10.0)
"""For lists that are known and only may have changed."""
LOG = logging.getLogger("peerlens")
FACTS = {"company_id": pl.String, "exchange": pl.String, "fiscal_year_end": pl.String, "first_report": pl.Date}


class EdgarUniverse:
    """EDGAR as a profile sees it; documents are kept in `home`/edgar."""

    def __init__(self, profile: Profile, home: Path) -> None:
        self.profile = profile
        self.settings = profile.descriptions.edgar
        self.root = home / "edgar"
        self.store = BlobStore(self.root)

    def companies_now(self) -> dict[str, str]:
        """Digest of who files, and of what EDGAR lists of them today."""
        return {"": digest_of([_plain(self.filers), _plain(self.listed)])}

    def tickers_now(self) -> dict[str, str]:
        """Digest of the tickers that mean a company of the universe today."""
        return {"": digest_of(_plain(self.listed.select("ticker", "company_id")))}

    def filings_now(self, year: int) -> dict[str, str]:
        """Slice name -> digest of every annual report of a year, as the lake names slices.

        One that was refused and is to be asked for again changes its slice, and once more when it was: each time a body
        runs that carries all others over.
        """
        return {
            f"{report['filed_at']} {report['accession']}": digest_of(
                [report["companies"], report["form"], report["url"], *self._refused_then(report["url"])]
            )
            for report in self.reports(year).iter_rows(named=True)
        }

    def _refused_then(self, url: str) -> list[str]:
        known = self.store.pointer(url)
        return [known.refused] if known and known.refused and not known.fetched_at else []

    @cached_property
    def filers(self) -> pl.DataFrame:
        """Company_id, name in the newest report, first_seen: everyone who filed in the profile's years."""
        self._fetch_unknown()
        years = [self._filed(year) for year in self.profile.filing_years]
        return (
            pl.concat([pl.DataFrame(schema=REPORTS), *years])
            .sort("filed_at", "accession")
            .group_by("company_id")
            .agg(pl.col("name").last(), first_seen=pl.col("filed_at").min())
            .sort("company_id")
        )

    @cached_property
    def listed(self) -> pl.DataFrame:
        """Which ticker means which company of the universe today; columns of `resources.edgar.index.LISTED`."""
        return self._listing.join(self.filers, on="company_id", how="semi")

    def reports(self, year: int) -> pl.DataFrame:
        """Annual reports of a year that the profile wants, one row an accession, sorted.

        Columns accession, form, filed_at, url and companies: the ids of the universe that file it, one for most.

        Raises
        ------
        EdgarError
            EDGAR cannot be reached, or has no index of a quarter that is over.
        ProfileError
            The universe names a company that EDGAR does not know.
        """
        filed = self._filed(year).sort("accession", "company_id")
        by_accession = filed.group_by("accession", maintain_order=True)
        return by_accession.agg(pl.col("form", "filed_at", "url").first(), companies="company_id")

    def _filed(self, year: int) -> pl.DataFrame:
        """Rows of the year's indexes that the profile wants, one a company and accession; columns of `REPORTS`."""
        quarters = [q for q in range(1, 5) if self._asked(year, q)]
        found = pl.concat([pl.DataFrame(schema=REPORTS), *(self._quarter(year, q) for q in quarters)])
        forms = {base_form(form) for form in self.settings.forms}
        found = found.filter(pl.Series([base_form(form) in forms for form in found["form"]], dtype=pl.Boolean))
        month, first, last = pl.col("filed_at").dt.strftime("%Y-%m"), self.settings.first, self.settings.last
        found = found.filter(*[month >= first] if first else [], *[month <= last] if last else [])
        if self._wanted is not None:
            found = found.filter(pl.col("company_id").is_in(sorted(self._wanted)))
        return found.unique(["accession", "company_id"], keep="first", maintain_order=True)

    def companies(self, progress: Callable[[int], None]) -> pl.DataFrame:
        """Rows of `companies`: everyone who files; the submissions API is asked about those not asked about before."""
        facts = self._facts(self.filers["company_id"].to_list(), progress)
        nothing = pl.lit(None, pl.String)
        exchanges = self.listed.drop_nulls("exchange").unique("company_id", keep="first", maintain_order=True)
        return (
            self.filers.join(facts, on="company_id", how="left")
            .join(exchanges.select("company_id", listed="exchange"), on="company_id", how="left")
            .select(
                "company_id",
                "name",
                "fiscal_year_end",
                cik="company_id",
                exchange=pl.coalesce("listed", "exchange"),
                sector=nothing,
                industry=nothing,
                first_report=pl.min_horizontal("first_report", "first_seen"),
            )
        )

    def _asked(self, year: int, quarter: int) -> bool:
        """Whether a quarter has begun, and months of it are wanted."""
        first, last = date(year, 3 * quarter - 2, 1), quarter_end(year, quarter)
        begins, ends = self.settings.first or "0000-00", self.settings.last or "9999-99"
        return first <= _today() and begins <= last.strftime("%Y-%m") and first.strftime("%Y-%m") <= ends

    def _fetch_unknown(self) -> None:
        """Fetch the indexes that nobody has asked for yet, side by side."""
        quarters = [(year, q) for year in self.profile.filing_years for q in range(1, 5) if self._asked(year, q)]
        unknown = [path for year, q in quarters if self.store.pointer(path := index_path(year, q)) is None]
        fetch_all(self.settings, self.root, [Request(path, complete=is_index, max_age=HALF_A_DAY) for path in unknown])

    def _quarter(self, year: int, quarter: int) -> pl.DataFrame:
        """Every annual report in the index of a quarter; parsed once a version of the index."""
        path, over = index_path(year, quarter), quarter_end(year, quarter)
        known = self.store.pointer(path)
        is_final = known is not None and known.sha256 is not None and _day(known.fetched_at) > over + SETTLED
        sha256 = self._fetch(path, None if is_final else HALF_A_DAY, is_index)
        if sha256 is None and _today() > over:
            raise EdgarError(f"EDGAR has no {path}; where it should have it by now, run again with --all")
        if sha256 is None:
            return pl.DataFrame(schema=REPORTS)
        parsed = self.store.get_or_make(f"/indexes/{sha256}", lambda: self._parsed(path, sha256, year))
        return pl.read_parquet(BytesIO(parsed))

    def _parsed(self, path: str, sha256: str, year: int) -> bytes:
        """An index's annual reports of its year, as Parquet."""
        rows, unreadable = annual_reports(self.store.get(sha256), path)
        of_year = rows.filter(pl.col("filed_at").dt.year() == year)
        if left_out := unreadable + rows.height - of_year.height:
            LOG.warning("%s: %d lines are not as EDGAR writes them, or of another year: left out", path, left_out)
        file = BytesIO()
        of_year.write_parquet(file)
        return file.getvalue()

    @cached_property
    def _listing(self) -> pl.DataFrame:
        """Which ticker means which company today, all companies."""
        found = self._fetch(LISTING, HALF_A_DAY, is_json)
        if found is None:
            raise EdgarError(f"EDGAR has no {LISTING}")
        return listing(self.store.get(found), LISTING)

    def _fetch(self, path: str, max_age: float | None, complete: Callable[[bytes], bool]) -> str | None:
        """Hash of one of EDGAR's lists, None where it has none; the known one where EDGAR has none now or is away."""
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

    def _facts(self, companies: list[str], progress: Callable[[int], None]) -> pl.DataFrame:
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

    @cached_property
    def _wanted(self) -> frozenset[str] | None:
        """Company ids that the profile names; None where it wants all."""
        names = named_companies(self.profile)
        return frozenset(found for name, where in names for found in self._resolved(name, where)) if names else None

    def _resolved(self, name: str, where: str) -> list[str]:
        """Company ids of a ticker or CIK."""
        if name.isdigit():
            return [company_id(name)]
        found = self._listing.filter(pl.col("ticker") == name.upper())["company_id"].to_list()
        if not found:
            near = difflib.get_close_matches(name.upper(), self._listing["ticker"].to_list(), n=1)
            hint = f"did you mean {near[0]}?" if near else "give the CIK of a company that is gone"
            raise ProfileError(f"{where}: EDGAR lists no ticker {name!r} today; {hint}")
        return found


def forget_answers(home: Path) -> None:
    """Have EDGAR's lists and the documents it refused asked for again; what was fetched is kept."""
    BlobStore(home / "edgar").expire()


def named_companies(profile: Profile) -> list[tuple[str, str]]:
    """Tickers and CIKs that a profile or its list file names, each with where it stands.

    Raises
    ------
    ProfileError
        The list cannot be read or is empty.
    """
    names = [(name, f"profile {profile.name}: tickers") for name in profile.tickers or ()]
    file = profile.descriptions.edgar.universe
    return names + (_lines(file) if file else [])


def _lines(file: Path) -> list[tuple[str, str]]:
    """Names in a list file, one a line, with where they stand; what follows a # is a remark."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"descriptions.edgar.universe: {file} cannot be read: {error}") from error
    lines = [line.partition("#")[0].strip().rstrip(",") for line in text.splitlines()]
    names = [(line, f"{file} line {number}") for number, line in enumerate(lines, start=1) if line]
    if not names:
        raise ProfileError(f"descriptions.edgar.universe: {file} names no company; write one ticker or CIK a line")
    return names


def _day(seconds: float) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _today() -> date:
    return datetime.now(UTC).date()


def _plain(rows: pl.DataFrame) -> list[list[str]]:
    return [[str(value) for value in row] for row in rows.iter_rows()]
