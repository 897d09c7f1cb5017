"""The asset `cluster_drift`, built in a lake whose inputs a test gives."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets import schemas
from assets.clusters import assets as clusters_assets
from pipelines.dagster_assets import materialize_result
from resources.lake.build import Build, Made, build
from resources.lake.lake import Lake
from resources.lake.recipe import Declaration, Graph
from resources.lake.table import Table
from resources.settings.clusters import Clusters
from resources.settings.profile import Profile

DATES = {"2010-12": date(2010, 12, 31), "2011-12": date(2011, 12, 31)}
GROUPS = {"2010-12": {"KO": 0, "PEP": 0, "XOM": 0, "JPM": 1}, "2011-12": {"KO": 0, "PEP": 0, "XOM": 1, "JPM": 1}}
SAYS = {
    ("XOM", "2010-12"): ["soft drinks"],
    ("XOM", "2011-12"): ["banks"],
    ("JPM", "2010-12"): ["banks"],
    ("JPM", "2011-12"): ["banks"],
}
"""Labels that a company's report says."""
LABELS = ["soft drinks", "banks"]
ROWS = dict[Table, list[dict[str, Any]]]


def rows_of(partition: str) -> ROWS:
    """Every company has a new report at each date; only XOM's says something else."""
    as_of, groups = DATES[partition], GROUPS[partition]
    place = {"view": "passages", "entry": "p", "block": 2}
    spot = {"weight": 0.5, "own_weight": 0.5, "peak_start": 0, "peak_end": 1, "peak": 1.0}
    return {
        schemas.PEER_CLUSTERS: [
            {"method": "sae", "as_of": as_of, "company_id": i, "cluster": cluster} for i, cluster in groups.items()
        ],
        schemas.SIC_GROUPS: [{"as_of": as_of, "company_id": i, "accession": f"{i}-{partition}"} for i in groups],
        schemas.COMPANY_VECTORS: [
            {**place, **spot, "as_of": as_of, "company_id": i, "accession": f"{i}-{partition}"}
            | {"latent": latent, "words": [label] if label in SAYS.get((i, partition), []) else []}
            for i in groups
            for latent, label in enumerate(LABELS)
        ],
        schemas.THEMES: [
            {**place, "as_of": as_of, "latent": latent, "companies": 1, "share": 0.25} for latent in range(len(LABELS))
        ],
    }


def labels() -> list[dict[str, Any]]:
    lists: dict[str, list[str]] = {name: [] for name in ("words", "examples")}
    shared = {"view": "passages", "entry": "p", "block": 2, "density": 0.1, "documents": 9, "windows": 40, **lists}
    return [
        {**shared, "latent": i, "label": label, "terms": [label], "detection_score": 0.9}
        for i, label in enumerate(LABELS)
    ]


def planted(name: str, rows: Callable[[str], ROWS], *tables: Table, dated: bool = True) -> Declaration:
    def make(build: Build) -> None:
        for table in tables:
            build.write(table, table.frame(rows(build.partition or "")[table]))

    return Declaration(
        name, "planted", "What a test gives.", tables, make, "1", partitioning="as_of" if dated else None
    )


def graph_of(keys: tuple[str, ...] = tuple(DATES), **settings: Any) -> Graph:
    tickers = [{"ticker": f"{i}.N", "company_id": i, "source": "a test"} for i in GROUPS["2010-12"]]
    given = [
        planted("peer_clusters", rows_of, schemas.PEER_CLUSTERS, schemas.SIC_GROUPS),
        planted("company_vectors", rows_of, schemas.COMPANY_VECTORS, schemas.THEMES),
        planted("latent_labels", lambda _: {schemas.LATENT_LABELS: labels()}, schemas.LATENT_LABELS, dated=False),
        planted("tickers", lambda _: {schemas.TICKERS: tickers}, schemas.TICKERS, dated=False),
        clusters_assets.cluster_drift,
    ]
    profile = Profile(name="p", clusters=Clusters(**settings))
    return Graph({one.name: one for one in given}, profile, {"as_of": keys})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home", "p")


def made(lake: Lake, graph: Graph) -> Made:
    for name in graph.declarations["cluster_drift"].reads:
        for partition in graph.partitions(name):
            build(graph, lake, name, partition)
    return build(graph, lake, "cluster_drift", None)


def table(lake: Lake, one: Made, name: str) -> pl.DataFrame:
    return pl.read_parquet(lake.table_files(one.manifest, name))


def test_who_moved_is_told_with_the_themes_of_both_filings(lake: Lake) -> None:
    one = made(lake, graph_of())
    rows = {row["company_id"]: row for row in table(lake, one, "cluster_drift").to_dicts()}
    assert {i: row["change"] for i, row in rows.items()} == {
        "KO": "stayed",
        "PEP": "stayed",
        "XOM": "moved",
        "JPM": "stayed",
    }
    xom = rows["XOM"]
    assert (xom["themes_gained"], xom["themes_lost"]) == (["banks"], ["soft drinks"])
    assert (xom["accession_before"], xom["accession"]) == ("XOM-2010-12", "XOM-2011-12")
    assert (rows["JPM"]["themes_gained"], rows["JPM"]["themes_lost"]) == ([], [])
    assert table(lake, one, "group_drift")["change"].to_list() == ["same", "same"]
    assert table(lake, one, "alerts").is_empty()


def test_an_alert_is_a_row_and_a_check_that_warns_and_stops_nothing(lake: Lake) -> None:
    graph = graph_of(alert_moved_share=0.2, watched=["ko.n", "NONE"])
    one = made(lake, graph)
    alerts = table(lake, one, "alerts")
    assert alerts.select("kind", "company_id", "value").rows() == [
        ("groups_moved", None, 0.25),
        ("watched_peers", "KO", 0.5),
    ]
    assert alerts["text"].to_list()[0].endswith("moved since 2010-12, 1 of them with another filing")
    assert alerts["text"].to_list()[1] == "sae: peers of ko.n: left XOM.N, since 2010-12"
    shown = materialize_result(graph, lake, one).check_results or ()
    assert {check.check_name: check.passed for check in shown} == dict.fromkeys(clusters_assets.CHECKS, False)
    assert {check.severity for check in shown} == {dg.AssetCheckSeverity.WARN}
    assert "'NONE'" in str([check.description for check in shown])


def test_one_date_has_tables_without_rows_and_no_alert(lake: Lake) -> None:
    one = made(lake, graph_of(("2011-12",), alert_moved_share=0.0, watched=["KO"]))
    assert [table(lake, one, name).height for name in ("cluster_drift", "group_drift", "alerts")] == [0, 0, 0]
    assert all(check["passed"] for check in one.manifest.checks)


def test_another_setting_or_another_date_makes_it_again_and_nothing_else_does(lake: Lake) -> None:
    assert made(lake, graph_of(("2010-12",))).reasons
    assert made(lake, graph_of()).reasons == ("peer_clusters", "company_vectors")
    assert not made(lake, graph_of()).reasons
    assert made(lake, graph_of(watched=["KO"])).reasons == ("config",)
