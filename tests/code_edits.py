"""Edits of the code and upgrades of libraries, and which versions of code they change."""

import ast
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from pipelines.graph import declarations
from resources.lake import code_version as following
from resources.lake import definitions, libraries
from resources.lake.code_version import code_version
from resources.places import ROOT

PACKAGES = ("assets", "resources")
READING = "assets.activations.harvest.reader:Reader"
ITEM_1 = "assets.descriptions.item1:item1"


def forget() -> None:
    """Have every file and version looked at again; a source that is the same is not parsed again."""
    for module in (following, definitions, libraries):
        for name, value in vars(module).items():
            if hasattr(value, "cache_clear") and name != "parsed":
                value.cache_clear()


def first_party_files() -> list[Path]:
    """Return every module of the packages whose code counts."""
    return sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def imports_of(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@dataclass(frozen=True)
class Tree:
    """A copy of the code that may be edited."""

    root: Path

    @staticmethod
    def copied(root: Path, patch: pytest.MonkeyPatch) -> "Tree":
        """Copy the code, and have versions taken from there."""
        for package in PACKAGES:
            shutil.copytree(ROOT / package, root / package, ignore=lambda folder, names: _no_code(Path(folder), names))
        patch.setattr(definitions, "ROOT", root)
        return Tree(root)

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace a text that the file has once, for a while."""
        path = self.root / file
        source = path.read_text(encoding="utf-8")
        assert source.count(old) == 1, f"{file} has {old!r} {source.count(old)} times"
        path.write_text(source.replace(old, new), encoding="utf-8")
        try:
            yield
        finally:  # the next edit starts from the code as it is, also where this one was not as expected
            path.write_text(source, encoding="utf-8")

    @contextmanager
    def upgraded(self, distribution: str) -> Iterator[None]:
        """Install another version of a library, for a while."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(libraries, "version", lambda name: "99" if name == distribution else version(name))
            yield

    def versions(self) -> dict[str, str]:
        """Return 'asset' -> version of its code, and 'asset: what it has many of' -> version of what makes one."""
        forget()
        found = {one.name: code_version(*one.roots) for one in declarations()}
        found |= {f"{one.name}: unit": code_version(*one.unit_roots) for one in declarations() if one.unit_roots}
        return found | {"activations: unit": code_version(READING), "descriptions: unit": code_version(ITEM_1)}


def _no_code(folder: Path, names: list[str]) -> set[str]:
    return {name for name in names if not name.endswith(".py") and not (folder / name).is_dir()} | {"__pycache__"}
