"""What many tests share: threads, the converted language model, and finished lakes."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before torch and polars are loaded, which read them once: the workers of a run share the cores.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
for _name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, str(max(1, (os.cpu_count() or 1) // WORKERS)))

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import settings  # noqa: E402
from peerlens_command import peerlens_anew  # noqa: E402

from resources.models.model_source import model_folder  # noqa: E402
from resources.places import ROOT  # noqa: E402
from resources.settings.model import Model  # noqa: E402

# A shell starts background jobs deaf to Ctrl-C, and whatever a deaf process starts is deaf, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: a loaded machine takes longer, and is right all the same.
settings.register_profile("the same every time", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("the same every time")


TOGETHER = ("test_cpu_switches.py", "test_edgar_refresh.py", "test_ingest.py")
"""Files in e2e whose tests share what a fixture of the file takes long to make."""


@pytest.hookimpl(optionalhook=True)  # there is no such hook without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Send a file to one worker, for its fixtures' sake; in e2e, where a test takes seconds, each test by itself.

    Not by marks `xdist_group`: pytest-xdist 3.8 loses them under pytest 9.2, which keeps the ids of tests elsewhere.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if "/e2e/" in file and not file.endswith(TOGETHER) else file

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left with it at the end; `make test` keeps this order."""
    items.sort(key=lambda item: (not item.path.match("*/e2e/*"), not item.path.name.endswith(TOGETHER)))


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that all workers of this run share."""
    mine = tmp_path_factory.getbasetemp()
    return mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine


MakeOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def make_once(run_folder: Path, models_home: Path) -> MakeOnce:
    """Make a PEERLENS_HOME once a run, by the worker that asks first; the others wait for it. Not to be written to."""

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        home, finished = run_folder / name / "home", run_folder / f"{name}.finished"
        with FileLock(run_folder / f"{name}.lock"):
            if not finished.exists():
                shutil.rmtree(home, ignore_errors=True)  # of a worker that failed
                home.mkdir(parents=True)
                (home / "models").symlink_to(models_home, target_is_directory=True)
                fill(home)
                finished.touch()
        return home

    return make


@pytest.fixture(scope="session")
def models_home() -> Path:
    """Folder with the converted language model: PEERLENS_TEST_MODELS, else one in the checkout that runs leave there.

    The first run converts it, which takes about 20 s.
    """
    models = Path(os.environ.get("PEERLENS_TEST_MODELS") or ROOT / ".cache" / "models")
    model_folder(Model(), models)
    return models


@pytest.fixture(scope="session")
def tiny_home(make_once: MakeOnce) -> Path:
    """A PEERLENS_HOME with a finished lake of profile tiny, made by the real command; not to be written to."""

    def fill(home: Path) -> None:
        done = peerlens_anew(home, "refresh", "--profile", "tiny")
        assert done.returncode == 0, done.stderr

    return make_once("tiny", fill)


@pytest.fixture
def lake_copy(tiny_home: Path, tmp_path: Path) -> Path:
    """A copy of `tiny_home` that a test may change."""
    return Path(shutil.copytree(tiny_home, tmp_path / "home", symlinks=True))
