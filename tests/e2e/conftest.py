"""Lakes of a universe of one's own, and a refresh that runs in this process."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from own_data import write_own_data
from peerlens_command import peerlens_anew

from pipelines.dagster_assets import LakeResource, dagster_asset
from pipelines.graph import open_graph
from pipelines.launch import dagster_launch
from pipelines.refresh import Planned, plan, refresh
from resources.environment import open_lake
from resources.lake.recipe import Graph
from resources.settings.profile import Profile

TODAY = date(2026, 1, 15)


class Walk:
    """What a refresh named beforehand and what it ran, as labels in order."""

    def __init__(self, named: list[Planned], ran: list[Planned]) -> None:
        self.named = [body.label for body in named]
        self.certain = [body.label for body in named if body.reasons]
        self.ran = [body.label for body in ran]
        self.why = {body.label: body.why for body in ran}


@pytest.fixture(scope="session")
def own_home(make_once: Callable) -> Path:
    """A PEERLENS_HOME with a finished lake of the profile in its `own.yaml`; not to be written to."""

    def fill(home: Path) -> None:
        done = peerlens_anew(home, "refresh", "--profile", str(write_own_data(home)))
        assert done.returncode == 0, done.stderr

    return make_once("own", fill)


@pytest.fixture
def own_copy(own_home: Path, tmp_path: Path) -> Path:
    """A copy of `own_home` that a test may change, its data included."""
    return Path(shutil.copytree(own_home, tmp_path / "home", symlinks=True))


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Walk]:
    """Refresh a home in this process, through Dagster with a database of its own."""

    def run(home: Path, profile: Profile, code: dict[str, str] | None = None) -> Walk:
        monkeypatch.setenv("PEERLENS_HOME", str(home))
        graph, lake = _with_code(open_graph(profile, TODAY), code or {}), open_lake(profile)
        assets = [dagster_asset(graph, declaration) for declaration in graph.declarations.values()]
        named = plan(graph, lake)
        with dg.DagsterInstance.ephemeral() as instance:
            resources = {"lake": LakeResource(home=str(home), profile=profile.name)}
            ran = refresh(graph, lake, dagster_launch(assets, resources, instance))
        assert plan(graph, lake) == []
        return Walk(named, ran)

    return run


def _with_code(graph: Graph, code: dict[str, str]) -> Graph:
    """The graph as if the code of the assets named had changed."""
    declared = {name: replace(d, code=code.get(name, d.code)) for name, d in graph.declarations.items()}
    return replace(graph, declarations=declared)
