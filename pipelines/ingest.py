"""Bringing annual reports in: which months and companies, and what came of it."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from pipelines.failures import RefusedError
from resources.lake import Lake
from resources.profile import Profile
from resources.recipe import Graph

INGESTED = ("companies", "filings", "tickers", "descriptions")
EVERYONE = "all"
REASONS_SHOWN = 10


def ingest_profile(
    profile: Profile, first: str | None, last: str | None, universe: str | None, identity: str | None
) -> Profile:
    """The profile with months, companies and identity as given on the command line; None keeps the profile's.

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
    years = sorted(profile.filing_years)
    settings = profile.descriptions.edgar
    begin = _month("--from", first) if first else settings.first or f"{years[0]}-01"
    end = _month("--to", last) if last else settings.last or f"{years[-1]}-12"
    if end < begin:
        raise RefusedError(f"--to {end} is before --from {begin}")
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
    """The part of the graph that brings filings in."""
    return replace(graph, declarations={name: graph.declarations[name] for name in INGESTED})


def ingest_summary(graph: Graph, lake: Lake) -> pl.DataFrame:
    """One row a filing year: filings, texts by quality, and filings without one."""
    rows = []
    for year in graph.partitions("filings"):
        filings, texts, rejected = (_rows(lake, year, t) for t in ("filings", "descriptions", "descriptions_rejected"))
        quality = dict(texts.group_by("quality").len().rows())
        counts = {name: quality.get(name, 0) for name in ("ok", "short", "disagree")}
        rows.append({"year": year, "filings": filings.height, **counts, "without": rejected.height})
    return pl.DataFrame(rows)


def rejection_reasons(graph: Graph, lake: Lake) -> list[tuple[str, int]]:
    """The commonest reasons for having no text, with how many filings each."""
    rejected = pl.concat([_rows(lake, year, "descriptions_rejected") for year in graph.partitions("filings")])
    return (
        rejected["reason"]
        .value_counts(sort=True)
        .sort("count", "reason", descending=[True, False])
        .rows()[:REASONS_SHOWN]
    )


def _rows(lake: Lake, year: str | None, table: str) -> pl.DataFrame:
    owner = "descriptions" if table.startswith("descriptions") else table
    known = lake.manifest(owner, year)
    return pl.concat([pl.read_parquet(file) for file in lake.table_files(known, table)]) if known else pl.DataFrame()


def _month(flag: str, text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise RefusedError(f"{flag} {text!r}: expected a month, as in 2020-01")
    return text
