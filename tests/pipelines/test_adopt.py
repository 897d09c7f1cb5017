"""What is there stands under today's code once somebody says so, and only under that code."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from toy_graph import LENGTHS, World, make_all

from pipelines.adopt import adopt
from pipelines.failures import RefusedError
from pipelines.refresh import plan
from resources.lake.build import Build, build
from resources.lake.lake import Lake
from resources.lake.recipe import Graph


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, "toy")


def by_unit(world: World, kept: list[set[str]], code: str, unit_code: str) -> Graph:
    """The graph whose `lengths` works filing by filing."""

    def make(work: Build) -> None:
        kept.append(work.record_units(work.filing_digests("texts")))
        old = work.before("lengths").filter(pl.col("accession").is_in(sorted(kept[-1])))
        fresh = work.read("texts").filter(~pl.col("accession").is_in(sorted(kept[-1])))
        new = fresh.select("accession", "filed_at", length=pl.col("text").str.len_chars().cast(pl.Int64))
        work.write(LENGTHS, pl.concat([old, new]))

    graph = world.graph()
    lengths = replace(graph.declarations["lengths"], make=make, code=code, unit_code=unit_code)
    return replace(graph, declarations={**graph.declarations, "lengths": lengths})


def labels(graph: Graph, lake: Lake) -> list[str]:
    return [body.label for body in plan(graph, lake)]


def test_adopted_code_makes_nothing_again_and_the_next_edit_does(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.code["lengths"] = "2"
    assert "lengths 2004" in labels(world.graph(), lake)
    told = [str(one) for one in adopt(world.graph(), lake, "lengths", None)]
    assert told == [f"lengths {year}: stands under today's code" for year in world.graph().partitions("lengths")]
    assert labels(world.graph(), lake) == []
    assert str(adopt(world.graph(), lake, "lengths", "2004")[0]) == "lengths 2004: stood under today's code before"
    world.code["lengths"] = "3"
    assert "lengths 2004" in labels(world.graph(), lake)


def test_one_partition_is_adopted_alone(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.code["lengths"] = "2"
    adopt(world.graph(), lake, "lengths", "2004")
    named = labels(world.graph(), lake)
    assert "lengths 2004" not in named
    assert "lengths 2003" in named


def test_adopted_units_are_carried_over_by_the_next_body_and_still_are_after_it(lake: Lake) -> None:
    world, kept = World(), list[set[str]]()
    make_all(by_unit(world, kept, "1", "one"), lake)
    adopt(by_unit(world, kept, "2", "two"), lake, "lengths", None)
    for day in (5, 6):
        world.filings[f"new{day}"] = (date(2004, 5, day), "new")
        graph = by_unit(world, kept, "2", "two")
        build(graph, lake, "texts", "2004")
        assert build(graph, lake, "lengths", "2004").reasons == ("texts",)
    assert kept[-2:] == [{"b", "c"}, {"b", "c", "new5"}]
    build(by_unit(world, kept, "2", "three"), lake, "lengths", "2004")
    world.filings["new7"] = (date(2004, 5, 7), "new")
    graph = by_unit(world, kept, "3", "three")
    build(graph, lake, "texts", "2004")
    build(graph, lake, "lengths", "2004")
    assert kept[-1] == set()


def test_what_would_run_all_the_same_is_told(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.code["prices"] = "2"
    world.quotes[date(2004, 1, 28)] = 7.0
    (one,) = adopt(world.graph(), lake, "prices", None)
    assert str(one) == "prices: stands under today's code; would run all the same: source"


@pytest.mark.parametrize(
    ("asset", "partition", "words"),
    [
        ("length", None, "'length' is no asset; there are"),
        ("lengths", "1999", "lengths has no partition '1999'; it has 2003, 2004"),
        ("prices", "2004", "prices has no partition '2004'; it has none, it is whole"),
        ("lengths", "2004", "lengths: nothing is there that is whole; `peerlens refresh` makes it"),
    ],
)
def test_what_cannot_be_adopted_is_refused(lake: Lake, asset: str, partition: str | None, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        adopt(World().graph(), lake, asset, partition)


def test_other_columns_and_checks_that_were_never_made_cannot_be_adopted(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    graph = world.graph()
    prices = graph.declarations["prices"]
    for changed, words in (
        (replace(prices, tables=(replace(prices.tables[0], key=("month",), slice_by=()),)), "other columns"),
        (replace(prices, checks=("new",)), "check new was never made of it"),
    ):
        with pytest.raises(RefusedError, match=words):
            adopt(replace(graph, declarations={**graph.declarations, "prices": changed}), lake, "prices", None)


def test_where_one_partition_is_refused_none_is_adopted(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    graph, older = world.graph(), lake.manifest("lengths", "2005")
    assert older is not None
    lake.repoint(replace(older, recipe=older.recipe | {"schema": "of a version before"}))
    world.code["lengths"] = "2"
    with pytest.raises(RefusedError, match="lengths 2005 has other columns"):
        adopt(world.graph(), lake, "lengths", None)
    assert [lake.read_manifest("lengths", year).adopted for year in graph.partitions("lengths")] == [{}, {}, {}]  # type: ignore[union-attr]
