"""What is there, and why it would be made again."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from assets.texts_read import texts_read
from pipelines.graph import open_graph
from pipelines.refresh import plan
from resources.clock import local_day
from resources.environment import open_lake
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.settings.profile import Profile

PINNED = ("sae_corpus", "passage_corpus")
"""Corpora that a changed filing does not draw anew."""


def status_table(profile: Profile) -> pl.DataFrame:
    """Return one row per artefact: asset, partition, rows, made (UTC), seconds, state."""
    graph, lake = open_graph(profile, local_day()), open_lake(profile)
    planned = {(body.asset, body.partition): body.why for body in plan(graph, lake)}
    rows = []
    for name, declaration in graph.declarations.items():
        for partition in graph.partitions(name):
            known = lake.manifest(name, partition)
            state = planned.get((name, partition), "up to date")
            if known and name in PINNED and state == "up to date":
                state = f"pinned, {changed_since(lake, known)} filings have changed since"
            if known and known.recipe["code"] != declaration.code and declaration.code in known.adopted:
                state += ", adopted"
            rows.append(_row(name, partition, known, state))
    return pl.DataFrame(rows, infer_schema_length=None)


def changed_since(lake: Lake, corpus: Manifest) -> int:
    """Count filings of a pinned corpus of whose texts one is no longer what is read of its description today.

    A text of `sae_corpus` is all that is read of a description, one of `passage_corpus` a passage of it.
    """
    drawn = _rows(lake, [corpus], {"accession": pl.String, "text": pl.String}).unique().collect()
    mine = pl.col("accession").is_in(drawn["accession"].unique().to_list())
    described = _rows(lake, _years(lake, "descriptions"), {"accession": pl.String, "text": pl.String})
    ends = _rows(lake, _years(lake, "passages"), {"accession": pl.String, "end": pl.Int32})
    read = texts_read(described.filter(mine).collect(), ends.filter(mine).collect())
    both = drawn.join(read, on="accession", how="left", suffix="_now")
    now, then = pl.col("text_now"), pl.col("text")
    same = now == then if corpus.asset == "sae_corpus" else now.str.contains(then, literal=True)
    return both.filter(~same.fill_null(value=False))["accession"].n_unique()


def _years(lake: Lake, asset: str) -> list[Manifest]:
    years = [place.name for place in sorted((lake.root / asset).glob("*"))]
    return [known for year in years if (known := lake.manifest(asset, year))]


def _rows(lake: Lake, known: Sequence[Manifest], columns: dict[str, type[pl.DataType]]) -> pl.LazyFrame:
    """Return some columns of the first table of some artefacts."""
    files = [file for one in known for file in lake.table_files(one, one.asset)]
    return pl.scan_parquet(files, glob=False).select(list(columns)) if files else pl.LazyFrame(schema=columns)


def _row(name: str, partition: str | None, known: Manifest | None, state: str) -> dict[str, object]:
    made = datetime.fromtimestamp(known.written_at, UTC).strftime("%Y-%m-%d %H:%M") if known else None
    return {
        "asset": name,
        "partition": partition,
        "rows": known.rows if known else None,
        "made": made,
        "seconds": round(known.seconds, 1) if known else None,
        "state": state,
    }
