"""Who exists: companies and the tickers that meant them."""

import polars as pl

from assets import schemas
from assets.companies.tickers import ticker_history
from assets.declaration import asset
from assets.partitions import cover_pages
from resources.environment import home
from resources.lake.build import Build
from resources.lake.recipe import Slices, whole
from resources.settings.profile import Profile
from resources.universe.universe import open_universe


def _companies_now(profile: Profile, partition: str | None) -> Slices:
    return open_universe(profile, home()).companies_now()


def _tickers_now(profile: Profile, partition: str | None) -> Slices:
    return open_universe(profile, home()).tickers_now()


@asset(
    schemas.COMPANIES,
    fingerprint=_companies_now,
    config=["descriptions.source", "tickers"],
    kinds=["source", "parquet"],
)
def companies(build: Build) -> None:
    """Companies of the universe, named as in their newest filing."""
    universe = open_universe(build.profile, home())
    with build.progress(universe.filers.height, "companies") as progress:
        build.write(schemas.COMPANIES, universe.companies(progress))


@asset(
    schemas.TICKERS,
    reads={"companies": whole, "filings": cover_pages},
    fingerprint=_tickers_now,
    config=["descriptions.source"],
    kinds=["source", "parquet"],
)
def tickers(build: Build) -> None:
    """Which ticker meant which company, and since when as far as cover pages and EDGAR's present list tell."""
    seen = build.read("filings").select("company_id", "filed_at", "tickers")
    listed = open_universe(build.profile, home()).listed.select("company_id", "ticker")
    history, source = ticker_history(seen, listed), build.profile.descriptions.source
    build.write(schemas.TICKERS, history if source == "edgar" else history.with_columns(source=pl.lit(source)))
