"""What companies say about themselves: annual reports and the Item 1 text in them."""

import polars as pl

from assets import schemas
from assets.declaration import asset
from assets.descriptions.quality import quality, rejection
from resources.build import Build
from resources.profile import Profile
from resources.recipe import Slices, whole
from resources.universe import filings_fingerprint, read_universe


def _of_year(profile: Profile, partition: str | None) -> pl.DataFrame:
    return read_universe(profile).filter(pl.col("filed_at").dt.year() == int(partition or 0))


def _filings_now(profile: Profile, partition: str | None) -> Slices:
    return filings_fingerprint(_of_year(profile, partition))


@asset(
    schemas.FILINGS,
    partitioning="filing_year",
    reads={"companies": whole},
    fingerprint=_filings_now,
    config=["descriptions.source"],
    kinds=["source", "parquet"],
)
def filings(build: Build) -> None:
    """Annual reports filed in a year, with the SIC code as filed."""
    known = build.read("companies").select("company_id")
    rows = _of_year(build.profile, build.partition).join(known, on="company_id", how="semi")
    columns = [c.name for c in schemas.FILINGS.columns]
    build.write(schemas.FILINGS, rows.with_columns(url=pl.lit(None, pl.String)).select(columns))


@asset(
    schemas.DESCRIPTIONS,
    schemas.DESCRIPTIONS_REJECTED,
    partitioning="filing_year",
    reads={"filings": whole},
    config=["descriptions.source"],
    kinds=["parquet"],
)
def descriptions(build: Build) -> None:
    """The text of every filing of a year; what cannot be used is kept with its reason."""
    texts = _of_year(build.profile, build.partition).select("accession", "text")
    rows = build.read("filings").join(texts, on="accession", how="left").with_columns(rejection().alias("reason"))
    build.write(
        schemas.DESCRIPTIONS,
        rows.filter(pl.col("reason").is_null()).select(
            "accession",
            "company_id",
            "filed_at",
            "text",
            fiscal_year=pl.coalesce("period", "filed_at").dt.year(),
            n_chars=pl.col("text").str.len_chars(),
            method=pl.lit("given"),
            quality=quality(),
            source=pl.lit(build.profile.descriptions.source),
        ),
    )
    rejected = rows.filter(pl.col("reason").is_not_null())
    build.write(schemas.DESCRIPTIONS_REJECTED, rejected.select("accession", "company_id", "filed_at", "reason"))
    build.metadata["rejected"] = rejected.height
