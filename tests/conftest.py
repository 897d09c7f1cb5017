"""What many tests share: the converted language model, and finished lakes."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from peerlens_command import peerlens

from resources.models.model_source import model_folder
from resources.settings.model import Model

# A shell starts background jobs deaf to Ctrl-C, and whatever a deaf process starts is deaf, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: a loaded machine takes longer, and is right all the same.
settings.register_profile("the same every time", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("the same every time")


@pytest.fixture(scope="session")
def models_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the converted language model: PEERLENS_TEST_MODELS, else converted once a session (about 20 s)."""
    named = os.environ.get("PEERLENS_TEST_MODELS")
    models = Path(named) if named else tmp_path_factory.mktemp("converted") / "models"
    model_folder(Model(), models)
    return models


@pytest.fixture(scope="session")
def tiny_home(models_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEERLENS_HOME with a finished lake of profile tiny, made by the real command; not to be written to."""
    home = tmp_path_factory.mktemp("tiny") / "home"
    home.mkdir()
    (home / "models").symlink_to(models_home, target_is_directory=True)
    done = peerlens(home, "refresh", "--profile", "tiny")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def lake_copy(tiny_home: Path, tmp_path: Path) -> Path:
    """A copy of `tiny_home` that a test may change; its warehouse still names the files of the original."""
    return Path(shutil.copytree(tiny_home, tmp_path / "home", symlinks=True))
