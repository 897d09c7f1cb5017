"""What the maths libraries are told before they are loaded, wherever peerlens begins."""

import os
import subprocess
import sys

import pytest
from peerlens_command import ROOT

from resources import SWITCHES

WATCH = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print({switch: os.environ.get(switch) for switch in %r})
sys.meta_path.insert(0, Watch())
"""
BEGINNINGS = {
    "the command": "import pipelines.cli",
    "the UI and its workers": "import pipelines.definitions",
    "a stage": "import assets.saes.model.sae",
    "a worker process": "import resources.compute.workers",
    "the tests": "import conftest",
}


def seen(beginning: str, environment: dict[str, str]) -> str:
    """What torch would find in the environment if it was loaded after this beginning, or during it."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH % (list(SWITCHES),) + beginning + "\nimport torch"],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[0]


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_the_switches_are_set_before_torch_is_imported(beginning: str) -> None:
    unset = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    assert seen(beginning, unset) == str(SWITCHES)


def test_what_the_user_has_set_stays() -> None:
    assert seen("import pipelines.cli", os.environ | {"MKL_CBWR": "COMPATIBLE"}) == str(
        SWITCHES | {"MKL_CBWR": "COMPATIBLE"}
    )
