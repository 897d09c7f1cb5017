"""Daily adjusted closes and the monthly log returns made of them."""

import polars as pl

from assets import schemas
from assets.declaration import asset
from resources.lake.build import Build
from resources.lake.recipe import Slices, whole
from resources.settings.profile import Profile
from resources.sources import Sources


def _prices_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return sources.market(profile.prices).now()


@asset(
    schemas.PRICES,
    schemas.PRICES_MISSING,
    schemas.PRICES_CUT,
    reads={"tickers": whole},
    # A new name must not put every older date in doubt. Only ids are read, and a new company with a ticker changes
    # `tickers`; one without is in `prices_missing` from the next run on.
    lineage=["companies"],
    asks=["market"],
    fingerprint=_prices_now,
    config=[f"prices.{key}" for key in ("source", "layout", "columns", "separator", "decimal_comma", "min_coverage")]
    + ["prices.yahoo.first"],
    kinds=["source", "polars"],
    checks=["has_prices", "unique_days", "coverage"],
)
def prices(build: Build) -> None:
    """Fetch daily adjusted closes of every company of the universe; who has none is kept with the reason."""
    from assets.prices.securities import company_prices

    settings, tickers, companies = build.profile.prices, build.read("tickers"), build.read("companies")["company_id"]
    asked = sorted(set(tickers["ticker"]))
    with build.progress(len(asked), "tickers") as advance:
        quotes = build.market.quotes(asked, advance)
    found = company_prices(quotes, tickers, companies)
    twice = found.prices.height - found.prices.n_unique(["company_id", "date"])
    with_ticker, priced = tickers["company_id"].n_unique(), found.prices["company_id"].n_unique()
    share = priced / with_ticker if with_ticker else 0.0
    build.check("has_prices", priced > 0, "no company of the universe has a price; are the tickers the same?")
    build.check("unique_days", twice == 0, f"{twice} days on which a company has two prices")
    build.check("coverage", share >= settings.min_coverage, _too_few(share, settings.min_coverage, found.missing))
    build.write(schemas.PRICES, found.prices.with_columns(source=pl.lit(settings.source)))
    build.write(schemas.PRICES_MISSING, found.missing)
    build.write(schemas.PRICES_CUT, found.cut)
    build.metadata |= {
        "companies": priced,
        "missing": found.missing["through"].null_count(),
        "coverage": round(share, 4),
        "coverage_of_universe": round(priced / companies.len(), 4),
        "first_day": str(found.prices["date"].min()),
        "last_day": str(found.prices["date"].max()),
    }


def _too_few(share: float, floor: float, missing: pl.DataFrame) -> str:
    commonest = missing["reason"].mode().sort().head(1).to_list()
    why = f"; most often: {commonest[0]}" if commonest else ""
    return f"{share:.1%} of the companies with a ticker have prices, prices.min_coverage asks for {floor:.1%}{why}"


@asset(
    schemas.MONTHLY_RETURNS,
    reads={"prices": whole},
    config=["returns"],
    kinds=["polars"],
    checks=["unique_months", "finite"],
)
def monthly_returns(build: Build) -> None:
    """Make monthly log returns; odd ones are flagged, none is dropped, the profile says which count."""
    from assets.prices.quality import quality_numbers, without_prices
    from assets.prices.quality_figure import quality_figure
    from assets.prices.returns import monthly_returns as returns_of
    from assets.prices.usable import KEY, marked

    daily, missing = build.read("prices"), build.read("prices_missing")
    found = marked(returns_of(daily, missing.drop_nulls("through")["company_id"]), build.profile.returns.exclude)
    twice, infinite = found.height - found.n_unique(KEY), int((~found["log_return"].is_finite()).sum())
    build.check("unique_months", twice == 0, f"{twice} months in which a company has two returns")
    build.check("finite", infinite == 0, f"{infinite} returns that are not finite")
    build.write(schemas.MONTHLY_RETURNS, found)
    build.metadata |= {"left_out": int((~found["used"]).sum()), **quality_numbers(found, missing)}
    absent = without_prices(missing)
    build.picture(
        "quality",
        quality_figure(found, absent, daily["company_id"].n_unique() + absent.height),
        "Who has a return when, who has none and why, and how returns are spread; flagged ones are in the table.",
    )
