"""What is there, and why it would be made again."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from pipelines.graph import open_graph
from pipelines.refresh import plan
from resources.clock import local_day
from resources.environment import open_lake
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.settings.profile import Profile


def status_table(profile: Profile) -> pl.DataFrame:
    """Return one row per artefact: asset, partition, rows, made (UTC), seconds, state."""
    graph, lake = open_graph(profile, local_day()), open_lake(profile)
    planned = {(body.asset, body.partition): body.why for body in plan(graph, lake)}
    rows = []
    for name, declaration in graph.declarations.items():
        for partition in graph.partitions(name):
            known = lake.manifest(name, partition)
            state = planned.get((name, partition), "up to date")
            if known and name == "sae_corpus" and state == "up to date":
                state = f"pinned, {changed_since(lake, known)} filings have changed since"
            if known and known.recipe["code"] != declaration.code and declaration.code in known.adopted:
                state += ", adopted"
            rows.append(_row(name, partition, known, state))
    return pl.DataFrame(rows, infer_schema_length=None)


def changed_since(lake: Lake, corpus: Manifest) -> int:
    """Count filings of the pinned corpus whose text is no longer what `descriptions` holds."""
    years = [place.name for place in sorted((lake.root / "descriptions").glob("*"))]
    described = [known for year in years if (known := lake.manifest("descriptions", year))]
    drawn = _texts(lake, [corpus]).collect()
    mine = pl.col("accession").is_in(drawn["accession"].to_list())
    same = drawn.join(_texts(lake, described).filter(mine).collect(), on=["accession", "text"], how="semi")
    return drawn.height - same.height


def _texts(lake: Lake, known: Sequence[Manifest]) -> pl.LazyFrame:
    """Return accession and text of every filing of some artefacts."""
    files = [file for one in known for file in lake.table_files(one, one.asset)]
    columns = ("accession", "text")
    return (
        pl.scan_parquet(files, glob=False).select(columns)
        if files
        else pl.LazyFrame(schema=dict.fromkeys(columns, pl.String))
    )


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
