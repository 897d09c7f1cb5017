"""The same recipe runs nothing, a change runs what depends on it, and a crash leaves the old artefact."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from PIL import Image
from toy_graph import GROUPS, LENGTHS, QUOTES, TEXTS, World, make_all, toy_profile

from resources.lake.build import Build, CheckFailedError, build
from resources.lake.guarded_settings import UndeclaredReadError
from resources.lake.lake import Lake
from resources.lake.picture import PICTURE_WIDTH
from resources.lake.recipe import Graph, whole
from resources.lake.snapshot import Seen, Snapshot
from resources.lake.table import SchemaError
from resources.places import ROOT


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, "toy")


def with_make(graph: Graph, name: str, make: Callable[[Build], None], **changed: object) -> Graph:
    declared = replace(graph.declarations[name], make=make, **changed)  # type: ignore[arg-type]
    return replace(graph, declarations={**graph.declarations, name: declared})


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_the_same_recipe_calls_no_function(lake: Lake) -> None:
    world = World()
    assert len(make_all(world.graph(), lake)) == len(world.ran) == 15
    before = files(lake.root)
    assert make_all(world.graph(), lake) == set()
    assert set(world.ran.values()) == {1}
    assert files(lake.root) == before


def test_two_lakes_of_the_same_world_have_the_same_digests(tmp_path: Path) -> None:
    lakes = [Lake(tmp_path / name, "toy") for name in ("one", "two")]
    for lake in lakes:
        make_all(World().graph(), lake)
    one, two = ({(n, k): lake.manifest(n, k).digest for n, k in World().ran} for lake in lakes)  # type: ignore[union-attr]
    assert one == two


def test_reasons_name_code_config_source_and_inputs(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.code["prices"] = "2"
    assert build(world.graph(), lake, "prices", None).reasons == ("code",)
    single = toy_profile(clusters={"train_months": 12, "horizon_months": 3, "linkage": "single"})
    assert build(world.graph(single), lake, "groups", "2004-12").reasons == ("config",)
    world.filings["b"] = (date(2004, 2, 28), "changed")
    graph = world.graph(single)
    assert build(graph, lake, "texts", "2004").reasons == ("source",)
    assert build(graph, lake, "lengths", "2004").reasons == ("texts",)
    assert build(graph, lake, "groups", "2004-12").reasons == ("lengths", "texts")


def test_an_input_made_again_with_the_same_rows_makes_no_reader_run(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)
    world.filings["b"] = (date(2004, 2, 28), "secund")
    ran = make_all(world.graph(), lake)
    assert ("lengths", "2004") in ran
    reads_lengths = lake.manifest("groups", "2004-12")
    assert reads_lengths is not None
    assert lake.manifest("lengths", "2004").recipe["inputs"]["texts"] != ""  # type: ignore[union-attr]
    assert not {name for name, _ in ran} & {"scores"}


def test_going_back_gives_the_first_digest_back(lake: Lake) -> None:
    world = World()
    first = build(world.graph(), lake, "prices", None).manifest
    world.quotes[date(2004, 1, 28)] = 1.0
    assert build(world.graph(), lake, "prices", None).manifest.digest != first.digest
    world = World()
    again = build(world.graph(), lake, "prices", None).manifest
    assert again.digest == first.digest


@pytest.mark.parametrize("point", ["before the first write", "after a write", "at the end"])
def test_a_body_that_raises_leaves_the_old_artefact_and_its_leftovers_go_at_the_next_attempt(
    lake: Lake, point: str
) -> None:
    world = World()
    old = build(world.graph(), lake, "texts", "2004").manifest
    before = files(lake.folder(old))

    def crash(work: Build) -> None:
        if point != "before the first write":
            world.texts(work) if point == "at the end" else work.write(TEXTS, TEXTS.empty())
        raise ZeroDivisionError(point)

    with pytest.raises(ZeroDivisionError, match=point):
        build(with_make(world.graph(), "texts", crash, code="2"), lake, "texts", "2004")
    assert lake.manifest("texts", "2004") == old
    assert files(lake.folder(old)) == before
    world.code["texts"] = "2"
    assert build(world.graph(), lake, "texts", "2004").reasons == ("code",)
    assert world.ran["texts", "2004"] == 2


POINTS = {
    "begin": "Lake.begin = die",
    "make": "world.texts = die",
    "write": "Build.write = die",
    "finish": "Build.finish = die",
    "commit": "Lake.commit = die",
    "fsync": "resources.lake.store.fsync = die",
    "replace": "Path.replace = die",
}
DYING = """
import os, sys
from pathlib import Path
import resources.lake.store
from resources.lake.build import Build, build
from resources.lake.lake import Lake
from resources.lake.picture import PICTURE_WIDTH
from toy_graph import World

def die(*arguments, **named):
    os._exit(9)

for home, patch in zip(sys.argv[1::2], sys.argv[2::2]):
    if (child := os.fork()) == 0:
        world = World(code={"texts": "2"})
        exec(patch)
        build(world.graph(), Lake(Path(home), "toy"), "texts", "2004")
        os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""Forks before Polars has threads, so that each child is a copy that can run."""


def test_a_process_that_dies_at_any_point_leaves_the_old_artefact(tmp_path: Path) -> None:
    lakes = {point: Lake(tmp_path / point, "toy") for point in POINTS}
    old = {point: build(World().graph(), lake, "texts", "2004").manifest for point, lake in lakes.items()}
    arguments = [word for point, patch in POINTS.items() for word in (str(tmp_path / point), patch)]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    died = subprocess.run(
        [sys.executable, "-c", DYING, *arguments], env=os.environ | paths, capture_output=True, check=True
    )
    assert died.stdout.split() == [b"9"] * len(POINTS)
    for point, lake in lakes.items():
        assert lake.manifest("texts", "2004") == old[point], point
        assert pl.read_parquet(lake.table_files(old[point], "texts"))["text"].to_list() == ["second", "third"]
        assert build(World(code={"texts": "2"}).graph(), lake, "texts", "2004").reasons == ("code",)
        assert len([path for path in lake.partition_dir("texts", "2004").iterdir() if path.is_dir()]) == 2


@pytest.mark.parametrize("harm", ["missing", "truncated"])
def test_a_damaged_artefact_is_made_again(lake: Lake, harm: str) -> None:
    world = World()
    first = build(world.graph(), lake, "texts", "2004").manifest
    file = lake.table_files(first, "texts")[0]
    whole_file = file.read_bytes()
    file.unlink() if harm == "missing" else file.write_bytes(whole_file[:-1])
    made = build(world.graph(), lake, "texts", "2004")
    assert made.reasons == ("damaged: texts/part-00000.parquet",)
    assert made.manifest.digest == first.digest
    assert lake.table_files(made.manifest, "texts")[0].read_bytes() == whole_file


def test_what_was_not_declared_cannot_be_read(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)

    def peek(work: Build) -> None:
        work.read("quotes")

    with pytest.raises(UndeclaredReadError, match="lengths reads prices"):
        build(with_make(world.graph(), "lengths", peek, code="2"), lake, "lengths", "2004")


def test_what_of_the_outside_world_was_not_declared_cannot_be_asked(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)

    def peek(work: Build) -> None:
        work.universe.companies(work.progress)

    with pytest.raises(UndeclaredReadError, match="lengths asks the universe without declaring it"):
        build(with_make(world.graph(), "lengths", peek, code="2"), lake, "lengths", "2004")


def test_a_window_of_a_table_that_is_not_cut_by_date_cannot_be_read(lake: Lake) -> None:
    world = World()
    make_all(world.graph(), lake)

    def peek(work: Build) -> None:
        work.read("texts_rejected")

    with pytest.raises(UndeclaredReadError, match="texts_rejected is not sliced by date"):
        build(with_make(world.graph(), "groups", peek, code="2"), lake, "groups", "2004-12")


def test_a_missing_input_is_named(lake: Lake) -> None:
    with pytest.raises(FileNotFoundError, match="texts 2004: not materialised yet"):
        build(World().graph(), lake, "lengths", "2004")


def test_a_body_must_write_its_tables_and_no_others(lake: Lake) -> None:
    world = World()
    graph = with_make(world.graph(), "prices", lambda work: None)
    with pytest.raises(SchemaError, match="the table quotes was not written"):
        build(graph, lake, "prices", None)
    graph = with_make(world.graph(), "prices", lambda work: work.write(GROUPS, GROUPS.empty()))
    with pytest.raises(SchemaError, match="prices does not declare the table groups"):
        build(graph, lake, "prices", None)


def test_a_failed_check_commits_nothing(lake: Lake) -> None:
    world = World()

    def checked(work: Build) -> None:
        world.prices(work)
        work.check("has_prices", False, "there is no price")

    with pytest.raises(CheckFailedError, match="prices: check has_prices failed: there is no price"):
        build(with_make(world.graph(), "prices", checked), lake, "prices", None)
    assert lake.manifest("prices", None) is None


def draw_prices(world: World, lake: Lake, inches: float = 9) -> Path:
    """Build `prices` with a picture; returns the picture's file."""

    def with_picture(work: Build) -> None:
        world.prices(work)
        figure = Figure(figsize=(inches, 4))
        figure.subplots().plot([1, 2, 0])
        work.picture("line", figure, "A line.")
        work.metadata |= {"other": 1}

    made = build(with_make(world.graph(), "prices", with_picture, code="2"), lake, "prices", None)
    return lake.folder(made.manifest) / "pictures" / "line.png"


@pytest.mark.parametrize("inches", [3.3, 9])
def test_a_picture_is_a_small_file_beside_the_tables_and_a_sentence_in_the_manifest(lake: Lake, inches: float) -> None:
    file = draw_prices(World(), lake, inches)
    known = lake.manifest("prices", None)
    assert known is not None
    assert known.metadata == {"pictures": {"line": "A line."}, "other": 1}
    assert known.files["pictures/line.png"].size == file.stat().st_size < 60_000
    assert Image.open(file).width == PICTURE_WIDTH == 900


def test_a_picture_has_the_same_bytes_in_every_lake_and_is_not_in_the_digest(tmp_path: Path) -> None:
    lakes = [Lake(tmp_path / name, "toy") for name in ("one", "two", "plain")]
    one, two = (draw_prices(World(), lake).read_bytes() for lake in lakes[:2])
    assert one == two
    build(World().graph(), lakes[2], "prices", None)
    assert len({lake.manifest("prices", None).digest for lake in lakes}) == 1  # type: ignore[union-attr]


def test_an_artefact_whose_picture_is_gone_is_made_again(lake: Lake) -> None:
    draw_prices(World(), lake).unlink()
    assert lake.manifest("prices", None) is None
    assert draw_prices(World(), lake).is_file()


def test_rows_read_are_those_of_the_window(lake: Lake) -> None:
    world, seen = World(), {}
    make_all(world.graph(), lake)

    def note(work: Build) -> None:
        seen[work.partition] = work.read("lengths")["accession"].to_list(), work.read("quotes")["month"].to_list()
        seen["slices"] = work.slices_of("lengths")
        world.groups(work)

    build(with_make(world.graph(), "groups", note, code="2"), lake, "groups", "2004-12")
    filings, months = seen["2004-12"]
    assert filings == ["b", "c"]
    assert list(seen["slices"]) == ["2004-02-28 b", "2004-11-30 c"]
    assert (months[0], months[-1], len(months)) == (date(2004, 1, 28), date(2004, 12, 28), 12)


def test_only_units_whose_own_input_changed_are_made_again(lake: Lake) -> None:
    world, kept = World(), []

    def by_unit(work: Build) -> None:
        texts = work.filing_digests("texts")
        kept.append(work.record_units(texts))
        old = work.before("lengths").filter(pl.col("accession").is_in(sorted(kept[-1])))
        fresh = work.read("texts").filter(~pl.col("accession").is_in(sorted(kept[-1])))
        new = fresh.select("accession", "filed_at", length=pl.col("text").str.len_chars().cast(pl.Int64))
        work.write(LENGTHS, pl.concat([old, new]))

    def refresh(**changed: str) -> pl.DataFrame:
        graph = with_make(world.graph(), "lengths", by_unit, **changed)
        build(graph, lake, "texts", "2004")
        known = build(graph, lake, "lengths", "2004").manifest
        return pl.read_parquet(lake.table_files(known, "lengths"))

    refresh()
    world.filings |= {"b": (date(2004, 2, 28), "b is longer now"), "e": (date(2004, 5, 5), "new")}
    assert refresh().select("accession", "length").rows() == [("b", 15), ("c", 5), ("e", 3)]
    del world.filings["c"]
    assert refresh()["accession"].to_list() == ["b", "e"]
    refresh(code="2")
    assert kept == [set(), {"c"}, {"b", "e"}, set()]


def test_a_change_of_a_body_carries_over_units_whose_own_code_is_the_same(lake: Lake) -> None:
    world, kept = World(), []

    def by_unit(work: Build) -> None:
        kept.append(work.record_units(work.filing_digests("texts")))
        world.lengths(work)

    for code, unit_code in (("1", "a"), ("2", "a"), ("3", "b")):
        graph = with_make(world.graph(), "lengths", by_unit, code=code, unit_code=unit_code)
        build(graph, lake, "texts", "2004")
        assert build(graph, lake, "lengths", "2004").reasons in (("missing",), ("code",))
    assert kept == [set(), {"b", "c"}, set()]


def test_lineage_may_be_read_and_never_makes_an_asset_run_again(lake: Lake) -> None:
    world = World()

    def pinned() -> Graph:
        graph = world.graph()
        graph = with_make(graph, "lengths", graph.declarations["lengths"].make, reads={}, lineage=("texts",))
        return with_make(graph, "groups", graph.declarations["groups"].make, reads={"lengths": whole, "prices": whole})

    make_all(pinned(), lake)
    world.filings["b"] = (date(2004, 2, 28), "much longer than before")
    assert make_all(pinned(), lake) == {("texts", "2004"), ("catalogue", None)}


def test_a_body_reads_the_rows_that_its_recipe_names_whatever_is_committed_meanwhile(lake: Lake) -> None:
    world, seen = World(), []
    make_all(world.graph(), lake)

    def late(work: Build) -> None:
        world.filings["b"] = (date(2004, 2, 28), "of another process, while this body runs")
        build(world.graph(), Lake(lake.home, "toy"), "texts", "2004")
        seen.extend(work.read("texts")["text"].to_list())
        world.lengths(work)

    made = build(with_make(world.graph(), "lengths", late, code="2"), lake, "lengths", "2004").manifest
    assert seen == ["second", "third"]
    rows = pl.read_parquet(lake.table_files(made, "lengths"))
    assert rows["length"].to_list() == [len("second"), len("third")]
    assert build(with_make(world.graph(), "lengths", world.lengths, code="2"), lake, "lengths", "2004").reasons == (
        "texts",
    )


def test_a_window_opens_the_files_of_its_years_only(lake: Lake) -> None:
    world, seen = World(), []
    by_year = replace(QUOTES, by_year=True)

    def prices(work: Build) -> None:
        rows = QUOTES.frame({"month": day, "price": price} for day, price in world.quotes.items())
        work.write(by_year, rows)

    def groups(work: Build) -> None:
        seen.append(work.read("quotes")["month"].to_list())
        world.groups(work)

    graph = with_make(world.graph(), "prices", prices, tables=(by_year,))
    graph = with_make(graph, "groups", groups)
    make_all(graph, lake)
    known = lake.manifest("prices", None)
    assert known is not None
    names = [Path(name).name for name in lake.table_parts(known, "quotes")]
    assert names == [f"part-{year:05d}.parquet" for year in (2002, 2003, 2004, 2005)]
    (lake.folder(known) / "quotes" / names[-1]).write_bytes(b"not opened")  # 2004-12 sees the months up to it
    seen.clear()
    work_of = Snapshot(lake)
    work = Build(graph, work_of, graph.declarations["groups"], "2004-12", {}, lake.root, None, None)
    work_of._seen["prices", None] = Seen(known, [])
    months = work.read("quotes")["month"].to_list()
    assert months == sorted(months)
    assert (months[0], months[-1]) == (date(2004, 1, 28), date(2004, 12, 28))
