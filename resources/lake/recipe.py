"""What an asset is made of, and the one question of the planner: why would it have to be made again?"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from resources.lake.lake import Lake, Manifest, digest_of
from resources.lake.table import Table
from resources.settings.profile import Profile

Partitioning = Literal["filing_year", "as_of"] | None
Slices = dict[str, str]


@dataclass(frozen=True)
class DateWindow:
    """The dates an asset reads of an input: after `after`, until `until` included; None is no bound."""

    after: date | None = None
    until: date | None = None

    def shows(self, slice_key: str) -> bool:
        """Whether any day of the slice is seen: '2004-03-31 accession' is a day, '2004-03' a month, '' all days."""
        day = slice_key[:10]
        first = self.first.isoformat()[: len(day)] if self.first else ""
        last = self.until.isoformat()[: len(day)] if self.until else "9999"
        return first <= day <= last or not day

    def shows_year(self, year: int) -> bool:
        """Whether any day of the year can be seen."""
        return (self.first is None or self.first.year <= year) and (self.until is None or year <= self.until.year)

    @property
    def first(self) -> date | None:
        """First day seen."""
        return self.after + timedelta(days=1) if self.after else None

    @property
    def bounded(self) -> bool:
        """Whether there are days that are not seen."""
        return self.after is not None or self.until is not None


Reads = Callable[[Profile, str | None], DateWindow]


def whole(profile: Profile, partition: str | None) -> DateWindow:
    """Everything of the input."""
    return DateWindow()


@dataclass(frozen=True)
class Declaration:
    """One asset: what it writes, what it reads, and which settings and code it depends on.

    `lineage` names inputs that it may read but that do not make it run again: the pinned corpus.
    `depends_on_paths` is for an asset that writes down where its inputs lie: the same rows in a new folder change it.
    `fingerprint` asks the outside world, without a step, for the digests of the slices it has now.
    `checkpoint_dir` is the subfolder that an interrupted attempt leaves for the next; the body says what of it is good.
    """

    name: str
    group: str
    sentence: str
    tables: tuple[Table, ...]
    make: Callable[..., None]
    code: str
    partitioning: Partitioning = None
    reads: Mapping[str, Reads] = field(default_factory=dict)
    lineage: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    fingerprint: Callable[[Profile, str | None], Slices] | None = None
    kinds: frozenset[str] = frozenset()
    checks: tuple[str, ...] = ()
    depends_on_paths: bool = False
    checkpoint_dir: str | None = None

    @property
    def upstream(self) -> tuple[str, ...]:
        """Assets that this one comes after."""
        return (*self.reads, *self.lineage)

    @cached_property
    def schema(self) -> str:
        """Version of the table contracts that it writes."""
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
    """All assets in topological order, and the partitions that the profile wants."""

    declarations: Mapping[str, Declaration]
    profile: Profile
    keys: Mapping[str, tuple[str, ...]]

    def partitions(self, name: str) -> tuple[str | None, ...]:
        """Partition keys of an asset; (None,) where it has none."""
        kind = self.declarations[name].partitioning
        return self.keys[kind] if kind else (None,)

    def upstream_partitions(self, declaration: Declaration, partition: str | None, name: str) -> list[str | None]:
        """Partitions of the input `name` that are read: its own where both are cut alike, else those in the window."""
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
        """Dates of the input `name` that this partition reads."""
        return declaration.reads.get(name, whole)(self.profile, partition)

    def owner(self, table: str) -> str:
        """Asset that writes a table; LookupError where none does."""
        for name, declaration in self.declarations.items():
            if table in {t.name for t in declaration.tables}:
                return name
        raise LookupError(f"no asset writes a table {table}")


def recipe(graph: Graph, lake: Lake, declaration: Declaration, partition: str | None, source: Slices) -> dict[str, Any]:
    """All that the artefact depends on: code, schema, settings, the outside world, and the rows read of each input."""
    return {
        "code": declaration.code,
        "schema": declaration.schema,
        "config": settings(graph.profile, declaration.config),
        "source": digest_of(source)[:16],
        "inputs": {name: upstream_digest(graph, lake, declaration, partition, name) for name in declaration.reads},
    }


def settings(profile: Profile, sections: tuple[str, ...]) -> dict[str, Any]:
    """The profile's sections by dotted name, paths left out: where a thing lies is not what it is."""
    return {name: _plain(_section(profile, name)) for name in sections}


def _section(profile: Profile, name: str) -> Any:
    value: Any = profile.model_dump(mode="json")
    for part in name.split("."):
        value = value[part]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {k: _plain(v) for k, v in value.items() if k != "path"} if isinstance(value, dict) else value


def label(asset: str, partition: str | None) -> str:
    """What people read: 'activations 2004'."""
    return f"{asset} {partition}" if partition else asset


def without(config: Mapping[str, Any], ignored: Collection[str], above: str = "") -> dict[str, Any]:
    """The settings of a recipe but for some, by dotted name: `activations.shard_tokens`."""
    return {
        name: without(value, ignored, f"{above}{name}.") if isinstance(value, dict) else value
        for name, value in config.items()
        if f"{above}{name}" not in ignored
    }


def upstream_digest(graph: Graph, lake: Lake, declaration: Declaration, partition: str | None, name: str) -> str:
    """Digest of the slices of an input that this partition reads; 'missing' where one of its partitions is.

    A bounded window sees nothing of a table that is not cut by date, as `Build.read` sees to.
    """
    window = graph.window(declaration, partition, name)
    cut = {t.name for t in graph.declarations[name].tables if t.slice_by}
    seen: dict[str, Any] = {}
    for key in graph.upstream_partitions(declaration, partition, name):
        known = lake.manifest(name, key)
        if known is None:
            return "missing"
        place = known.folder if declaration.depends_on_paths else ""
        tables = {t: v["slices"] for t, v in known.tables.items() if t in cut or not window.bounded}
        shown = {t: {s: d for s, d in slices.items() if window.shows(s)} for t, slices in tables.items()}
        seen[key or ""] = [place, shown]
    return digest_of(seen)[:16]


def reasons(known: Manifest | None, now: Mapping[str, Any], damage: Sequence[str] = ()) -> list[str]:
    """Why an artefact has to be made again: missing, damaged, code, schema, config, source, inputs that changed.

    Parameters
    ----------
    known : Manifest or None
        What the pointer says.
    now : mapping
        The present recipe.
    damage : sequence of str
        Its files that are missing or cut short.
    """
    if known is None:
        return ["missing"]
    then = known.recipe
    harm = [f"damaged: {damage[0]}{f' and {len(damage) - 1} more' if damage[1:] else ''}"] if damage else []
    parts = [part for part in ("code", "schema", "config", "source") if now[part] != then[part]]
    names = {**now["inputs"], **then["inputs"]}
    return harm + parts + [name for name in names if now["inputs"].get(name) != then["inputs"].get(name)]
