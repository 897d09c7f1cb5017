"""What an asset is made of, and for which reasons it must be made again, the one question of the planner."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from resources.lake.digests import digest_of
from resources.lake.manifest import Manifest, month_digests
from resources.lake.snapshot import Snapshot
from resources.lake.table import Table
from resources.settings.profile import Profile
from resources.sources import Sources

Partitioning = Literal["filing_year", "as_of"] | None
Slices = dict[str, str]


@dataclass(frozen=True)
class DateWindow:
    """The dates of an input that an asset reads: after `after`, up to and including `until`; None is no bound."""

    after: date | None = None
    until: date | None = None

    def shows(self, slice_key: str) -> bool:
        """Return whether the window holds any day of a slice.

        '2004-03-31 accession' is a day, '2004-03' a month, '' all days.
        """
        day, (first, last) = slice_key[:10], self._written
        return first[: len(day)] <= day <= last[: len(day)] or not day

    def shows_year(self, year: int) -> bool:
        """Return whether the window holds any day of the year."""
        return (self.first is None or self.first.year <= year) and (self.until is None or year <= self.until.year)

    @cached_property
    def _written(self) -> tuple[str, str]:
        """The first and the last day as slices name them: a plan over decades compares some hundred thousand."""
        return self.first.isoformat() if self.first else "", self.until.isoformat() if self.until else "~"

    @property
    def first(self) -> date | None:
        """First day in the window."""
        return self.after + timedelta(days=1) if self.after else None

    @cached_property
    def cut_months(self) -> frozenset[str]:
        """The months of which the window shows some days and not others, two at the most."""
        begins = [f"{self.first:%Y-%m}"] if self.first and self.first.day > 1 else []
        ends = [f"{self.until:%Y-%m}"] if self.until and (self.until + timedelta(days=1)).day > 1 else []
        return frozenset(begins + ends)

    @property
    def bounded(self) -> bool:
        """Whether there are days outside the window."""
        return self.after is not None or self.until is not None


Reads = Callable[[Profile, str | None], DateWindow]
Fingerprint = Callable[[Profile, str | None, Sources], Slices]
"""Asks the outside world for the digests of the slices that it has now of a partition."""
Outside = Literal["universe", "market", "explainer"]
"""What of `Sources` a body may ask: the name of a package of `resources`, whose code is then part of the recipe."""


def whole(profile: Profile, partition: str | None) -> DateWindow:
    """Return the window without bounds."""
    return DateWindow()


@dataclass(frozen=True)
class Declaration:
    """One asset: what it writes, what it reads, and which settings and code it depends on.

    `lineage` names inputs that it may read but whose changes do not make it run again: the pinned corpus.
    `unit_code` is the version of the code that makes one unit (a filing, an autoencoder); None for all of `code`.
    `roots` and `unit_roots` name the definitions from which that code is followed.
    `runs_with` names settings that it may read and that are not in its recipe.
    `depends_on_paths` is for an asset that stores the paths of its inputs: the same rows in a new folder change it.
    `fingerprint` returns the digests of the slices that the outside world has now, without running the asset.
    `advisory` names the checks that only warn where they fail.
    `checkpoint_dir` is the subfolder that an interrupted run leaves for the next one; the body decides what is valid.
    """

    name: str
    group: str
    sentence: str
    tables: tuple[Table, ...]
    make: Callable[..., None]
    code: str
    unit_code: str | None = None
    roots: tuple[str, ...] = ()
    unit_roots: tuple[str, ...] = ()
    partitioning: Partitioning = None
    reads: Mapping[str, Reads] = field(default_factory=dict)
    lineage: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    runs_with: tuple[str, ...] = ()
    asks: tuple[Outside, ...] = ()
    fingerprint: Fingerprint | None = None
    kinds: frozenset[str] = frozenset()
    checks: tuple[str, ...] = ()
    advisory: frozenset[str] = frozenset()
    depends_on_paths: bool = False
    checkpoint_dir: str | None = None

    @property
    def upstream(self) -> tuple[str, ...]:
        """Assets that run before this one."""
        return (*self.reads, *self.lineage)

    @cached_property
    def schema(self) -> str:
        """Digest of the contracts of its tables."""
        contracts = [
            [
                table.name,
                table.key,
                table.slice_by,
                [[c.name, str(c.type), c.nullable] for c in table.columns],
            ]
            for table in self.tables
        ]
        return digest_of(contracts)[:16]


@dataclass(frozen=True)
class Graph:
    """All assets in topological order, and the partitions that the profile asks for."""

    declarations: Mapping[str, Declaration]
    profile: Profile
    keys: Mapping[str, tuple[str, ...]]

    @cached_property
    def content(self) -> dict[str, Any]:
        """The profile as JSON: a plan over decades asks for settings some thousand times."""
        return self.profile.model_dump(mode="json")

    def partitions(self, name: str) -> tuple[str | None, ...]:
        """Return the partition keys of an asset; (None,) if it has no partitions."""
        kind = self.declarations[name].partitioning
        return self.keys[kind] if kind else (None,)

    def upstream_partitions(self, declaration: Declaration, partition: str | None, name: str) -> list[str | None]:
        """Return the partitions of the input `name` to read: the same key if both have it, else those in the window."""
        upstream = self.declarations[name]
        if upstream.partitioning is not None and upstream.partitioning == declaration.partitioning:
            return [partition]
        window = self.window(declaration, partition, name)
        return [
            key
            for key in self.partitions(name)
            if upstream.partitioning != "filing_year" or key is None or window.shows_year(int(key))
        ]

    def window(self, declaration: Declaration, partition: str | None, name: str) -> DateWindow:
        """Return the window of the input `name` that this partition reads."""
        return declaration.reads.get(name, whole)(self.profile, partition)

    def owner(self, table: str) -> str:
        """Return the asset that writes a table. Raises LookupError if there is none."""
        for name, declaration in self.declarations.items():
            if table in {t.name for t in declaration.tables}:
                return name
        raise LookupError(f"no asset writes a table {table}")


def slices_now(graph: Graph, sources: Sources, declaration: Declaration, partition: str | None) -> Slices:
    """Return the digests of what the outside world has now of a source; none for an asset that is no source."""
    ask = declaration.fingerprint
    return ask(graph.profile, partition, sources) if ask else {}


def recipe(
    graph: Graph, snapshot: Snapshot, declaration: Declaration, partition: str | None, source: Slices
) -> dict[str, Any]:
    """Return all that the artefact depends on: code, schema, settings, the source, the rows it reads of each input."""
    known = snapshot.look(declaration.name, partition).manifest
    return {
        "code": stands_for(known, declaration.code),
        "schema": declaration.schema,
        "config": settings(graph.content, declaration.config),
        "source": digest_of(source)[:16],
        "inputs": {name: upstream_digest(graph, snapshot, declaration, partition, name) for name in declaration.reads},
    }


def settings(content: Mapping[str, Any], sections: tuple[str, ...]) -> dict[str, Any]:
    """Return a profile's sections by dotted name, without paths: the same file in another place is no change."""
    return {name: _plain(_section(content, name)) for name in sections}


def _section(content: Mapping[str, Any], name: str) -> Any:
    value: Any = content
    for part in name.split("."):
        value = value[part]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {k: _plain(v) for k, v in value.items() if k != "path"} if isinstance(value, dict) else value


def label(asset: str, partition: str | None) -> str:
    """Return the name for people: 'activations 2004'."""
    return f"{asset} {partition}" if partition else asset


def without(config: Mapping[str, Any], ignored: Collection[str], above: str = "") -> dict[str, Any]:
    """Return the settings of a recipe without some, given by dotted name such as `activations.shard_tokens`."""
    return {
        name: without(value, ignored, f"{above}{name}.") if isinstance(value, dict) else value
        for name, value in config.items()
        if f"{above}{name}" not in ignored
    }


def stands_for(known: Manifest | None, code: str) -> str:
    """Return the version of the code that made an artefact, where it was adopted under `code`; else `code`."""
    return known.adopted.get(code, code) if known else code


def upstream_digest(
    graph: Graph, snapshot: Snapshot, declaration: Declaration, partition: str | None, name: str
) -> str:
    """Return the digest of the slices that this partition reads of an input; 'missing' if one of its partitions is.

    A bounded window excludes tables that are not sliced by date; `Build.read` refuses to read them.
    """
    window = graph.window(declaration, partition, name)
    sliced = {t.name for t in graph.declarations[name].tables if t.slice_by}
    seen: dict[str, Any] = {}
    for key in graph.upstream_partitions(declaration, partition, name):
        known = snapshot.whole(name, key)
        if known is None:
            return "missing"
        folder = known.folder if declaration.depends_on_paths else ""
        tables = [table for table in known.tables if table in sliced or not window.bounded]
        seen[key or ""] = [folder, {table: _shown(snapshot, known, table, window) for table in tables}]
    return digest_of(seen)[:16]


def _shown(snapshot: Snapshot, known: Manifest, table: str, window: DateWindow) -> dict[str, str]:
    """Return month -> digest of the slices of a table that a window shows."""
    months: dict[str, str] = known.tables[table]["months"]
    shown = {month: digest for month, digest in months.items() if window.shows(month)}
    if not (cut := shown.keys() & window.cut_months):
        return shown
    # The filings of a month that a window begins or ends in are looked at one by one.
    slices = snapshot.record(known).slices[table]
    within = {name: digest for name, digest in slices.items() if name[:7] in cut and window.shows(name)}
    return {month: digest for month, digest in shown.items() if month not in cut} | month_digests(within)


def reasons(known: Manifest | None, now: Mapping[str, Any], damage: Sequence[str] = ()) -> list[str]:
    """Return why an artefact must be made again: missing, damaged, or which part of its recipe or input changed.

    Parameters
    ----------
    known : Manifest or None
        The current manifest.
    now : mapping
        The recipe as of now.
    damage : sequence of str
        Files of the artefact that are missing or truncated.
    """
    damaged = [f"damaged: {damage[0]}{f' and {len(damage) - 1} more' if damage[1:] else ''}"] if damage else []
    if known is None:
        return damaged or ["missing"]
    then = known.recipe
    parts = [part for part in ("code", "schema", "config", "source") if now[part] != then[part]]
    names = {**now["inputs"], **then["inputs"]}
    return damaged + parts + [name for name in names if now["inputs"].get(name) != then["inputs"].get(name)]
