"""A shard whose bytes changed is set aside by its reader, made again in the same refresh, and never read."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from toy_graph import ShardedWorld

from pipelines.dagster_assets import LakeResource, dagster_asset
from pipelines.failures import DamagedInputError, RunFailedError
from pipelines.launch import dagster_launch
from pipelines.refresh import Launch, Planned, plan, refresh
from resources.lake.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, "toy")


@contextmanager
def launching(world: ShardedWorld, lake: Lake) -> Iterator[Launch]:
    """Launches the toy graph through Dagster."""
    graph = world.graph()
    assets = [dagster_asset(graph, declaration) for declaration in graph.declarations.values()]
    resources = {"lake": LakeResource(home=str(lake.home), profile="toy")}
    with dg.DagsterInstance.ephemeral() as instance:
        yield dagster_launch(assets, resources, instance)


def refreshed(world: ShardedWorld, lake: Lake) -> list[Planned]:
    world.shards_made.clear()
    with launching(world, lake) as launch:
        return refresh(world.graph(), lake, launch)


def damage(lake: Lake, year: str, name: str) -> Path:
    """Change a byte of a shard; returns its file."""
    known = lake.manifest("lengths", year)
    assert known is not None
    shard = lake.folder(known) / "shards" / f"{name}.txt"
    shard.write_text("X" + shard.read_text()[1:])
    assert lake.manifest("lengths", year) == known
    return shard


def test_what_is_damaged_is_made_again_and_the_refresh_goes_on(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    world = ShardedWorld()
    refreshed(world, lake)
    digests = {key: lake.manifest("groups", key).digest for key in world.graph().partitions("groups")}  # type: ignore[union-attr]
    files = [damage(lake, "2003", "a"), damage(lake, "2004", "c")]
    assert plan(world.graph(), lake) == []
    world.code["groups"] = "2"
    with caplog.at_level(logging.INFO, "peerlens"):
        executed = refreshed(world, lake)
    assert world.shards_made == ["a", "c"]
    assert [(body.label, body.why) for body in executed if body.asset == "lengths"] == [
        ("lengths 2003", "damaged: shards/a.txt"),
        ("lengths 2004", "damaged: shards/c.txt"),
    ]
    said = [line.strip() for line in caplog.messages if "walking the graph again" in line]
    assert said == [
        f"groups {key} failed: DamagedFileError: {file}: not what was written; `peerlens refresh` makes it again; "
        "walking the graph again to repair it"
        for key, file in zip(("2003-12", "2004-12"), files, strict=True)
    ]
    assert {key: lake.manifest("groups", key).digest for key in digests} == digests  # type: ignore[union-attr]
    assert plan(world.graph(), lake) == []


def test_bodies_that_ran_before_the_damage_was_found_are_told_too(lake: Lake) -> None:
    world = ShardedWorld()
    refreshed(world, lake)
    damage(lake, "2004", "b")
    world.code |= {"groups": "2", "texts": "2"}
    executed = [body.label for body in refreshed(world, lake)]
    assert executed.count("texts 2003") == executed.count("groups 2003-12") == executed.count("lengths 2004") == 1


def test_a_file_that_is_damaged_again_after_its_repair_ends_the_refresh(lake: Lake) -> None:
    world, found = ShardedWorld(), list[Path]()
    refreshed(world, lake)
    found.append(damage(lake, "2004", "b"))
    world.code["groups"] = "2"
    with launching(world, lake) as launch:

        def damaging(names: Sequence[str], partition: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
            yield from launch(names, partition)
            if "lengths" in names:
                found.append(damage(lake, "2004", "b"))

        with pytest.raises(DamagedInputError, match=r"groups 2004-12 failed: DamagedFileError: .*b\.txt") as caught:
            refresh(world.graph(), lake, damaging)
    assert [file.parents[1].suffix for file in found] == ["", ".1"]
    assert Path(caught.value.file) == found[1]
    assert "toy_graph.py" in caught.value.story


def test_any_other_failure_ends_the_refresh_at_once(lake: Lake) -> None:
    world = ShardedWorld()
    world.filings["b"] = (world.filings["b"][0], "\ud800")
    with pytest.raises(RunFailedError, match="texts 2004 failed: ") as caught:
        refreshed(world, lake)
    assert not isinstance(caught.value, DamagedInputError)


def test_by_hand_the_step_says_which_command_repairs(lake: Lake) -> None:
    world = ShardedWorld()
    refreshed(world, lake)
    file = damage(lake, "2004", "b")
    world.code["groups"] = "2"
    asset = dagster_asset(world.graph(), world.graph().declarations["groups"])
    resources = {"lake": LakeResource(home=str(lake.home), profile="toy")}
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [asset], partition_key="2004-12", instance=instance, resources=resources, raise_on_error=False
        )
    (failed,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failed.user_failure_data is not None
    assert failed.user_failure_data.description == (f"{file}: not what was written; `peerlens refresh` makes it again")
