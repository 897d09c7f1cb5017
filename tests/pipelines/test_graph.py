"""The graph: every asset of every stage, and who reads whom."""

from datetime import date

from assets.schemas import TABLES
from pipelines.graph import open_graph
from resources.settings.profile import Profile

GRAPH = open_graph(Profile(name="p"), date(2012, 1, 15))


def test_the_warehouse_reads_every_asset_of_the_other_stages() -> None:
    others = {d.name for d in GRAPH.declarations.values() if d.group != "outputs"}
    assert len(others) > 20
    assert set(GRAPH.declarations["warehouse"].reads) == others
    assert {GRAPH.owner(table) for table in TABLES} == others | {"warehouse", "atlas"}


def test_what_companies_are_called_today_changes_no_as_of_date() -> None:
    """Names and sectors as filed are in `filings`; `companies` has the newest, which an older date must not see."""
    dated = [d for d in GRAPH.declarations.values() if d.partitioning == "as_of"]
    assert {"peer_clusters", "cluster_scores", "atlas"} <= {d.name for d in dated}
    assert not [d.name for d in dated if "companies" in d.reads]
    assert [d.name for d in GRAPH.declarations.values() if "companies" in d.reads] == ["warehouse"]
