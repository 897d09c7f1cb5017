"""The asset graph: every declaration of every stage, in an order in which each comes after what it reads."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from importlib import import_module

from assets.declaration import EVERY_ASSET
from assets.partitions import as_of_keys, filing_year_keys
from resources.lake.recipe import Declaration, Graph
from resources.settings.profile import Profile
from resources.sources import close_years

STAGES = (
    "companies",
    "descriptions",
    "prices",
    "passages",
    "activations",
    "saes",
    "features",
    "clusters",
    "backtests",
    "outputs",
)


class GraphError(ValueError):
    """The declarations make no graph."""


def open_graph(profile: Profile, today: date) -> Graph:
    """Return the graph with the partitions that the profile wants today; its profile names every filing year.

    Raises
    ------
    ProfileError
        The filing years go to the newest, and the source does not say which that is.
    """
    profile = close_years(profile, today)
    keys = {"filing_year": filing_year_keys(profile), "as_of": as_of_keys(profile, today)}
    return Graph({d.name: d for d in _ordered(declarations())}, profile, keys)


def segments(graph: Graph) -> list[list[Declaration]]:
    """Return neighbours in the order that share their partitioning, so that one run can make them all."""
    found: list[list[Declaration]] = []
    for declaration in graph.declarations.values():
        if found and found[-1][0].partitioning == declaration.partitioning:
            found[-1].append(declaration)
        else:
            found.append([declaration])
    return found


def declarations() -> list[Declaration]:
    """Return what the stages declare, in no order."""
    modules = [import_module(f"assets.{stage}.assets") for stage in STAGES]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Declaration)]
    return [_with_every_asset(declaration, found) for declaration in found]


def _with_every_asset(reader: Declaration, declarations: Iterable[Declaration]) -> Declaration:
    """Return the declaration with the assets of all other stages in place of EVERY_ASSET, where it names that."""
    if EVERY_ASSET not in reader.reads:
        return reader
    others = [declaration.name for declaration in declarations if declaration.group != reader.group]
    return replace(reader, reads=dict.fromkeys(others, reader.reads[EVERY_ASSET]))


def _ordered(declarations: Iterable[Declaration]) -> list[Declaration]:
    """Sort topologically, staying with one partitioning as long as possible: fewer, longer segments."""
    waiting, done = list(declarations), list[Declaration]()
    while waiting:
        names = {d.name for d in done}
        ready = [d for d in waiting if set(d.upstream) <= names]
        if not ready:
            raise GraphError(f"graph: {', '.join(d.name for d in waiting)} read each other, or what no stage declares")
        same = [d for d in ready if done and d.partitioning == done[-1].partitioning]
        done.append((same or ready)[0])
        waiting.remove(done[-1])
    return done
