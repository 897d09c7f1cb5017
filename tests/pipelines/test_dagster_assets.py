"""What the UI is given of an artefact: its numbers, and its pictures to look at."""

import base64
from dataclasses import replace
from pathlib import Path

import dagster as dg
from matplotlib.figure import Figure
from toy_graph import World

from pipelines.dagster_assets import materialize_result
from resources.lake.build import Build, build
from resources.lake.lake import Lake
from resources.lake.recipe import Graph


def drawing(world: World) -> Graph:
    """The toy graph, whose `prices` draw themselves."""

    def make(work: Build) -> None:
        world.prices(work)
        work.picture("line", Figure(figsize=(3, 1)), "A line.")
        work.metadata["mean"] = 1.5

    graph = world.graph()
    return replace(
        graph, declarations=graph.declarations | {"prices": replace(graph.declarations["prices"], make=make)}
    )


def test_a_picture_is_inlined_below_its_sentence_when_made_and_when_reused(tmp_path: Path) -> None:
    graph, lake = drawing(World()), Lake(tmp_path, "toy")
    for reused in (False, True):
        made = build(graph, lake, "prices", None)
        metadata = materialize_result(graph, lake, made).metadata
        assert metadata is not None
        assert (metadata["reused"], metadata["mean"]) == (reused, 1.5)
        assert "pictures" not in metadata
        assert isinstance(metadata["line"], dg.MarkdownMetadataValue)
        sentence, _, image = str(metadata["line"].value).partition("\n\n![line](data:image/png;base64,")
        assert sentence == "A line."
        file = lake.folder(made.manifest) / "pictures" / "line.png"
        assert base64.b64decode(image.removesuffix(")")) == file.read_bytes()


def test_an_artefact_without_pictures_has_numbers_only(tmp_path: Path) -> None:
    graph, lake = World().graph(), Lake(tmp_path, "toy")
    metadata = materialize_result(graph, lake, build(graph, lake, "prices", None)).metadata
    assert metadata is not None
    assert set(metadata) == {"dagster/row_count", "reused", "reasons", "compute_seconds", "digest"}
