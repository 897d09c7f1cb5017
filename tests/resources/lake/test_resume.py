"""An asset with checkpoints resumes where it was interrupted, and is repaired beside the damaged artefact."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from toy_graph import LENGTHS, ShardedWorld, World, make_all, toy_profile

from resources.lake.build import Build, build
from resources.lake.errors import DamagedFileError
from resources.lake.guarded_settings import UndeclaredReadError
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.lake.recipe import Graph
from resources.lake.table import Column
from resources.places import ROOT


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, "toy")


@pytest.fixture
def world(lake: Lake) -> ShardedWorld:
    """A world whose lake has the texts of 2004, filings b and c."""
    world = ShardedWorld()
    build(world.graph(), lake, "texts", "2004")
    return world


def lengths(world: ShardedWorld, lake: Lake, **settings: object) -> Manifest:
    world.shards_made.clear()
    return build(world.graph(toy_profile(activations=settings)), lake, "lengths", "2004").manifest


def after_make(graph: Graph, then: Callable[[Build], None], **changed: object) -> Graph:
    """The graph whose `lengths` does more once it has made what it makes."""
    declared = graph.declarations["lengths"]

    def make(work: Build) -> None:
        declared.make(work)
        then(work)

    lengths = replace(declared, make=make, **changed)  # type: ignore[arg-type]
    return replace(graph, declarations={**graph.declarations, "lengths": lengths})


def interrupt(work: Build) -> None:
    (work.folder / "half").touch()
    (work.folder / "shards" / "c.txt").write_text("thi")
    raise KeyboardInterrupt


def shard(lake: Lake, known: Manifest, name: str) -> Path:
    return lake.folder(known) / "shards" / f"{name}.txt"


def test_an_interrupted_attempt_is_resumed_and_leaves_only_its_good_shards(world: ShardedWorld, lake: Lake) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(after_make(world.graph(), interrupt), lake, "lengths", "2004")
    assert world.shards_made == ["b", "c"]
    known = lengths(world, lake)
    assert world.shards_made == ["c"]
    assert sorted(known.files) == ["lengths/part-00000.parquet", "record.json", "shards/b.txt", "shards/c.txt"]
    untouched = Lake(lake.home / "other", "toy")
    build(world.graph(), untouched, "texts", "2004")
    at_once = lengths(world, untouched)
    assert (at_once.digest, sorted(at_once.files)) == (known.digest, sorted(known.files))
    assert untouched.record(at_once) == lake.record(known)


def test_another_recipe_resumes_nothing(world: ShardedWorld, lake: Lake) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(after_make(world.graph(), interrupt), lake, "lengths", "2004")
    lengths(world, lake, shard_tokens=5)
    assert world.shards_made == ["b", "c"]


@pytest.mark.parametrize("harm", ["missing", "truncated"])
def test_a_repair_makes_only_the_damaged_shard_and_keeps_the_old_artefact_until_then(
    world: ShardedWorld, lake: Lake, harm: str
) -> None:
    old, seen = lengths(world, lake), []
    file = shard(lake, old, "b")
    file.unlink() if harm == "missing" else file.write_text("sec")
    there = sorted(lake.folder(old).rglob("*"))

    def look(work: Build) -> None:
        seen.append((lake.read_manifest("lengths", "2004"), sorted(lake.folder(old).rglob("*")), work.previous))
        assert work.only_changed()

    world.shards_made.clear()
    made = build(after_make(world.graph(), look), lake, "lengths", "2004")
    assert made.reasons == ("damaged: shards/b.txt",)
    assert seen == [(old, there, old)]
    assert world.shards_made == ["b"]
    assert (made.manifest.digest, made.manifest.folder) == (old.digest, f"{old.folder}.1")
    assert lake.manifest("lengths", "2004") == made.manifest
    assert shard(lake, made.manifest, "c").samefile(shard(lake, old, "c"))


def test_a_repaired_artefact_that_is_damaged_again_is_repaired_again(world: ShardedWorld, lake: Lake) -> None:
    names = []
    for _ in range(3):
        known = lengths(world, lake)
        names.append(known.folder)
        shard(lake, known, "b").unlink()
    assert names == [names[0], f"{names[0]}.1", f"{names[0]}.2"]


DYING = """
import os, sys
from pathlib import Path
from resources.lake.build import build
from resources.lake.lake import Lake
from toy_graph import ShardedWorld

class Dying(ShardedWorld):
    def _shard(self, work, accession, text):
        super()._shard(work, accession, text)
        if accession == "b":
            os._exit(9)

build(Dying().graph(), Lake(Path(sys.argv[1]), "toy"), "lengths", "2004")
"""


def test_a_killed_repair_leaves_the_pointer_and_is_resumed(world: ShardedWorld, lake: Lake) -> None:
    old = lengths(world, lake)
    for name in ("b", "c"):
        shard(lake, old, name).unlink()
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    died = subprocess.run(
        [sys.executable, "-c", DYING, str(lake.home)], env=os.environ | paths, check=False, timeout=120
    )
    assert died.returncode == 9
    assert lake.read_manifest("lengths", "2004") == old
    made = lengths(world, lake)
    assert world.shards_made == ["c"]
    assert (made.digest, lake.damage(made.asset, made.partition)) == (old.digest, [])


def test_a_damaged_artefact_is_no_previous_one_for_an_asset_that_does_not_resume(lake: Lake) -> None:
    world, seen = World(), []
    make_all(world.graph(), lake)
    known = lake.manifest("lengths", "2004")
    assert known is not None
    graph = after_make(world.graph(), lambda work: seen.append((work.previous, work.only_changed())), code="2")
    lake.table_files(known, "lengths")[0].unlink()
    assert build(graph, lake, "lengths", "2004").reasons == ("damaged: lengths/part-00000.parquet", "code")
    assert seen == [(None, False)]


@pytest.mark.parametrize(("harm", "rows"), [("shards/b.txt", 2), ("lengths/part-00000.parquet", 0)])
def test_rows_before_are_those_of_a_whole_table(world: ShardedWorld, lake: Lake, harm: str, rows: int) -> None:
    (lake.folder(lengths(world, lake)) / harm).unlink()
    seen = []
    build(after_make(world.graph(), lambda work: seen.append(work.before("lengths"))), lake, "lengths", "2004")
    assert [(table.height, table.schema) for table in seen] == [(rows, LENGTHS.empty().schema)]


def test_rows_written_to_another_schema_are_not_previous_rows(lake: Lake) -> None:
    world, seen = World(), []
    make_all(world.graph(), lake)
    wider = replace(LENGTHS, columns=(*LENGTHS.columns, Column("words", pa.int64(), "Words.", "words", nullable=True)))

    def make(work: Build) -> None:
        seen.append(work.before("lengths"))
        work.write(wider, wider.empty())

    graph = world.graph()
    declared = replace(graph.declarations["lengths"], tables=(wider,), make=make)
    graph = replace(graph, declarations={**graph.declarations, "lengths": declared})
    assert build(graph, lake, "lengths", "2004").reasons == ("schema",)
    assert seen[0].equals(wider.empty())


def test_only_changed_holds_for_the_settings_that_changed_and_for_nothing_else(world: ShardedWorld, lake: Lake) -> None:
    seen: list[tuple[bool, bool, bool]] = []
    tokens, batch = "activations.shard_tokens", "activations.batch_tokens"

    def look(work: Build) -> None:
        seen.append((work.only_changed(tokens), work.only_changed(batch, tokens), work.only_changed()))

    def make(code: str = "1", **settings: object) -> None:
        graph = after_make(world.graph(toy_profile(activations=settings)), look, code=code)
        build(graph, lake, "lengths", "2004")

    make()
    make(shard_tokens=5)
    make(batch_tokens=5)
    make(batch_tokens=6, blocks=[1])
    make(batch_tokens=6, blocks=[1], code="2")
    world.filings["b"] = (world.filings["b"][0], "another")
    build(world.graph(), lake, "texts", "2004")
    make(batch_tokens=6, blocks=[1], code="2")
    nothing, neither = (False, False, False), (False, True, False)
    assert seen == [nothing, (True, True, False), neither, nothing, nothing, nothing]


@pytest.mark.parametrize("name", ["activations.shards", "model.dtype", "shard_tokens"])
def test_a_setting_that_was_not_declared_cannot_be_ignored(world: ShardedWorld, lake: Lake, name: str) -> None:
    says = f"lengths names the setting {name} without declaring it"
    with pytest.raises(UndeclaredReadError, match=says):
        build(after_make(world.graph(), lambda work: work.only_changed(name)), lake, "lengths", "2004")


def test_a_body_logs_under_its_label(world: ShardedWorld, lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "peerlens"):
        build(after_make(world.graph(), lambda work: work.log("45,123 tokens")), lake, "lengths", "2004")
    assert caplog.messages == ["           lengths 2004: 45,123 tokens"]
    assert caplog.messages[0].index("lengths") == len(f"{1:7.1f} s  ")


def test_a_damaged_input_is_named_differently_from_a_missing_one(world: ShardedWorld, lake: Lake) -> None:
    known = lake.manifest("texts", "2004")
    assert known is not None
    lake.table_files(known, "texts")[0].unlink()
    with pytest.raises(FileNotFoundError, match="texts 2004: damaged; run `peerlens refresh`"):
        lengths(world, lake)


def test_a_reader_that_finds_a_damaged_shard_has_the_planner_miss_it(world: ShardedWorld, lake: Lake) -> None:
    make_all(world.graph(), lake)
    known = lake.manifest("lengths", "2004")
    assert known is not None
    shard(lake, known, "b").write_text("sEcond")
    world.code["groups"] = "2"
    with pytest.raises(DamagedFileError) as caught:
        build(world.graph(), lake, "groups", "2004-12")
    assert caught.value.file == shard(lake, known, "b")
    assert lake.damage(known.asset, known.partition) == ["shards/b.txt"]
