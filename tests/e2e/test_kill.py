"""SIGKILL at a random moment of every stage; started again, the lake ends as if nothing had happened."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from peerlens_command import artefacts, peerlens, refreshed, start

from pipelines.graph import STAGES, open_graph
from resources.environment import open_profile

DECLARED = open_graph(open_profile("tiny"), date(2026, 1, 15)).declarations.values()
OF_STAGE = {stage: [d.name for d in DECLARED if d.group == stage] for stage in STAGES}


@pytest.fixture(scope="module")
def home(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished lake that every test here leaves as it was."""
    return Path(shutil.copytree(tiny_home, tmp_path_factory.mktemp("kill") / "home", symlinks=True))


def kill_when(
    home: Path, begun: Callable[[], object], seconds: float, over: Callable[[], bool] = lambda: False
) -> None:
    """Start a refresh and kill it, children too, some seconds after it has begun, or at once when that is `over`."""
    process = start(home, "refresh", "--profile", "tiny")
    while not begun():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not over():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def kill_during(home: Path, stage: str, share: float) -> list[str]:
    """Make a stage again, killed after a share of the time it takes, then once more; returns what ran that time."""
    lake = home / "tiny"
    places = [lake / name for name in OF_STAGE[stage]]
    seconds = sum(json.loads(m.read_text())["seconds"] for place in places for m in place.glob("*/manifest.json"))
    manifests = [m for place in places for m in place.glob("*/manifest.json")]
    for place in places:
        shutil.rmtree(place)
    kill_when(
        home,
        begun=lambda: any(p.is_dir() for place in places for p in place.glob("*/*")),
        seconds=share * seconds,
        over=lambda: all(manifest.exists() for manifest in manifests),
    )
    return refreshed(home, "tiny")


Digests = dict[str, str]


def state(lake: Path) -> tuple[Digests, dict[str, str]]:
    """Digests and folders of all artefacts."""
    manifests = lake.glob("*/*/manifest.json")
    return artefacts(lake), {str(m.parent.relative_to(lake)): json.loads(m.read_text())["folder"] for m in manifests}


def assert_same(before: tuple[Digests, dict[str, str]], after: tuple[Digests, dict[str, str]]) -> None:
    """No digest changed, but for the warehouse's where a folder has another number.

    Between its record and its pointer an artefact is finished, and the old warehouse names it: it may be read, so it is
    made once more beside it, and the new warehouse names that. Whether a kill falls there is chance.
    """
    (digests, folders), (found, places) = before, after
    if places != folders:
        assert {name: place.partition(".")[0] for name, place in places.items() if name != "warehouse/all"} == {
            name: place.partition(".")[0] for name, place in folders.items() if name != "warehouse/all"
        }
        digests, found = ({k: v for k, v in one.items() if k != "warehouse/all"} for one in (digests, found))
    assert found == digests


EVERY_TIME = ("activations", "saes", "features", "clusters", "outputs")
"""Stages that take longest, or hold most; the others are killed with the slow tests."""


@pytest.mark.parametrize(
    "stage", [pytest.param(stage, marks=[] if stage in EVERY_TIME else [pytest.mark.slow]) for stage in STAGES]
)
def test_a_kill_in_any_stage_changes_no_digest(home: Path, stage: str) -> None:
    before = state(home / "tiny")
    ran = kill_during(home, stage, random.Random(stage).random())
    assert_same(before, state(home / "tiny"))
    assert {body.split()[0] for body in ran} <= {*OF_STAGE[stage], "warehouse"}


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(10))
@pytest.mark.parametrize("stage", STAGES)
def test_ten_kills_in_any_stage_change_no_digest(home: Path, stage: str, moment: int) -> None:
    before = state(home / "tiny")
    kill_during(home, stage, random.Random(f"{stage} {moment}").random())
    assert_same(before, state(home / "tiny"))


@pytest.mark.slow
def test_a_kill_during_the_conversion_of_the_model_changes_no_digest(tiny_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for sign, longest in (("conversion.lock", 3.0), ("*.partial", 0.3)):  # while reading the GGUF, while writing
        kill_when(home, lambda sign=sign: list(home.glob(f"models/*/{sign}")), longest * random.Random(sign).random())
        assert not list(home.glob("models/*/*-v1"))
    assert peerlens(home, "refresh", "--profile", "tiny").returncode == 0
    assert artefacts(home / "tiny") == artefacts(tiny_home / "tiny")
