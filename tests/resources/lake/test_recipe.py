"""An input is the rows that are read: rows outside the window do not make an asset run again."""

import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from toy_graph import AS_OFS, World, make_all, toy_profile

from assets.partitions import months_later
from pipelines.graph import open_graph
from resources.lake.build import build
from resources.lake.lake import Lake
from resources.lake.recipe import DateWindow, Graph, reasons, recipe, settings, without
from resources.lake.snapshot import Snapshot
from resources.lake.table import Column

DAYS = st.dates(date(2003, 1, 1), date(2006, 12, 31))
BOUNDS = st.one_of(st.none(), DAYS)


def recipes(graph: Graph, lake: Lake, name: str) -> dict[str | None, dict[str, object]]:
    return {key: recipe(graph, Snapshot(lake), graph.declarations[name], key, {}) for key in graph.partitions(name)}


@given(BOUNDS, BOUNDS, DAYS)
def test_a_filing_is_shown_exactly_when_its_row_is_in_the_window(
    after: date | None, until: date | None, day: date
) -> None:
    rows = pl.DataFrame({"day": [day]})
    within = [pl.col("day") > after] if after else []
    seen = rows.filter(*within, *([pl.col("day") <= until] if until else [])).height == 1
    assert DateWindow(after, until).shows(f"{day} 0000-1") == seen


@given(BOUNDS, BOUNDS, st.integers(2003, 2006), st.integers(1, 12))
def test_a_month_or_year_is_shown_exactly_when_one_of_its_days_is(
    after: date | None, until: date | None, year: int, month: int
) -> None:
    assume(after is None or until is None or after < until)

    def visible(first: date, last: date) -> bool:
        count = (last - first).days + 1
        days = (first + timedelta(i) for i in range(count))
        return any((after is None or day > after) and (until is None or day <= until) for day in days)

    window = DateWindow(after, until)
    name = f"{year}-{month:02d}"
    assert window.shows(name) == visible(date(year, month, 1), months_later(name, 0))
    assert window.shows_year(year) == visible(date(year, 1, 1), date(year, 12, 31))


@given(BOUNDS, BOUNDS)
def test_a_slice_that_stands_for_all_days_is_always_shown(after: date | None, until: date | None) -> None:
    assert DateWindow(after, until).shows("")


@hypothesis_settings(deadline=None, max_examples=15)
@given(st.integers(0, 2), DAYS, st.text(min_size=1, max_size=3))
def test_a_filing_after_the_as_of_date_or_too_old_changes_no_recipe_of_it(which: int, day: date, text: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        world, lake = (
            World(filings={"a": (date(2004, 2, 28), "x")}, quotes={date(2003, 12, 31): 1.0}),
            Lake(Path(home), "toy"),
        )
        key = AS_OFS[which]
        before = _groups_recipe(world, lake, key)
        world.filings["new"] = (day, text)
        seen = months_later(key, -18) < day <= months_later(key, 0)
        assert (_groups_recipe(world, lake, key) != before) == (seen and day.year < 2006)


def _groups_recipe(world: World, lake: Lake, key: str) -> object:
    graph = world.graph()
    for name in ("texts", "lengths", "prices"):
        for partition in graph.partitions(name):
            build(graph, lake, name, partition)
    return recipe(graph, Snapshot(lake), graph.declarations["groups"], key, {})


def test_a_price_after_the_as_of_date_changes_the_scores_and_not_the_groups(tmp_path: Path) -> None:
    world, lake = World(), Lake(tmp_path, "toy")
    make_all(world.graph(), lake)
    world.quotes[date(2004, 2, 28)] = 1.0
    ran = make_all(world.graph(), lake)
    assert ("groups", "2003-12") not in ran
    assert {("prices", None), ("groups", "2004-12"), ("scores", "2003-12")} <= ran


def test_a_table_that_is_not_sliced_by_date_is_in_no_window(tmp_path: Path) -> None:
    world, lake = World(), Lake(tmp_path, "toy")
    make_all(world.graph(), lake)
    world.filings["late"] = (date(2004, 12, 30), "")
    ran = make_all(world.graph(), lake)
    assert ran == {("texts", "2004"), ("lengths", "2004"), ("catalogue", None)}


def test_reasons_name_what_changed() -> None:
    now = {"code": "1", "schema": "1", "config": {}, "source": "1", "inputs": {"a": "1", "b": "1"}}
    then = type("Known", (), {"recipe": now})()
    assert reasons(None, now) == ["missing"]
    assert reasons(then, now) == []
    for part in ("code", "schema", "config", "source"):
        assert reasons(then, now | {part: "2"}) == [part]
    assert reasons(then, now | {"inputs": {"a": "2", "c": "1"}, "code": "2"}) == ["code", "a", "c", "b"]


def test_damage_is_named_beside_what_changed_and_counted_where_it_is_more() -> None:
    now = {"code": "1", "schema": "1", "config": {}, "source": "1", "inputs": {}}
    then = type("Known", (), {"recipe": now})()
    assert reasons(then, now, ["a"]) == ["damaged: a"]
    assert reasons(then, now | {"code": "2"}, ["a", "b", "c"]) == ["damaged: a and 2 more", "code"]


def test_settings_are_left_out_by_dotted_name_from_a_section_or_whole() -> None:
    config = {"model": {"id": "m", "dtype": "auto"}, "activations.blocks": [1], "saes": {"size": {"k": 1, "n": 2}}}
    assert without(config, ()) == config
    assert without(config, {"model.dtype", "activations.blocks", "saes.size.k", "dtype", "blocks"}) == {
        "model": {"id": "m"},
        "saes": {"size": {"n": 2}},
    }
    assert without(config, {"model"}) == {name: config[name] for name in ("activations.blocks", "saes")}


def test_paths_in_settings_are_in_no_recipe(tmp_path: Path) -> None:
    world, lake = World(), Lake(tmp_path, "toy")
    make_all(world.graph(), lake)
    elsewhere = toy_profile(prices={"source": "sample", "path": "/elsewhere"}, model={"path": "/m"})
    assert make_all(world.graph(elsewhere), lake) == set()
    other = toy_profile(prices={"source": "parquet", "path": "/elsewhere"})
    assert ("prices", None) in make_all(world.graph(other), lake)
    assert "path" not in settings(other.model_dump(mode="json"), ("prices",))["prices"]


def test_every_setting_that_a_real_asset_declares_exists() -> None:
    graph = open_graph(toy_profile(), date(2012, 1, 1))
    for declaration in graph.declarations.values():
        assert set(settings(graph.content, declaration.config)) == set(declaration.config)


def test_real_assets_read_bounded_windows_only_of_tables_sliced_by_date() -> None:
    graph = open_graph(toy_profile(), date(2012, 1, 1))
    for declaration in graph.declarations.values():
        for name in declaration.reads:
            for key in graph.partitions(declaration.name):
                if graph.window(declaration, key, name).bounded:
                    assert graph.declarations[name].tables[0].slice_by, (declaration.name, name)


def test_a_new_key_slice_or_type_is_a_new_schema() -> None:
    was = World().graph().declarations["texts"]
    table = was.tables[0]
    changes = (
        replace(table, key=("accession", "filed_at")),
        replace(table, slice_by=()),
        replace(table, columns=(*table.columns, Column("more", table.columns[0].type, "More."))),
        replace(table, columns=(*table.columns[:2], replace(table.columns[2], nullable=True))),
    )
    assert all(replace(was, tables=(change,)).schema != replace(was, tables=(table,)).schema for change in changes)
    better = replace(table, columns=(replace(table.columns[0], sentence="A better sentence."), *table.columns[1:]))
    assert replace(was, tables=(better,)).schema == replace(was, tables=(table,)).schema


def test_an_asset_that_names_files_sees_that_they_moved(tmp_path: Path) -> None:
    world, lake = World(), Lake(tmp_path, "toy")
    make_all(world.graph(), lake)
    world.code["texts"] = "2"
    ran = make_all(world.graph(), lake)
    assert ran == {("texts", "2003"), ("texts", "2004"), ("texts", "2005"), ("catalogue", None)}


def test_a_missing_partition_of_an_input_is_a_missing_input(tmp_path: Path) -> None:
    world, lake = World(), Lake(tmp_path, "toy")
    graph = world.graph()
    found = recipes(graph, lake, "groups")
    assert all(r["inputs"] == {"lengths": "missing", "texts": "missing", "prices": "missing"} for r in found.values())


def test_a_table_that_no_asset_writes_is_named() -> None:
    with pytest.raises(LookupError, match="no asset writes a table nonsense"):
        World().graph().owner("nonsense")


@pytest.mark.parametrize("slice_key", ["9999-12", "9999-12-31 a", "2004-03", ""])
def test_a_window_without_an_end_shows_the_last_year_there_is(slice_key: str) -> None:
    assert DateWindow().shows(slice_key)
    assert DateWindow(after=date(2003, 12, 31)).shows(slice_key)
