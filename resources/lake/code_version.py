"""The version of the code that makes an artefact: the definitions that it reaches, and the libraries they use.

From a function the names in it are followed to functions, classes and constants of its own module and of those that it
imports, and on from there. A definition counts whole; a module counts only where it is handed on as an object.
"""

import gc
import hashlib
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from resources.lake.definitions import FIRST_PARTY, LOOSE, Module, is_module, module
from resources.lake.libraries import counted
from resources.lake.scopes import Chain, Imported

PLUMBING = (
    # What it returns is known by a digest in the rows or the recipe of whoever uses it: the filings it read, the model.
    "assets.activations.cache:fill",
    "assets.activations.harvest.reader:Reader",
    "resources.models.model_source:model_identity",
    # Of the model that reads only its scores use these, and name them.
    "resources.models.bridge",
    "resources.models.window_losses",
    # When and how often, not what: an entry comes out the same whatever is trained beside it, or where it went on.
    "assets.saes.training.checkpoint",
    "assets.saes.training.run:CHECKPOINT_SECONDS",
    "assets.saes.training.waves:BYTES_IN_TRAINING",
    "assets.saes.training.waves:WAVE_BYTES",
    "assets.activations.shards.writer_thread",
    "assets.saes.carry_over",
    # Reports of a run, and pictures.
    "assets.activations.harvest.meter",
    "assets.prices.quality_figure",
    "assets.saes.grouping.groups_figure",
    "assets.saes.training.curves_figure",
    # How an asset is declared, stored and asked for; its contract and its settings are in its recipe beside its code.
    "assets.declaration",
    "assets.schemas",
    "resources.lake",
    "resources.places",
    "resources.settings",
    "resources.sources",
    # Devices. Number types are in `input_digest`. How much is read at once changes last bits on a GPU, as the switches
    # in `resources` do on a CPU; both depend on the machine, and a lake that moves is not made anew.
    "resources.clock",
    "resources.compute",
    "resources.environment",
    "resources.models.limits",
    # How bytes are fetched; they are known by their hash.
    *(
        f"resources.edgar.{name}"
        for name in ("blobs", "client", "fetcher", "http_session", "identity", "request", "response_body")
    ),
    *(f"resources.explainer.{name}" for name in ("answer_cache", "client", "http_session")),
    "resources.market.yahoo.retrier",
    "resources.market.yahoo.session",
    "resources.network",
)
"""Modules, packages with all their modules, and `module:definition`s that change how an artefact is made, not what it
holds. They are not followed, unless a version is asked of them."""
_PLUMBING = frozenset(PLUMBING)
WHOLE = "*"


class Name(NamedTuple):
    """A definition of a module, LOOSE for its other statements, WHOLE for all of it."""

    module: str
    name: str


def code_version(*roots: str) -> str:
    """Return the hash of all code that is reached from some definitions, and of the versions of its libraries.

    Parameters
    ----------
    roots : str
        `package.module:definition`, or `package.module` for all that a module defines or exports.

    Raises
    ------
    LookupError
        A module has no such definition.
    """
    with _no_collection():
        names, libraries = reached(*roots)
        return _hash("\n".join([*sorted(map(_digest, names)), *counted(libraries)]))[:16]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause Python's search for cycles: syntax trees are many objects without any, and it takes 40 % of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def reached(*roots: str) -> tuple[set[Name], set[str]]:
    """Return the definitions that are reached, and the libraries that they use."""
    skipped = {part for part in PLUMBING if not any(_is_within(root, part) for root in roots)}
    waiting, seen, libraries = [_root(one) for one in roots], set[Name](), set[str]()
    while waiting:
        name = waiting.pop()
        if name.module.partition(".")[0] not in FIRST_PARTY:
            libraries.add(name.module.partition(".")[0])
        elif name not in seen and not _is_skipped(name, skipped):
            seen.add(name)
            waiting += _next(name)
    held = {name for name in seen if name.name in module(name.module).statements}
    return held, libraries - set(sys.stdlib_module_names)


def _root(root: str) -> Name:
    where, _, name = root.partition(":")
    if not is_module(where) or (name and name not in module(where).statements):
        raise LookupError(f"{where} defines no {name}" if name else f"there is no module {where}")
    return Name(where, name or WHOLE)


def _is_within(root: str, part: str) -> bool:
    return root == part or root.startswith((f"{part}.", f"{part}:"))


def _is_skipped(name: Name, skipped: Set[str]) -> bool:
    return not skipped.isdisjoint(_around(name.module)) or f"{name.module}:{name.name}" in skipped


@cache
def _around(where: str) -> frozenset[str]:
    """Return a module and the packages that it is in."""
    return frozenset({where, *(where[:end] for end, letter in enumerate(where) if letter == ".")})


@cache
def _next(name: Name) -> tuple[Name, ...]:
    """Return what a definition uses; a name may be one that its module imported from elsewhere."""
    where = module(name.module)
    if name.name == WHOLE:
        return tuple(Name(name.module, one) for one in sorted({*where.statements, *where.imports, LOOSE}))
    if name.name in where.statements:
        return (*sorted(use for _, use in _meanings(name)), Name(name.module, LOOSE))
    return tuple(_used(where, (name.name,)))


@cache
def _meanings(name: Name) -> frozenset[tuple[str, Name]]:
    """Return the names in a definition, as written there, and what each stands for."""
    where = module(name.module)
    found = where.definition(name.name, _plumbing_decorators(where))
    of_module = {(".".join(chain), use) for chain in found.uses for use in _used(where, chain)}
    return frozenset(of_module) | {
        (".".join(chain), use)
        for chain, target in found.imports
        for use in _attribute(target.module, target.attribute, chain[1:])
    }


def _used(where: Module, chain: Chain) -> Iterator[Name]:
    """Yield what a dotted name means in a module; nothing for a built-in."""
    if chain[0] in where.statements:
        yield Name(where.name, chain[0])
    for target in where.imports.get(chain[0], ()):
        yield from _attribute(target.module, target.attribute, chain[1:])


def _attribute(where: str, name: str | None, rest: Chain) -> Iterator[Name]:
    """Yield what an attribute of a module is: where it is defined, or an attribute of it where it is a module."""
    if where.partition(".")[0] not in FIRST_PARTY or name is None:
        yield Name(where, name or WHOLE)
    elif _is_skipped(Name(where, name), _PLUMBING):
        yield Name(where, name)
    elif _has(where, name):
        yield from _used(module(where), (name, *rest))
    elif is_module(f"{where}.{name}"):
        yield from _attribute(f"{where}.{name}", rest[0] if rest else None, rest[1:])
    else:
        yield Name(where, WHOLE)


def _has(where: str, name: str) -> bool:
    """Whether a module defines or imports a name; for Python, too, that goes before a submodule of that name."""
    read = module(where)
    return name in read.statements or any(target != Imported(where, name) for target in read.imports.get(name, ()))


@cache
def _plumbing_decorators(where: Module) -> frozenset[str]:
    """Return the names of decorators that say how something is stored and shown: what they are given is no code."""
    targets = ((name, target) for name, found in where.imports.items() for target in found)
    return frozenset(
        name for name, target in targets if _is_skipped(Name(target.module, target.attribute or WHOLE), _PLUMBING)
    )


@cache
def _digest(name: Name) -> str:
    """Return the hash of a definition's code and of what the names in it stand for.

    Without the second, `from math import cbrt as sqrt` in place of `from math import sqrt` would be no change. Where
    something is defined does not count: code that only moves stays as it is.
    """
    stands_for = sorted(f"{written}={_identity(use)}" for written, use in _meanings(name))
    return _hash("\n".join([_text(name), *stands_for]))


def _identity(name: Name) -> str:
    if name.module.partition(".")[0] not in FIRST_PARTY:
        return f"{name.module}.{name.name}"
    is_read = not _is_skipped(name, _PLUMBING) and name.name in module(name.module).statements
    return _hash(_text(name)) if is_read else name.name


def _text(name: Name) -> str:
    where = module(name.module)
    return where.definition(name.name, _plumbing_decorators(where)).text


@cache
def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
