"""What is there, and why it would be made again."""

from datetime import UTC, date, datetime

import polars as pl

from pipelines.graph import open_graph
from pipelines.refresh import plan
from resources.environment import open_lake
from resources.lake import Lake, Manifest
from resources.profile import Profile


def status_table(profile: Profile) -> pl.DataFrame:
    """One row per artefact: asset, partition, rows, made (UTC), seconds, state."""
    graph, lake = open_graph(profile, date.today()), open_lake(profile)
    planned = {(body.asset, body.partition): body.why for body in plan(graph, lake)}
    rows = []
    for name in graph.declarations:
        for partition in graph.partitions(name):
            known = lake.manifest(name, partition)
            state = planned.get((name, partition), "up to date")
            if known and name == "sae_corpus" and state == "up to date":
                state = f"pinned, {changed_since(lake, known)} filings have changed since"
            rows.append(_row(name, partition, known, state))
    return pl.DataFrame(rows, infer_schema_length=None)


def changed_since(lake: Lake, corpus: Manifest) -> int:
    """Filings of the pinned corpus whose tokens are no longer what the activation cache holds."""
    years = [place.name for place in sorted((lake.root / "activations").glob("*"))]
    cached = [known for year in years if (known := lake.manifest("activations", year))]
    current = {row for known in cached for row in _contents(lake, known)}
    return sum(row not in current for row in _contents(lake, corpus))


def _contents(lake: Lake, known: Manifest) -> list[tuple[str, str]]:
    """Accession and origin of every filing of an artefact."""
    files = lake.table_files(known, known.asset)
    return [row for file in files for row in pl.read_parquet(file, columns=["accession", "made_from"]).iter_rows()]


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
