"""What companies say about themselves: annual reports and the Item 1 text in them."""

import polars as pl

from assets import schemas
from assets.declaration import asset
from resources.lake.build import Build
from resources.lake.recipe import Slices, whole
from resources.settings.profile import Profile
from resources.sources import Sources


def _filings_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return sources.universe(profile).filings_now(int(partition or 0))


@asset(
    schemas.FILINGS,
    partitioning="filing_year",
    lineage=["companies"],
    asks=["universe"],
    fingerprint=_filings_now,
    config=["descriptions.source", "descriptions.edgar.sic"],
    units=["resources.universe.edgar_filings:filing_rows"],
    kinds=["source", "parquet"],
)
def filings(build: Build) -> None:
    """Annual reports filed in a year, name and SIC code as filed; from EDGAR, the documents are fetched and kept."""
    filed = build.universe.filings(int(build.partition or 0), build.progress)
    kept = build.record_units(filed.inputs)
    carried = build.before("filings").filter(pl.col("accession").is_in(sorted(kept)))
    rows = pl.concat([carried, filed.rows(kept)])
    build.write(schemas.FILINGS, rows)
    build.metadata["refused"] = rows["refused"].count()


@asset(
    schemas.DESCRIPTIONS,
    schemas.DESCRIPTIONS_REJECTED,
    partitioning="filing_year",
    reads={"filings": whole},
    asks=["universe"],
    config=["descriptions.source"],
    units=["assets.descriptions.item1:item1"],
    kinds=["parquet"],
)
def descriptions(build: Build) -> None:
    """Cut the text out of every filing of a year; a filing without a usable one is kept with the reason."""
    from assets.descriptions.extraction import described, extracted
    from assets.descriptions.given_texts import given

    rows, source = build.read("filings"), build.profile.descriptions.source
    said = build.universe.texts(int(build.partition or 0), build.progress)
    if isinstance(said, pl.DataFrame):
        texts, rejected = given(rows, said, source)
    else:
        with build.progress(rows.height, "filings") as progress:
            outcomes = extracted(said.root, build.unit_code, rows, progress)
        texts, rejected = described(rows, outcomes, source)
    build.write(schemas.DESCRIPTIONS, texts)
    build.write(schemas.DESCRIPTIONS_REJECTED, rejected)
    build.metadata |= {
        "rejected": rejected.height,
        "quality": dict(texts.group_by("quality").len().sort("quality").rows()),
    }
