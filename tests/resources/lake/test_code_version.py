"""A version covers every line that an asset's function reaches, and nothing else."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from code_edits import first_party_files, forget, imports_of

from pipelines.graph import declarations
from resources.lake import definitions, libraries
from resources.lake.code_version import PLUMBING, code_version, reached
from resources.lake.definitions import is_module, module

SOURCES = {
    "assets/stage/assets.py": '''
"""The stage."""
from typing import TYPE_CHECKING
from assets.declaration import asset
from assets.stage import near
from assets.stage.other import unused_here
from assets.stage.registry import READERS
from assets.tools import joined

if TYPE_CHECKING:
    from assets.stage.typed import Typed

LIMIT = 5
TABLE: dict = {"a": 1}

@asset(kinds=["a"])
def things(build):
    """Make things."""
    from assets.stage.lazy import later
    return near.step(LIMIT) + later() + TABLE["a"] + READERS["one"].read() + joined()

@asset()
def others(build):
    """Make others."""
    things = unused_here()
    return [things for limit in range(3)]
''',
    "assets/stage/near.py": '''
"""Near."""
from assets.stage.far import FEW, Base, helper, marked, quoted

__all__ = ["step"]
WIDTH = 3
"""How wide it is."""
COUNTS = []
for _count in range(3):
    COUNTS.append(_count)

class Wide(Base):
    """Wide."""

@marked
def step(n, few=FEW, wide: "Wide | None" = None):
    """A step."""
    # as it was
    return helper(n) * WIDTH

def never(n):
    return n
''',
    "assets/stage/far.py": '''
"""Far."""
import numpy as np

FEW = 2

class Base:
    size = 1

def marked(make):
    return make

def helper(n):
    """Help."""
    return np.abs(n)

def quoted(n):
    return n + 1
''',
    "assets/stage/lazy.py": '"""Lazy."""\ndef later():\n    return 1\n\ndef sooner():\n    return 2\n',
    "assets/stage/other.py": '"""Other."""\nimport yaml\n\ndef unused_here():\n    return 1\n',
    "assets/stage/registry.py": """
from assets.stage import module
READERS = {"one": module}
""",
    "assets/stage/module.py": "def read():\n    return 1\n",
    "assets/stage/typed.py": "class Typed:\n    size = 1\n",
    "assets/tools/__init__.py": "from assets.tools.joined import joined\nfrom assets.tools.text import split\n",
    "assets/tools/joined.py": "from assets.tools.text import spaced\n\ndef joined():\n    return spaced() + 1\n",
    "assets/tools/text.py": "def spaced():\n    return 1\n\ndef split():\n    return 2\n",
    "assets/declaration.py": '"""Plumbing."""\ndef asset(**settings):\n    return lambda make: make\n',
}


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Version of `things` in a small tree, after replacing text in one of its files."""
    monkeypatch.setattr(definitions, "ROOT", tmp_path)

    def of(file: str = "", old: str = "", new: str = "", function: str = "things") -> str:
        forget()
        for name, source in SOURCES.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            assert name != file or old in source
            (tmp_path / name).write_text(source.replace(old, new) if name == file else source)
        return code_version(f"assets.stage.assets:{function}")

    yield of
    forget()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("assets/stage/near.py", "# as it was", "# another comment"),
        ("assets/stage/near.py", "A step.", "A better sentence."),
        ("assets/stage/near.py", "How wide it is.", "Its width (mm)."),
        ("assets/stage/near.py", '"""Wide."""', '"""Wider."""'),
        ("assets/stage/assets.py", "Make things.", "Make many things."),
        ("assets/stage/assets.py", "LIMIT = 5\n", "LIMIT = 5\n\n\n"),
        ("assets/stage/assets.py", 'kinds=["a"]', 'kinds=["b"]'),
        ("assets/stage/near.py", '__all__ = ["step"]', "__all__ = []"),
        ("assets/stage/near.py", "    return n\n", "    return n + 1\n"),
        ("assets/stage/far.py", "return n + 1", "return n + 2"),
        ("assets/stage/typed.py", "size = 1", "size = 2"),
        ("assets/tools/text.py", "return 2", "return 3"),
        ("assets/tools/__init__.py", "import split", "import split as cut"),
        ("assets/stage/other.py", "return 1", "return 2"),
        ("assets/stage/assets.py", "things = unused_here()", "things = 2"),
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
        ("assets/stage/far.py", "import numpy as np", "import scipy as np"),
        ("assets/stage/far.py", "import numpy as np", "import math as np"),
        ("assets/stage/near.py", "helper, marked, quoted", "marked, quoted as helper"),
        ("assets/stage/assets.py", "import later", "import sooner as later"),
        ("assets/stage/far.py", "FEW = 2", "FEW = 3"),
        ("assets/stage/far.py", "return make", "return make or None"),
        ("assets/stage/far.py", "size = 1", "size = 2"),
        ("assets/stage/near.py", "COUNTS.append(_count)", "COUNTS.append(_count + 1)"),
        ("assets/stage/module.py", "return 1", "return 2"),
        ("assets/tools/text.py", "return 1", "return 2"),
    ],
)
def test_what_an_asset_runs_changes_its_version(version: Callable[..., str], file: str, old: str, new: str) -> None:
    assert version(file, old, new) != version()


def test_a_variable_with_the_name_of_an_asset_is_not_that_asset(version: Callable[..., str]) -> None:
    """Else `saes = StoredSaes(...)` in one body would make it depend on all training."""
    before = version(function="others")
    assert version("assets/stage/near.py", "WIDTH = 3", "WIDTH = 4", function="others") == before
    assert version("assets/stage/other.py", "return 1", "return 2", function="others") != before


def test_a_library_counts_with_its_version_where_it_is_used(
    version: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, others = version(), version(function="others")
    monkeypatch.setattr(libraries, "version", lambda name: "99")
    assert version() != before
    assert version(function="others") == others


def test_every_library_is_known_to_count_or_not() -> None:
    """A new one has to be judged: is what it returns in the tables?"""
    imported = {name.partition(".")[0] for file in first_party_files() for name in imports_of(file)}
    known = {*libraries.COUNTED, *libraries.NOT_COUNTED, *sys.stdlib_module_names, "assets", "resources"}
    assert imported - known == set()
    assert {*libraries.COUNTED, *libraries.NOT_COUNTED} - imported == set()
    assert not set(libraries.COUNTED) & set(libraries.NOT_COUNTED)


def test_what_is_called_plumbing_is_there() -> None:
    for part in PLUMBING:
        where, _, name = part.partition(":")
        assert is_module(where), part
        assert not name or name in module(where).statements, part


def test_code_behind_an_object_that_a_body_is_given_counts_where_it_is_named() -> None:
    body = "assets.prices.assets:prices"
    assert code_version(body, "resources.market") != code_version(body)
    assert code_version(body, "resources.market") != code_version(body, "resources.universe")


def test_what_a_package_hands_on_is_followed_to_where_it_is_defined() -> None:
    names, _ = reached("resources.market")
    assert ("resources.market.yahoo.market", "YahooMarket") in names
    assert ("resources.market.price_file", "FileMarket") in names


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ("assets.prices.assets:nonsense", "assets.prices.assets defines no nonsense"),
        ("assets.prices.nonsense", "there is no module assets.prices.nonsense"),
    ],
)
def test_a_definition_that_is_not_there_is_named(root: str, says: str) -> None:
    with pytest.raises(LookupError, match=says):
        code_version(root)


def test_the_shards_and_the_training_do_not_depend_on_the_code_that_runs_the_language_model() -> None:
    names, used = reached("assets.saes.assets:saes")
    modules = {where for where, _ in names}
    assert {"assets.saes.training.step", "assets.activations.shards.shards", "resources.models.tokens"} <= modules
    assert "resources.models.language_model" not in modules
    assert {"torch", "polars"} <= used
    assert not {"transformers", "sklearn"} & used


def test_the_corpus_depends_on_the_code_that_reads_it_whether_or_not_it_is_kept() -> None:
    """With `activations.keep: none` its streams are read when they are needed, and no shard tells by which code."""
    (corpus,) = (one for one in declarations() if one.name == "sae_corpus")
    assert corpus.code != code_version("assets.saes.assets:sae_corpus")
    assert corpus.code == code_version("assets.saes.assets:sae_corpus", "assets.activations.harvest.reader:Reader")


def test_only_a_library_of_an_extra_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "COUNTED", {"igraph": ("igraph-gone",), "numpy": ("numpy-gone",)})
    monkeypatch.setattr(libraries, "OPTIONAL", {"igraph-gone"})
    assert libraries.counted(["igraph"]) == ["igraph-gone==none"]
    with pytest.raises(PackageNotFoundError, match="numpy-gone"):
        libraries.counted(["numpy"])
