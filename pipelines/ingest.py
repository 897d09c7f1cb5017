"""Bringing annual reports in: which months and companies, and what came of it."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.failures import RefusedError
from resources.lake.lake import Lake
from resources.lake.recipe import Graph
from resources.settings.profile import Profile
from resources.settings.section import MONTH
from resources.sources import close_years

INGESTED = ("companies", "filings", "tickers", "descriptions")
EVERYONE = "all"
TABLES = ("filings", "descriptions", "descriptions_rejected")
QUOTED = r"\s*[:'\"(].*"
"""What a reason says of one document alone."""
COUNT = r"[\d,]+ characters"


def ingest_profile(
    profile: Profile, first: str | None, last: str | None, universe: str | None, identity: str | None, today: date
) -> Profile:
    """Return the profile with months, companies and identity as given on the command line; None keeps the profile's.

    A first month without a last one goes up to today's.

    Raises
    ------
    RefusedError
        The profile does not read EDGAR, or a month is none, or the last is before the first.
    """
    if profile.descriptions.source != "edgar":
        raise RefusedError(
            f"profile {profile.name}: descriptions.source is {profile.descriptions.source}; ingest reads EDGAR, "
            "use --profile edgar or set `descriptions: {source: edgar}` in yours"
        )
    years = close_years(profile, today).years
    settings = profile.descriptions.edgar
    begin = _month("--from", first) if first else settings.first or f"{years[0]}-01"
    open_end = f"{today:%Y-%m}" if first else settings.last or f"{years[-1]}-12"
    end = _month("--to", last) if last else open_end
    if end < begin:
        raise RefusedError(f"the last month, {end}, is before the first, {begin}; give --from and --to")
    changed: dict[str, object] = {"first": begin, "last": end, "identity": identity or settings.identity}
    if universe:
        changed["universe"] = None if universe == EVERYONE else Path(universe).expanduser().absolute()
    edgar = settings.model_copy(update=changed)
    return profile.model_copy(
        update={
            "filing_years": list(range(int(begin[:4]), int(end[:4]) + 1)) if first or last else years,
            "tickers": None if universe else profile.tickers,
            "descriptions": profile.descriptions.model_copy(update={"edgar": edgar}),
        }
    )


def ingest_graph(graph: Graph) -> Graph:
    """Return the part of the graph that brings filings in."""
    return replace(graph, declarations={name: graph.declarations[name] for name in INGESTED})


def ingest_summary(graph: Graph, lake: Lake) -> pl.DataFrame:
    """Return one row a filing year: filings, texts by quality, and filings without one."""
    rows = []
    for year in graph.partitions("filings"):
        filings, texts, rejected = (_rows(graph, lake, year, table) for table in TABLES)
        quality = dict(texts.group_by("quality").len().rows())
        counts = {name: quality.get(name, 0) for name in ("ok", "short", "disagree")}
        rows.append({"year": year, "filings": filings.height, **counts, "without": rejected.height})
    return pl.DataFrame(rows)


def rejection_reasons(graph: Graph, lake: Lake) -> pl.DataFrame:
    """Return kinds of reasons for having no text (reason) and how many filings have each (len), the commonest first."""
    rejected = pl.concat([_rows(graph, lake, year, TABLES[2]) for year in graph.partitions("filings")])
    kind = pl.col("reason").str.replace(QUOTED, "").str.replace(COUNT, "some characters")
    return rejected.group_by(reason=kind).len().sort("len", "reason", descending=[True, False])


def _rows(graph: Graph, lake: Lake, year: str | None, table: str) -> pl.DataFrame:
    known = lake.manifest(graph.owner(table), year)
    if known is None:
        raise RefusedError(f"{table} {year}: removed while it was being counted; run the same command again")
    return pl.concat([pl.read_parquet(file, glob=False) for file in lake.table_files(known, table)])


def _month(flag: str, text: str) -> str:
    if not re.fullmatch(MONTH, text):
        raise RefusedError(f"{flag} {text!r}: expected a month, as in 2020-01")
    return text
