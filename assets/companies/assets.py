"""Who exists: companies and the tickers that meant them."""

from datetime import date

import polars as pl

from assets import schemas
from assets.companies.tickers import ticker_history
from assets.declaration import asset
from resources.lake.build import Build
from resources.lake.recipe import DateWindow, Slices
from resources.settings.profile import Profile
from resources.sources import Sources


def _companies_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return sources.universe(profile).companies_now()


def _tickers_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return sources.universe(profile).tickers_now()


def _cover_pages(profile: Profile, partition: str | None) -> DateWindow:
    """Filings whose cover pages tell tickers: all, or none where the source itself names them."""
    from resources.universe import SOURCES

    return DateWindow() if SOURCES[profile.descriptions.source].cover_pages else DateWindow(until=date.min)


@asset(
    schemas.COMPANIES,
    asks=["universe"],
    fingerprint=_companies_now,
    config=["descriptions.source", "tickers"],
    kinds=["source", "parquet"],
)
def companies(build: Build) -> None:
    """Companies of the universe, named as in their newest filing."""
    build.write(schemas.COMPANIES, build.universe.companies(build.progress))


@asset(
    schemas.TICKERS,
    asks=["universe"],
    reads={"filings": _cover_pages},
    lineage=["companies"],
    fingerprint=_tickers_now,
    config=["descriptions.source"],
    kinds=["source", "parquet"],
)
def tickers(build: Build) -> None:
    """Which ticker meant which company, and since when as far as cover pages and EDGAR's present list tell."""
    seen, universe = build.read("filings").select("company_id", "filed_at", "tickers"), build.universe
    history, source = ticker_history(seen, universe.listed), build.profile.descriptions.source
    build.write(schemas.TICKERS, history if universe.cover_pages else history.with_columns(source=pl.lit(source)))
