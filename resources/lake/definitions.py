"""What the modules of peerlens define, read from their files: nothing is imported or run."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from resources.lake.code_text import Definition, read_code
from resources.lake.scopes import Imported, imported_names, is_docstring, type_checking
from resources.places import ROOT

FIRST_PARTY = ("assets", "resources")
LOOSE = ""
"""In place of a definition's name: the statements of a module that define nothing, and run whenever it is imported."""


@dataclass(frozen=True, eq=False)
class Module:
    """A module's statements by the names that they define."""

    name: str
    statements: Mapping[str, Sequence[ast.stmt]]
    imports: Mapping[str, Sequence[Imported]]
    _read: dict[tuple[str, frozenset[str]], Definition] = field(default_factory=dict)

    def definition(self, name: str, unread: frozenset[str] = frozenset()) -> Definition:
        """Return a definition; decorators whose name is in `unread` are left out, with all that they are given."""
        key = (name, unread)
        if key not in self._read:
            self._read[key] = read_code(self.statements[name], unread)
        return self._read[key]


@cache
def module(name: str) -> Module:
    """Read a first-party module; a package's is its `__init__.py`, and empty where there is none."""
    file = _file(name)
    return parsed(name, file.read_text(encoding="utf-8") if file.is_file() else "", _package(name))


@cache
def parsed(name: str, source: str, package: str) -> Module:
    """Return the statements and imports of a module's source."""
    statements: dict[str, list[ast.stmt]] = {}
    imports: dict[str, list[Imported]] = {}
    for node in ast.parse(source).body:
        if is_docstring(node) or (type_checking(node) and not getattr(node, "orelse", None)):
            continue
        defined = _defined(node)
        if not defined and not isinstance(node, ast.Import | ast.ImportFrom):
            defined = [LOOSE]
        for one in defined:
            statements.setdefault(one, []).append(node)
        if defined in ([], [LOOSE]):
            for local, target in imported_names(node, package):
                imports.setdefault(local, []).append(target)
    statements.pop("__all__", None)
    return Module(name, statements, imports)


@cache
def is_module(name: str) -> bool:
    """Whether a dotted name is a first-party module."""
    return name.partition(".")[0] in FIRST_PARTY and _file(name).is_file()


def _file(name: str) -> Path:
    base = ROOT.joinpath(*name.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _package(name: str) -> str:
    return name if ROOT.joinpath(*name.split(".")).is_dir() else name.rpartition(".")[0]


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines; none where it does something else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    inner = [one for target in targets for one in ast.walk(target) if isinstance(one, ast.expr)]
    plain = all(isinstance(one, ast.Name | ast.Tuple | ast.List | ast.Starred) for one in inner)
    return [one.id for one in inner if isinstance(one, ast.Name)] if plain else []  # `MODULE.x = 1` defines nothing
