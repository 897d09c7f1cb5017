"""The version of the code that makes an artefact: its function, all that the function reaches, and the libraries.

The hash is over syntax trees without docstrings, so a changed comment or docstring recomputes nothing. Used code is
found by following names: from the function to its module's imports and other functions, and from there into every
imported first-party module.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from resources.places import ROOT

FIRST_PARTY = ("assets", "resources")
PLUMBING = (
    "assets.activations.harvest.meter",
    "assets.activations.shards.writer_thread",
    "assets.activations.source",
    "assets.declaration",
    "assets.saes.carry_over",
    "assets.saes.grouping.groups_figure",
    "assets.saes.training.checkpoint",
    "assets.saes.training.curves_figure",
    "assets.schemas",
    "resources.clock",
    "resources.compute",
    *(
        f"resources.edgar.{name}"
        for name in ("blobs", "client", "fetcher", "http_session", "identity", "request", "response_body")
    ),
    "resources.environment",
    "resources.lake",
    "resources.market.yahoo.retrier",
    "resources.market.yahoo.session",
    "resources.models.limits",
    "resources.network",
    "resources.places",
    "resources.settings",
    "resources.sources",
)
"""Modules, and packages with all their modules, that change how an artefact is made but not its content."""
DISTRIBUTIONS = {"edgar": "edgartools", "sklearn": "scikit-learn", "yaml": "PyYAML"}
"""Import name -> distribution name, where they differ."""


def code_version(module: str, function: str, besides: Iterable[str] = ()) -> str:
    """Return the hash of all code that `module.function` runs, and of the versions of the libraries it uses.

    `besides` are modules that it reaches through an object that it is given, which names in its code do not tell.

    Raises
    ------
    LookupError
        The module has no such function.
    """
    tree = _tree(module)
    definitions = _definitions(tree)
    if function not in definitions:
        raise LookupError(f"{module} defines no {function}")
    used, parts = _closure(tree, function)
    modules, libraries = _follow(used | set(besides))
    texts = [*parts, *(_dump(name) for name in sorted(modules))]
    texts += [f"{name}=={_version(name)}" for name in sorted(libraries)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _closure(tree: ast.Module, function: str) -> tuple[set[str], list[str]]:
    """Return the modules that a function uses, and the dumps of the definitions in its own module that it reaches."""
    definitions, imports = _definitions(tree), _imports(tree.body)
    waiting, seen, used = [function], set(), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        used |= {module for inner in ast.walk(definitions[name]) for module in _imported(inner)}
        names = {node.id for node in ast.walk(definitions[name]) if isinstance(node, ast.Name)}
        used |= {imports[n] for n in names if n in imports}
        waiting += [n for n in names if n in definitions]
    return used, [ast.dump(definitions[name]) for name in sorted(seen)]


def _follow(used: set[str]) -> tuple[set[str], set[str]]:
    """Return the first-party modules reachable from the used ones, and the libraries that they import."""
    modules: set[str] = set()
    libraries: set[str] = set()
    waiting = list(used)
    while waiting:
        name = waiting.pop()
        if name.split(".")[0] not in FIRST_PARTY:
            libraries.add(name.split(".")[0])
        elif name not in modules and not _is_plumbing(name):
            modules.add(name)
            waiting += _reached(name)
    return modules, libraries - set(sys.stdlib_module_names)


def _is_plumbing(name: str) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in PLUMBING)


@cache
def _tree(module: str) -> ast.Module:
    """Return the syntax tree of a first-party module without docstrings, those under constants included."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [inner for inner in node.body if not _is_docstring(inner)] or [ast.Pass()]
    return tree


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def _dump(module: str) -> str:
    return ast.dump(_tree(module))


@cache
def _reached(module: str) -> frozenset[str]:
    """Return the modules that a module imports, at any level."""
    return frozenset(name for node in ast.walk(_tree(module)) for name in _imported(node))


def _definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = (inner for target in targets for inner in ast.walk(target))
            found |= {name.id: node for name in names if isinstance(name, ast.Name)}
    return found


def _imports(body: list[ast.stmt]) -> dict[str, str]:
    """Return name -> module for the imports in a module body."""
    found: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.Import):
            found |= {(alias.asname or alias.name).split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {
                alias.asname or alias.name: module for alias, module in zip(node.names, _imported(node), strict=True)
            }
    return found


def _imported(node: ast.AST) -> list[str]:
    """Return the modules that an import statement names; an empty list for other nodes."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return []
    return [name if _is_module(name) else node.module for name in (f"{node.module}.{a.name}" for a in node.names)]


def _is_module(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in FIRST_PARTY and _file(name).exists()


def _file(module: str) -> Path:
    """Return where a module's code is; a package's is its `__init__.py`."""
    base = ROOT.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def _version(package: str) -> str:
    return version(DISTRIBUTIONS.get(package, package))
