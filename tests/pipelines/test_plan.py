"""The planner names what is out of date and why; a refresh executes what is certain and nothing that was not named."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_graph import AS_OFS, World, make_all, toy_profile

from pipelines.adopt import adopt
from pipelines.failures import RefusedError
from pipelines.graph import GraphError, _ordered, open_graph, segments
from pipelines.refresh import Planned, plan, refresh
from resources.lake import lake as module
from resources.lake.build import build
from resources.lake.errors import LakeBusyError
from resources.lake.lake import Lake
from resources.lake.manifest import RECORD
from resources.lake.recipe import DateWindow, Graph, whole
from resources.places import ROOT


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, "toy")


def labels(planned: Sequence[Planned]) -> dict[str, str]:
    return {body.label: body.why for body in planned}


def run(graph: Graph, lake: Lake) -> list[Planned]:
    def launch(names: Sequence[str], partition: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name in names:
            yield name, build(graph, lake, name, partition).reasons

    return refresh(graph, lake, launch)


def test_everything_is_named_at_first_and_nothing_after(lake: Lake) -> None:
    graph = World().graph()
    assert set(labels(plan(graph, lake)).values()) == {"missing"}
    assert labels(run(graph, lake)) == labels(plan(graph, Lake(lake.home / "empty", "toy")))
    assert plan(graph, lake) == []
    assert run(graph, lake) == []


def test_a_plan_reads_every_manifest_once_and_no_record(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = World().graph()
    run(graph, lake)
    module._parsed.clear()
    read, parse = [], module.parse_manifest
    monkeypatch.setattr(module, "parse_manifest", lambda content: (read.append(content), parse(content))[1])
    monkeypatch.setattr(Lake, "record", lambda *_: pytest.fail("a plan of what is up to date reads no record"))
    for _ in range(2):
        assert plan(graph, lake) == []
    assert len(read) == len(set(read)) == sum(len(graph.partitions(name)) for name in graph.declarations)


def test_a_new_month_names_its_readers_and_the_new_as_of_alone(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.quotes[date(2006, 1, 28)] = 1.0
    named = labels(plan(world.graph(as_ofs=(*AS_OFS, "2006-01")), lake))
    assert named == {
        "prices": "source",
        "groups 2006-01": "missing",
        "scores 2006-01": "missing",
        "book": "if groups changes",
        "catalogue": "if book changes",
    }


def test_a_changed_filing_names_its_year_and_the_as_ofs_that_see_it(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.filings["c"] = (date(2004, 11, 30), "changed")
    assert labels(plan(world.graph(), lake)) == {
        "texts 2004": "source",
        "lengths 2004": "if texts changes",
        "groups 2004-12": "if lengths, texts changes",
        "groups 2005-06": "if lengths, texts changes",
        "scores 2004-12": "if groups changes",
        "scores 2005-06": "if groups changes",
        "book": "if groups changes",
        "catalogue": "if texts, book changes",
    }


def test_certain_and_doubtful_reasons_are_told_apart(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.code["lengths"] = "2"
    world.filings["a"] = (date(2003, 3, 31), "longer than it was")
    planned = {body.label: body for body in plan(world.graph(), lake)}
    assert (planned["lengths 2003"].reasons, planned["lengths 2003"].doubtful) == (("code",), ("texts",))
    assert (planned["lengths 2004"].reasons, planned["lengths 2004"].doubtful) == (("code",), ())
    assert (planned["groups 2005-06"].reasons, planned["groups 2005-06"].doubtful) == ((), ("lengths",))


def test_a_damaged_artefact_is_named_with_its_file_and_what_reads_it_is_in_doubt(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    known = lake.manifest("texts", "2004")
    assert known is not None
    lake.table_files(known, "texts")[0].unlink()
    named = labels(plan(world.graph(), lake))
    assert named["texts 2004"] == "damaged: texts/part-00000.parquet"
    assert named["lengths 2004"] == "if texts changes"
    lake.table_files(known, "texts_rejected")[0].write_bytes(b"")
    world.code["texts"] = "2"
    named = labels(plan(world.graph(), lake))
    assert (named["texts 2003"], named["texts 2004"]) == ("code", "damaged: texts/part-00000.parquet and 1 more, code")
    assert ("texts", "2004", ("damaged: texts/part-00000.parquet and 1 more", "code")) in {
        (body.asset, body.partition, body.reasons) for body in run(world.graph(), lake)
    }
    assert plan(world.graph(), lake) == []


def test_damage_that_the_walk_itself_comes_upon_is_mended_by_the_same_refresh(lake: Lake) -> None:
    """A window that ends within a month is looked up in the record, which no body has read so far."""
    world = World()

    def graph() -> Graph:
        plain = world.graph()
        groups = plain.declarations["groups"]
        cut = replace(
            groups, reads={**groups.reads, "texts": lambda profile, month: DateWindow(None, date(2004, 11, 15))}
        )
        return replace(plain, declarations={**plain.declarations, "groups": cut})

    make_all(graph(), lake)
    copied = shutil.copytree(lake.home, lake.home / "copied")  # of which this process has read nothing
    lake = Lake(copied, "toy")
    known = lake.manifest("texts", "2004")
    assert known is not None
    record = lake.folder(known) / RECORD
    at, content = record.stat(), record.read_bytes()
    record.write_bytes(content.replace(b"third", b"thirt"))
    os.utime(record, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert labels(run(graph(), lake)) == {"texts 2004": "damaged: record.json"}
    assert plan(graph(), lake) == []


def test_a_setting_names_those_that_declare_it(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    single = toy_profile(clusters={"train_months": 12, "horizon_months": 3, "linkage": "single"})
    named = labels(plan(world.graph(single), lake))
    assert {label for label, why in named.items() if why == "config"} == {f"groups {as_of}" for as_of in AS_OFS}
    assert "prices" not in named


def test_a_source_that_changed_beside_an_input_in_doubt_names_both_slices(lake: Lake) -> None:
    """A sliced source that reads an input: what its own source changed must not be forgotten."""
    world = World()

    def graph() -> Graph:
        plain = world.graph()
        lengths = replace(
            plain.declarations["lengths"], fingerprint=lambda profile, year, sources: {"": world.code.get("model", "1")}
        )
        return replace(plain, declarations={**plain.declarations, "lengths": replace(lengths, reads={"texts": whole})})

    make_all(graph(), lake)
    world.code["model"] = "2"
    world.filings["c"] = (date(2004, 11, 30), "changed")
    named = labels(plan(graph(), lake))
    assert {"groups 2003-12", "groups 2004-12", "groups 2005-06"} <= set(named)


def test_an_interrupted_refresh_goes_on_where_it_stopped(lake: Lake) -> None:
    world = World()
    graph = world.graph()
    build(graph, lake, "texts", "2003")
    build(graph, lake, "prices", None)
    executed = {body.label for body in run(graph, lake)}
    assert not {"texts 2003", "prices"} & executed
    assert set(world.ran.values()) == {1}


def test_a_refresh_holds_the_lake(lake: Lake) -> None:
    with lake.lock(), pytest.raises(LakeBusyError, match="refresh in progress since"):
        run(World().graph(), lake)


DAYS = st.dates(date(2003, 1, 1), date(2005, 12, 31))
NAMES = ["texts", "lengths", "prices", "groups", "scores", "book"]
changes = st.lists(
    st.one_of(
        st.tuples(st.just("filing"), st.sampled_from("abcde"), DAYS, st.sampled_from(["", "x", "second"])),
        st.tuples(st.just("quote"), st.integers(2002, 2006), st.integers(1, 12), st.sampled_from([1.0, 2.0])),
        st.tuples(st.just("code"), st.sampled_from(NAMES), st.sampled_from("12")),
        st.tuples(st.just("drop"), st.sampled_from("abcd")),
        st.tuples(st.just("harm"), st.sampled_from(NAMES)),
        st.tuples(st.just("rot"), st.sampled_from(NAMES), st.sampled_from(["manifest.json", "*/record.json"])),
        st.tuples(st.just("adopt"), st.sampled_from(NAMES)),
    ),
    max_size=3,
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.lists(changes, min_size=1, max_size=2))
def test_what_is_executed_was_named_and_what_was_certain_is_executed(rounds: list[list[tuple[object, ...]]]) -> None:
    world = World(quotes={date(y, m, 28): 1.0 * m for y in (2003, 2004, 2005) for m in (3, 6, 12)})
    with tempfile.TemporaryDirectory() as home:
        lake = Lake(Path(home), "toy")
        make_all(world.graph(), lake)
        for round_ in rounds:
            for change in round_:
                _apply(world, lake, change)
            planned = plan(world.graph(), lake)
            executed = {(body.asset, body.partition) for body in run(world.graph(), lake)}
            assert executed <= {(body.asset, body.partition) for body in planned}
            assert {(body.asset, body.partition) for body in planned if body.reasons} <= executed
            assert plan(world.graph(), lake) == []


def _apply(world: World, lake: Lake, change: tuple[object, ...]) -> None:
    match change:
        case ("filing", str(name), date() as day, str(text)):
            world.filings[name] = (day, text)
        case ("quote", int(year), int(month), float(price)):
            world.quotes[date(year, month, 28)] = price
        case ("code", str(name), str(version)):
            world.code[name] = version
        case ("drop", str(name)):
            world.filings.pop(name, None)
        case ("harm", str(name)):
            files = sorted((lake.root / name).glob("*/*/*/*.parquet"))
            for file in files[:1]:  # none, where it was harmed before
                file.unlink()
        case ("rot", str(name), str(which)):
            for file in sorted((lake.root / name).glob(f"*/{which}"))[:1]:
                file.write_bytes(file.read_bytes()[:-2])
        case ("adopt", str(name)):
            with suppress(RefusedError):  # where nothing of it is whole
                adopt(world.graph(), lake, name, None)


def test_the_real_graph_comes_after_its_inputs_in_few_segments() -> None:
    graph = open_graph(toy_profile(), date(2012, 1, 1))
    done: set[str] = set()
    for segment in segments(graph):
        assert len({declaration.partitioning for declaration in segment}) == 1
        for declaration in segment:
            assert set(declaration.upstream) <= done
            done.add(declaration.name)
    assert done == set(graph.declarations)
    assert len(segments(graph)) <= 8


def test_the_graph_opens_without_torch() -> None:
    code = (
        "import sys, datetime; from pipelines.graph import open_graph; from resources.settings.profile import Profile;"
        "open_graph(Profile(name='p'), datetime.date(2012, 1, 1));"
        "print(sorted({'torch', 'transformers', 'transformer_lens', 'ray'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_a_read_of_what_no_stage_declares_is_named() -> None:
    declared = World().graph().declarations
    with pytest.raises(GraphError, match="scores"):
        _ordered([declared["scores"]])
