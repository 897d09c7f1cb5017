"""Who exists: companies and the tickers that meant them."""

import polars as pl

from assets import schemas
from assets.declaration import asset
from resources.build import Build
from resources.profile import Profile
from resources.recipe import Slices, whole
from resources.universe import companies_fingerprint, read_universe


def _companies_now(profile: Profile, partition: str | None) -> Slices:
    return companies_fingerprint(read_universe(profile))


@asset(
    schemas.COMPANIES,
    fingerprint=_companies_now,
    config=["descriptions.source", "tickers"],
    kinds=["source", "parquet"],
)
def companies(build: Build) -> None:
    """Companies of the universe, named as in their newest filing."""
    newest = read_universe(build.profile).sort("filed_at").unique("company_id", keep="last", maintain_order=True)
    build.write(schemas.COMPANIES, newest.select(c.name for c in schemas.COMPANIES.columns))


@asset(
    schemas.TICKERS,
    reads={"companies": whole},
    fingerprint=_companies_now,
    config=["descriptions.source"],
    kinds=["source", "parquet"],
)
def tickers(build: Build) -> None:
    """Which ticker meant which company; the bundled sample and parquet files do not tell since when."""
    known = build.read("companies").select("company_id")
    rows = read_universe(build.profile).join(known, on="company_id", how="semi").unique(["ticker", "company_id"])
    undated = pl.lit(None, pl.Date)
    build.write(
        schemas.TICKERS,
        rows.select(
            "ticker",
            "company_id",
            valid_from=undated,
            valid_to=undated,
            source=pl.lit(build.profile.descriptions.source),
        ),
    )
