"""A version covers every line that an asset's function reaches, and nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import resources.lake.code_version as subject
from resources.lake.code_version import code_version

SOURCES = {
    "assets/stage/assets.py": '''
"""The stage."""
from assets.declaration import asset
from assets.stage import near
from assets.stage.other import unused_here

LIMIT = 5
TABLE: dict = {"a": 1}

@asset(config=["a"])
def things(build):
    """Make things."""
    from assets.stage.lazy import later
    return near.step(LIMIT) + later() + TABLE["a"]

@asset()
def others(build):
    """Make others."""
    return unused_here()
''',
    "assets/stage/near.py": '''
"""Near."""
from assets.stage.far import helper

WIDTH = 3
"""How wide it is."""

class Wide:
    """Wide."""

def step(n):
    """A step."""
    # as it was
    return helper(n) * WIDTH
''',
    "assets/stage/far.py": '"""Far."""\nimport numpy as np\n\ndef helper(n):\n    """Help."""\n    return np.abs(n)\n',
    "assets/stage/lazy.py": '"""Lazy."""\ndef later():\n    return 1\n',
    "assets/stage/other.py": '"""Other."""\nimport yaml\n\ndef unused_here():\n    return 1\n',
    "assets/declaration.py": '"""Plumbing."""\ndef asset(**settings):\n    return lambda make: make\n',
}


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Version of `things` in a small tree, after replacing text in one of its files."""
    monkeypatch.setattr(subject, "ROOT", tmp_path)

    def of(file: str = "", old: str = "", new: str = "", function: str = "things") -> str:
        for cached in (subject._tree, subject._dump, subject._reached, subject._version):
            cached.cache_clear()
        for name, source in SOURCES.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            assert name != file or old in source
            (tmp_path / name).write_text(source.replace(old, new) if name == file else source)
        return code_version("assets.stage.assets", function)

    yield of
    for cached in (subject._tree, subject._dump, subject._reached, subject._version):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("assets/stage/near.py", "# as it was", "# another comment"),
        ("assets/stage/near.py", "A step.", "A better sentence."),
        ("assets/stage/near.py", "How wide it is.", "Its width (mm)."),
        ("assets/stage/near.py", '"""Wide."""', '"""Wider."""'),
        ("assets/stage/assets.py", "Make things.", "Make many things."),
        ("assets/stage/assets.py", "LIMIT = 5\n", "LIMIT = 5\n\n\n"),
        ("assets/stage/other.py", "return 1", "return 2"),
        ("assets/stage/assets.py", "return unused_here()", "return 2"),
        ("assets/declaration.py", "return lambda make: make", "return None"),
    ],
)
def test_what_an_asset_does_not_run_changes_no_version(
    version: Callable[..., str], file: str, old: str, new: str
) -> None:
    assert version(file, old, new) == version()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("assets/stage/far.py", "np.abs(n)", "np.abs(n) + 1"),
        ("assets/stage/near.py", "WIDTH = 3", "WIDTH = 4"),
        ("assets/stage/lazy.py", "return 1", "return 2"),
        ("assets/stage/assets.py", "LIMIT = 5", "LIMIT = 6"),
        ("assets/stage/assets.py", '{"a": 1}', '{"a": 2}'),
        ("assets/stage/assets.py", "near.step(LIMIT)", "near.step(LIMIT) * 2"),
        ("assets/stage/far.py", "import numpy as np", "import polars as np"),
    ],
)
def test_what_an_asset_runs_changes_its_version(version: Callable[..., str], file: str, old: str, new: str) -> None:
    assert version(file, old, new) != version()


def test_a_library_counts_with_its_version_where_it_is_used(
    version: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, others = version(), version(function="others")
    monkeypatch.setattr(subject, "version", lambda name: "99" if name == "numpy" else "1")
    only_yaml = version(function="others")
    assert version() != before
    monkeypatch.setattr(subject, "version", lambda name: "99" if name == "PyYAML" else "1")
    assert version(function="others") not in (others, only_yaml)


def test_code_behind_an_object_that_a_body_is_given_counts_where_it_is_named() -> None:
    where = ("assets.prices.assets", "prices")
    assert code_version(*where, ["resources.market"]) != code_version(*where)
    assert code_version(*where, ["resources.market"]) != code_version(*where, ["resources.universe"])


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match=r"assets.prices.assets defines no nonsense"):
        code_version("assets.prices.assets", "nonsense")


def test_the_tables_are_plumbing_though_they_are_a_package() -> None:
    imports = subject._imports(subject._tree("assets.clusters.assets").body)
    assert imports["schemas"] == "assets.schemas"
    assert subject._is_plumbing(imports["schemas"])


def test_the_shards_and_the_training_do_not_depend_on_the_code_that_runs_the_language_model() -> None:
    used, _ = subject._closure(subject._tree("assets.saes.assets"), "saes")
    modules, libraries = subject._follow(used)
    assert {"assets.saes.training.step", "assets.activations.shards.shards", "resources.models.tokens"} <= modules
    assert "resources.models.language_model" not in modules
    assert {"torch", "polars"} <= libraries
    assert "transformers" not in libraries
