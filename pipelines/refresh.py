"""The planner: what is out of date and why, and one walk over the graph that brings it up to date."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipelines.failures import DamagedInputError
from pipelines.graph import segments
from pipelines.take_over import take_over
from resources.lake.build import LOG
from resources.lake.errors import DamagedFileError, LakeError
from resources.lake.lake import Lake
from resources.lake.old_format import is_of_old_format
from resources.lake.recipe import Declaration, Graph, Slices, label, reasons, recipe, slices_now
from resources.lake.snapshot import Snapshot

EVERYTHING = frozenset({""})


@dataclass(frozen=True)
class Planned:
    """One body that a refresh executes: for certain, or if the inputs in `doubtful` come out different."""

    asset: str
    partition: str | None
    reasons: tuple[str, ...]
    doubtful: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """'activations 2004'."""
        return label(self.asset, self.partition)

    @property
    def why(self) -> str:
        """The reasons in words."""
        return ", ".join(self.reasons) or f"if {', '.join(self.doubtful)} changes"


Dirty = dict[tuple[str, str | None], frozenset[str]]


def plan(graph: Graph, lake: Lake) -> list[Planned]:
    """Name every body that a refresh would execute, in order, without executing any.

    A body after one that is planned is named too where it reads slices that may change, with the input in doubt.

    Raises
    ------
    LakeError
        The lake was made by an older version.
    """
    if is_of_old_format(lake):
        raise LakeError(
            f"{lake.root}: made by an older version; `peerlens adopt` keeps its texts, activations and autoencoders, "
            "and so does the next refresh"
        )
    found, dirty, snapshot = list[Planned](), Dirty(), Snapshot(lake)
    for declaration in graph.declarations.values():
        for partition in graph.partitions(declaration.name):
            source = slices_now(graph, lake.sources, declaration, partition)
            why = _why(graph, snapshot, declaration, partition, source)
            doubtful = _doubtful(graph, declaration, partition, dirty)
            certain = [r for r in why if r not in doubtful]
            if certain or doubtful:
                found.append(Planned(declaration.name, partition, tuple(certain), tuple(doubtful)))
                dirty[declaration.name, partition] = _changed(
                    snapshot, declaration, partition, certain, doubtful, source, dirty
                )
    return found


def _why(
    graph: Graph, snapshot: Snapshot, declaration: Declaration, partition: str | None, source: Slices
) -> list[str]:
    """Return why an artefact must be made again, as the lake and the outside world are now."""
    seen = snapshot.look(declaration.name, partition)
    return reasons(seen.manifest, recipe(graph, snapshot, declaration, partition, source), seen.damage)


Launch = Callable[[Sequence[str], str | None], Iterable[tuple[str, tuple[str, ...]]]]
"""Materialises assets of one partition in one run; yields name and reasons (empty where reused)."""


def refresh(graph: Graph, lake: Lake, launch: Launch) -> list[Planned]:
    """Walk the graph in order and launch what is out of date; returns the bodies that were executed.

    Whoever finds a damaged file has set it aside: the walk begins again, makes that artefact again, and goes on.
    What an older version made is taken over first.

    Raises
    ------
    LakeBusyError
        Another refresh holds the lake.
    DamagedInputError, DamagedFileError
        A file was damaged again after it was made again.
    """
    executed, damaged = list[Planned](), set[str]()
    with lake.lock():
        if is_of_old_format(lake):
            take_over(graph, lake, lambda sentence: LOG.info("%11s%s", "", sentence))
        while True:
            try:
                for body in _walk(graph, lake, launch):
                    executed.append(body)
            except (DamagedInputError, DamagedFileError) as error:  # found by a body, or by this walk
                where = lake.place_of(error.file)
                if where in damaged:
                    raise
                damaged.add(where)
                LOG.info("%11s%s; walking the graph again to repair it", "", error)
            else:
                lake.collect()
                return executed


def _walk(graph: Graph, lake: Lake, launch: Launch) -> Iterator[Planned]:
    """Launch what is out of date, in order; yields the bodies that were executed."""
    for segment in segments(graph):
        for partition in graph.partitions(segment[0].name):
            names = _pending(graph, lake, segment, partition)
            made = launch(names, partition) if names else ()
            yield from (Planned(name, partition, why) for name, why in made if why)


def _pending(graph: Graph, lake: Lake, segment: Sequence[Declaration], partition: str | None) -> list[str]:
    """Return what of a segment is out of date, and what comes after it there: these steps decide for themselves."""
    found, snapshot = list[str](), Snapshot(lake)
    for declaration in segment:
        source = slices_now(graph, lake.sources, declaration, partition)
        if _why(graph, snapshot, declaration, partition, source) or set(found) & set(declaration.reads):
            found.append(declaration.name)
    return found


def _doubtful(graph: Graph, declaration: Declaration, partition: str | None, dirty: Dirty) -> list[str]:
    """Return inputs that are planned themselves and may change in slices that this partition reads."""
    return [
        name
        for name in declaration.reads
        if any(
            graph.window(declaration, partition, name).shows(slice_key)
            for key in graph.upstream_partitions(declaration, partition, name)
            for slice_key in dirty.get((name, key), ())
        )
    ]


def _changed(
    snapshot: Snapshot,
    declaration: Declaration,
    partition: str | None,
    certain: Sequence[str],
    doubtful: Sequence[str],
    source: Slices,
    dirty: Dirty,
) -> frozenset[str]:
    """Return slices of an artefact that may come out different; '' stands for all."""
    known, cut = snapshot.look(declaration.name, partition).whole, declaration.tables[0].slice_by
    if known is None or not cut or set(certain) - {"source"}:
        return EVERYTHING
    then = snapshot.record(known).source
    slices = {k for k in {*source, *then} if source.get(k) != then.get(k)}
    slices |= {s for (name, _), changed in dirty.items() if name in doubtful for s in changed}
    return frozenset(slices | {_next_month(s) for s in slices if len(s) == 7})


def _next_month(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year + number // 12}-{number % 12 + 1:02d}"
