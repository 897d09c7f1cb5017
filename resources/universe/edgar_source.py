"""Which companies and annual reports a profile asks of EDGAR, from its lists; what was asked once is remembered."""

import difflib
from collections.abc import Collection
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from resources.clock import utc_day
from resources.edgar import EdgarIdentityError, identity
from resources.edgar.blobs import BlobStore
from resources.edgar.index import REPORTS, base_form, company_id, quarter_end
from resources.lake.digests import digest_of
from resources.lake.progress import OpenBar
from resources.settings.profile import Profile, ProfileError
from resources.universe.company_names import named_companies
from resources.universe.edgar_filings import contents, download, filing_rows
from resources.universe.edgar_lists import EdgarLists
from resources.universe.universe import Documents, Filed

FIRST_YEAR = 1993
"""Of EDGAR's electronic filings."""


class EdgarUniverse:
    """EDGAR as a profile sees it; documents are kept in `home`/edgar."""

    cover_pages: ClassVar[bool] = True
    at_hand: ClassVar[bool] = False

    @classmethod
    def years_since(cls, first: int, profile: Profile, today: date) -> list[int]:
        """Return the years up to today's, or to the last month that is asked for; the newest may still be empty."""
        last = profile.descriptions.edgar.last
        return list(range(first, min(today.year, int(last[:4]) if last else today.year) + 1))

    def __init__(self, profile: Profile, home: Path) -> None:
        self.profile = profile
        self.settings = profile.descriptions.edgar
        self.root = home / "edgar"
        self.store = BlobStore(self.root)
        self.lists = EdgarLists(self.settings, self.root)

    @cached_property
    def filers(self) -> pl.DataFrame:
        """Company_id, name in the newest report, first_seen: everyone who filed in the profile's years."""
        years = self.profile.years
        self.lists.fetch_unknown((year, q) for year in years for q in range(1, 5) if self._asked(year, q))
        return (
            pl.concat([pl.DataFrame(schema=REPORTS), *map(self._filed, years)])
            .sort("filed_at", "accession")
            .group_by("company_id")
            .agg(pl.col("name").last(), first_seen=pl.col("filed_at").min())
            .sort("company_id")
        )

    @cached_property
    def listed(self) -> pl.DataFrame:
        """Which ticker means which company of the universe today; columns of `resources.edgar.index.LISTED`."""
        return self.lists.listing.join(self.filers, on="company_id", how="semi")

    def companies(self, bar: OpenBar) -> pl.DataFrame:
        """Return everyone who files; the submissions API is asked about those not asked about before."""
        with bar(self.filers.height, "companies") as progress:
            facts = self.lists.facts(self.filers["company_id"].to_list(), progress)
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

    def filings(self, year: int, bar: OpenBar) -> Filed:
        """Fetch header and main document of every report of a year; each is read when its row is made."""
        reports = self.reports(year)
        with bar(reports.height, "filings") as progress:
            got = download(self.settings, self.root, reports, progress)
        there = reports.filter(pl.col("url").is_in(list(got)))
        return Filed(contents(there, got), lambda known: filing_rows(_without(there, known), got, self.store))

    def texts(self, year: int, bar: OpenBar) -> pl.DataFrame | Documents:
        """Return where the documents are: EDGAR has reports, and no Item 1 of its own."""
        return Documents(self.root)

    def companies_now(self) -> dict[str, str]:
        """Return the digest of who files, and of what EDGAR lists of them today."""
        return {"": digest_of([_plain(self.filers), _plain(self.listed)])}

    def tickers_now(self) -> dict[str, str]:
        """Return the digest of the tickers that mean a company of the universe today."""
        return {"": digest_of(_plain(self.listed.select("ticker", "company_id")))}

    def filings_now(self, year: int) -> dict[str, str]:
        """Return the digest of every annual report of a year.

        One that was refused and is to be asked for again changes its slice, and once more when it was: each time a body
        runs that carries all others over.
        """
        refused = self.store.refused_for_now()
        return {
            f"{report['filed_at']} {report['accession']}": digest_of(
                [
                    *(report[column] for column in ("companies", "names", "form", "url")),
                    *([refused[report["url"]]] if report["url"] in refused else []),
                ]
            )
            for report in self.reports(year).iter_rows(named=True)
        }

    def preflight(self, today: date) -> date:
        """Check what EDGAR will be asked, without asking it; return the first day of the earliest year."""
        profile = self.profile
        try:
            identity(self.settings)
        except EdgarIdentityError as error:
            raise ProfileError(f"profile {profile.name}: {error}") from error
        for year in profile.years:
            if not FIRST_YEAR <= year <= today.year:
                known = f"{FIRST_YEAR} to {today.year}"
                raise ProfileError(f"profile {profile.name}: filing_years: EDGAR has filings of {known}, not of {year}")
        named_companies(profile)
        return date(profile.years[0], 1, 1)

    def forget(self) -> None:
        """Have EDGAR's lists and the documents that it refused asked for again; what was fetched is kept."""
        self.store.expire()

    def reports(self, year: int) -> pl.DataFrame:
        """Return the annual reports of a year that the profile wants, one row an accession, sorted.

        Columns accession, form, filed_at, url, companies and names: the ids of the universe that file it, one for most,
        and what the index calls each.

        Raises
        ------
        EdgarError
            EDGAR cannot be reached, or has no index of a quarter that is over.
        ProfileError
            The universe names a company that EDGAR does not know.
        """
        filed = self._filed(year).sort("accession", "company_id")
        by_accession = filed.group_by("accession", maintain_order=True)
        return by_accession.agg(pl.col("form", "filed_at", "url").first(), companies="company_id", names="name")

    def _filed(self, year: int) -> pl.DataFrame:
        """Return what the profile wants of the year's indexes, a row a company and accession; columns of `REPORTS`."""
        quarters = [q for q in range(1, 5) if self._asked(year, q)]
        found = pl.concat([pl.DataFrame(schema=REPORTS), *(self.lists.quarter(year, q) for q in quarters)])
        forms = {base_form(form) for form in self.settings.forms}
        found = found.filter(pl.Series([base_form(form) in forms for form in found["form"]], dtype=pl.Boolean))
        month, first, last = pl.col("filed_at").dt.strftime("%Y-%m"), self.settings.first, self.settings.last
        found = found.filter(*[month >= first] if first else [], *[month <= last] if last else [])
        if self._wanted is not None:
            found = found.filter(pl.col("company_id").is_in(sorted(self._wanted)))
        return found.unique(["accession", "company_id"], keep="first", maintain_order=True)

    def _asked(self, year: int, quarter: int) -> bool:
        """Tell whether a quarter has begun, and months of it are wanted."""
        first, last = date(year, 3 * quarter - 2, 1), quarter_end(year, quarter)
        begins, ends = self.settings.first or "0000-00", self.settings.last or "9999-99"
        return first <= utc_day() and begins <= last.strftime("%Y-%m") and first.strftime("%Y-%m") <= ends

    @cached_property
    def _wanted(self) -> frozenset[str] | None:
        """Company ids that the profile names; None where it wants all."""
        names = named_companies(self.profile)
        return frozenset(found for name, where in names for found in self._resolved(name, where)) if names else None

    def _resolved(self, name: str, where: str) -> list[str]:
        """Return the company ids of a ticker or CIK."""
        if name.isascii() and name.isdigit():
            return [company_id(name)]
        found = self.lists.listing.filter(pl.col("ticker") == name.upper())["company_id"].to_list()
        if not found:
            near = difflib.get_close_matches(name.upper(), self.lists.listing["ticker"].to_list(), n=1)
            hint = f"did you mean {near[0]}?" if near else "give the CIK of a company that is gone"
            raise ProfileError(f"{where}: EDGAR lists no ticker {name!r} today; {hint}")
        return found


def _plain(rows: pl.DataFrame) -> list[list[str]]:
    return [[str(value) for value in row] for row in rows.iter_rows()]


def _without(reports: pl.DataFrame, known: Collection[str]) -> pl.DataFrame:
    return reports.filter(~pl.col("accession").is_in(sorted(known)))
