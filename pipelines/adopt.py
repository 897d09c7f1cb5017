"""Declaring that what is there stands under today's code, so that an edit or an upgrade makes nothing again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pipelines.failures import RefusedError
from pipelines.take_over import take_over
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.lake.old_format import is_of_old_format
from resources.lake.recipe import Declaration, Graph, label, reasons, recipe, slices_now
from resources.lake.snapshot import Snapshot


@dataclass(frozen=True)
class Adopted:
    """What became of one artefact: whether it stands under today's code only now, and why it would run all the same."""

    label: str
    changed: bool
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        done = "stands under today's code" if self.changed else "stood under today's code before"
        still = f"; would run all the same: {', '.join(self.why)}" if self.why else ""
        return f"{self.label}: {done}{still}"


def adopt(graph: Graph, lake: Lake, asset: str, partition: str | None) -> list[Adopted]:
    """Record that the artefacts of an asset stand under today's code; returns what became of each.

    Nothing is run and no row is changed. Units that a later body carries over are those that were there.

    Parameters
    ----------
    graph : Graph
        Today's code.
    lake : Lake
        What is there.
    asset : str
        Name of the asset.
    partition : str or None
        One of its partitions; None for all that are there.

    Raises
    ------
    RefusedError
        There is no such asset or partition, nothing is there, or its tables have other columns today.
    """
    if asset not in graph.declarations:
        raise RefusedError(f"adopt: {asset!r} is no asset; there are {', '.join(graph.declarations)}")
    keys = graph.partitions(asset)
    if partition is not None and partition not in keys:
        raise RefusedError(f"adopt: {asset} has no partition {partition!r}; it has {_list(keys)}")
    wanted, declaration = keys if partition is None else (partition,), graph.declarations[asset]
    there = [key for key in wanted if lake.manifest(asset, key)]
    if not there:
        raise RefusedError(f"adopt: {asset}: nothing is there that is whole; `peerlens refresh` makes it")
    with lake.lock():
        for key in there:  # all before the first is written: what is refused leaves every one as it was
            _check(lake, declaration, key)
        return [_adopt(graph, lake, declaration, key) for key in there]


def adopt_older_lake(graph: Graph, lake: Lake, tell: Callable[[str], None]) -> None:
    """Take over what an older version made, and tell what; raises RefusedError where there is nothing of the kind."""
    with lake.lock():
        if not is_of_old_format(lake):
            raise RefusedError(f"adopt: {lake.root} is of this version; name the asset that stands under today's code")
        taken = take_over(graph, lake, tell)
    tell(f"{taken} artefacts taken over; `peerlens refresh` makes the rest")


def _check(lake: Lake, declaration: Declaration, partition: str | None) -> Manifest:
    """Return an artefact that may be adopted; raises RefusedError for one that has to be made again."""
    known, name = lake.manifest(declaration.name, partition), label(declaration.name, partition)
    if known is None or known.recipe["schema"] != declaration.schema:
        raise RefusedError(f"adopt: {name} has other columns today; `peerlens refresh` makes it again")
    if missed := set(declaration.checks) - {check["name"] for check in known.checks}:
        raise RefusedError(
            f"adopt: {name}: check {min(missed)} was never made of it; `peerlens refresh` makes it again"
        )
    return known


def _adopt(graph: Graph, lake: Lake, declaration: Declaration, partition: str | None) -> Adopted:
    with lake.lock_partition(declaration.name, partition):
        known, name = _check(lake, declaration, partition), label(declaration.name, partition)
        today = [code for code in (declaration.code, declaration.unit_code) if code]
        adopted = {code: old for code, old in zip(today, known.codes, strict=False) if code != old}
        if adopted != known.adopted:
            lake.repoint(replace(known, adopted=adopted))
    snapshot = Snapshot(lake)
    source = slices_now(graph, lake.sources, declaration, partition)
    now = recipe(graph, snapshot, declaration, partition, source)
    why = reasons(snapshot.look(declaration.name, partition).manifest, now)
    return Adopted(name, adopted != known.adopted, tuple(why))


def _list(keys: Iterable[str | None]) -> str:
    named = [key for key in keys if key]
    return ", ".join(named) or "none, it is whole"
