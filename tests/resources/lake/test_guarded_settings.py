"""An asset sees the settings that it declares, and is told of any other that it reads."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_graph import World, toy_profile

from pipelines.graph import declarations
from resources.lake.build import Build, build
from resources.lake.guarded_settings import UndeclaredReadError, guarded
from resources.lake.lake import Lake
from resources.settings.profile import Profile


def test_a_section_declared_whole_is_the_section_itself() -> None:
    profile = toy_profile()
    assert guarded(profile, ["model"], "reader").model is profile.model


def test_of_a_section_declared_in_part_the_declared_settings_are_read() -> None:
    seen = guarded(toy_profile(), ["clusters.linkage", "descriptions.edgar.sic", "tickers"], "reader")
    assert (seen.clusters.linkage, seen.descriptions.edgar.sic, seen.tickers) == ("complete", (), None)


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("clusters.thetas", "clusters.thetas"),
        ("backtest", "backtest"),
        ("name", "name"),
        ("descriptions.edgar.forms", "descriptions.edgar.forms"),
        ("descriptions.source", "descriptions.source"),
        ("banner", "descriptions.look_ahead"),
    ],
)
def test_any_other_setting_is_refused_by_name(path: str, setting: str) -> None:
    seen: Any = guarded(toy_profile(), ["clusters.linkage", "descriptions.edgar.sic"], "groups")
    with pytest.raises(UndeclaredReadError, match=rf"groups reads the setting {setting} without declaring it"):
        for part in path.split("."):
            seen = getattr(seen, part)


def test_the_banner_is_read_with_the_settings_it_is_made_of() -> None:
    seen = guarded(toy_profile(notice="A test."), ["notice", "descriptions.look_ahead"], "atlas")
    assert seen.banner == "A test."


@pytest.mark.parametrize("use", [hash, lambda one: one == 1, list, lambda one: one.model_dump(), lambda one: one.x])
def test_a_section_in_part_tells_nothing_as_a_whole(use: Any) -> None:
    section = guarded(toy_profile(), ["clusters.linkage"], "groups").clusters
    with pytest.raises(UndeclaredReadError, match=r"groups uses .* of clusters, of which it declares only some"):
        use(section)


def test_a_section_in_part_cannot_be_written_to() -> None:
    section: Any = guarded(toy_profile(), ["clusters.linkage"], "groups").clusters
    with pytest.raises(UndeclaredReadError, match="assignment"):
        section.linkage = "single"


def test_a_body_that_reads_an_undeclared_setting_makes_nothing(tmp_path: Path) -> None:
    world, lake = World(), Lake(tmp_path, "toy")

    def body(work: Build) -> None:
        world.prices(work)
        work.metadata["theta"] = work.profile.clusters.thetas

    graph = world.graph()
    prices = replace(graph.declarations["prices"], make=body)
    graph = replace(graph, declarations={**graph.declarations, "prices": prices})
    with pytest.raises(UndeclaredReadError, match="prices reads the setting clusters"):
        build(graph, lake, "prices", None)
    assert lake.manifest("prices", None) is None
    declared = replace(prices, runs_with=("clusters.thetas",))
    made = build(replace(graph, declarations={**graph.declarations, "prices": declared}), lake, "prices", None)
    assert list(made.manifest.recipe["config"]) == ["prices"]


def test_every_declared_setting_exists() -> None:
    profile = Profile(name="all")
    for declaration in declarations():
        for name in (*declaration.config, *declaration.runs_with):
            value: Any = guarded(profile, [name], declaration.name)
            for part in name.split("."):
                value = getattr(value, part)
