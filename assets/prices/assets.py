"""Daily adjusted closes and the monthly log returns made of them."""

import polars as pl

from assets import schemas
from assets.declaration import asset
from resources.build import Build
from resources.market import price_fingerprint, read_prices
from resources.profile import Profile
from resources.recipe import Slices, whole


def _prices_now(profile: Profile, partition: str | None) -> Slices:
    return price_fingerprint(profile.prices)


@asset(
    schemas.PRICES,
    schemas.PRICES_MISSING,
    reads={"tickers": whole},
    fingerprint=_prices_now,
    config=["prices.source"],
    kinds=["source", "parquet"],
    checks=["has_prices"],
)
def prices(build: Build) -> None:
    """Daily adjusted closes of every company of the universe; who has none is kept with the reason."""
    found, missing = read_prices(build.profile.prices, build.read("tickers").select("company_id", "ticker"))
    build.write(schemas.PRICES, found)
    build.write(schemas.PRICES_MISSING, missing)
    build.check("has_prices", found.height > 0, "no company of the universe has a price; are the tickers the same?")
    build.metadata |= {
        "missing": missing.height,
        "first_day": str(found["date"].min()),
        "last_day": str(found["date"].max()),
    }


@asset(schemas.MONTHLY_RETURNS, reads={"prices": whole}, kinds=["polars"])
def monthly_returns(build: Build) -> None:
    """Monthly log returns; odd ones are flagged, none is dropped."""
    from assets.prices.returns import monthly_returns as returns_of

    returns = returns_of(build.read("prices"))
    build.write(schemas.MONTHLY_RETURNS, returns)
    build.metadata["flagged"] = returns.filter(pl.col("flags").list.len() > 0).height
