"""What stages and the planner ask of a source of companies, wherever it takes them from."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Protocol

import polars as pl

from resources.lake.progress import OpenBar
from resources.settings.profile import Profile

COMPANIES: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "company_id": pl.String, "cik": pl.String, "name": pl.String, "exchange": pl.String, "sector": pl.String,
    "industry": pl.String, "fiscal_year_end": pl.String, "first_report": pl.Date,
}  # fmt: skip
"""Columns of `Universe.companies`; all but company_id and name may be null."""
FILED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "accession": pl.String, "company_id": pl.String, "form": pl.String, "filed_at": pl.Date, "period": pl.Date,
    "name": pl.String, "sector": pl.String, "industry": pl.String, "sic": pl.String,
    "tickers": pl.List(pl.String), "url": pl.String, "sha256": pl.String, "refused": pl.String,
}  # fmt: skip
"""Columns of `Filed.rows`; `refused` says why there is no document, and then there is no `sha256`.

Name, sector and industry are the filing's own, so that what a company is called later changes no older date.
"""


@dataclass(frozen=True)
class Filed:
    """The annual reports of a year; a row is made when it is asked for."""

    inputs: Mapping[str, Any]
    """Accession -> all that its row is made of, as JSON; empty where making a row again costs nothing."""
    rows: Callable[[Collection[str]], pl.DataFrame]
    """Makes the rows (columns FILED) of all reports but the accessions given, which the caller has."""


@dataclass(frozen=True)
class Documents:
    """Reports as filed, out of which Item 1 is still to be cut: a `BlobStore` knows each by its `sha256`."""

    root: Path
    """Folder of the store."""


class Universe(Protocol):
    """A source of companies: who exists, which tickers mean them, what they filed and what they say.

    Its `*_now` are fingerprints for the planner: slice, as the lake names it ('2004-03-31 accession', or ''), ->
    digest of what the outside world has now. An unchanged digest promises an unchanged answer.
    """

    cover_pages: ClassVar[bool]
    """Whether filings show the tickers of their time; otherwise the source's own tickers are taken for all time."""
    at_hand: ClassVar[bool]
    """Whether companies are known in an instant, so that every price can be looked for before anything runs."""

    @classmethod
    def years_since(cls, first: int, profile: Profile, today: date) -> list[int]:
        """Return the years of filing from `first` to `today` of which the source has filings, or may have.

        Raises
        ------
        ProfileError
            The source does not tell before it is read whole.
        """

    def __init__(self, profile: Profile, home: Path) -> None:
        """Open what `profile` names; downloads are kept under `home`."""

    @property
    def filers(self) -> pl.DataFrame:
        """Everyone who filed in the profile's years: a row a company, by `company_id`."""

    @property
    def listed(self) -> pl.DataFrame:
        """Which ticker means which company today: columns `ticker` and `company_id`."""

    def companies(self, bar: OpenBar) -> pl.DataFrame:
        """Return a row per filer with the columns COMPANIES, named as in its newest filing."""

    def filings(self, year: int, bar: OpenBar) -> Filed:
        """Return what was filed in a year, fetched where it is not on this machine."""

    def texts(self, year: int, bar: OpenBar) -> pl.DataFrame | Documents:
        """Return the texts of a year's filings (columns `accession` and `text`), or the documents that hold them."""

    def companies_now(self) -> dict[str, str]:
        """Return the fingerprint of `companies`."""

    def tickers_now(self) -> dict[str, str]:
        """Return the fingerprint of `listed`."""

    def filings_now(self, year: int) -> dict[str, str]:
        """Return the fingerprint of `filings` and `texts` of a year."""

    def preflight(self, today: date) -> date:
        """Check what the profile asks of the source, without a request; return the first day that can have a filing.

        Raises
        ------
        ProfileError
            A file, column, ticker or year is not there, or who asks is not said.
        """

    def forget(self) -> None:
        """Have lists and refusals asked for again; documents that were fetched are kept."""
