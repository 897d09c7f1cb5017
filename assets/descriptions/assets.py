"""What companies say about themselves: annual reports and the Item 1 text in them."""

import polars as pl

from assets import schemas
from assets.declaration import asset
from resources.environment import home
from resources.lake.build import Build
from resources.lake.recipe import Slices, whole
from resources.settings.profile import Profile
from resources.universe.edgar_source import EdgarUniverse
from resources.universe.universe import open_universe


def _filings_now(profile: Profile, partition: str | None) -> Slices:
    return open_universe(profile, home()).filings_now(int(partition or 0))


@asset(
    schemas.FILINGS,
    partitioning="filing_year",
    lineage=["companies"],
    fingerprint=_filings_now,
    config=["descriptions.source", "descriptions.edgar.sic"],
    kinds=["source", "parquet"],
)
def filings(build: Build) -> None:
    """Annual reports filed in a year, with the SIC code as filed; from EDGAR, the documents are fetched and kept."""
    universe, year = open_universe(build.profile, home()), int(build.partition or 0)
    if isinstance(universe, EdgarUniverse):
        rows = _fetched(build, universe, universe.reports(year))
    else:
        with build.progress(None, "rows") as progress:
            rows = universe.filings(year, progress).select(c.name for c in schemas.FILINGS.columns)
    build.write(schemas.FILINGS, rows)
    build.metadata["refused"] = rows["refused"].count()


def _fetched(build: Build, universe: EdgarUniverse, reports: pl.DataFrame) -> pl.DataFrame:
    """Rows of `filings`; those whose document is the one of last time are carried over."""
    from assets.descriptions.edgar_filings import contents, download, filing_rows

    with build.progress(reports.height, "filings") as progress:
        got = download(universe, reports, progress)
    reports = reports.filter(pl.col("url").is_in(list(got)))
    carried = pl.col("accession").is_in(list(build.record_units(contents(reports, got))))
    fresh = filing_rows(reports.filter(~carried), got, universe.store)
    return pl.concat([build.before("filings").filter(carried), fresh])


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
    from assets.descriptions.extraction import described, extracted, given

    rows, universe = build.read("filings"), open_universe(build.profile, home())
    if isinstance(universe, EdgarUniverse):
        with build.progress(rows.height, "filings") as progress:
            texts, rejected = described(rows, extracted(universe.root, build.recipe["code"], rows, progress))
    else:
        with build.progress(None, "rows") as progress:
            said = universe.filings(int(build.partition or 0), progress)
        texts, rejected = given(rows, said, build.profile.descriptions.source)
    build.write(schemas.DESCRIPTIONS, texts)
    build.write(schemas.DESCRIPTIONS_REJECTED, rejected)
    build.metadata |= {
        "rejected": rejected.height,
        "quality": dict(texts.group_by("quality").len().sort("quality").rows()),
    }
