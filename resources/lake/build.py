"""Makes one artefact: the asset's function gets a `Build`, reads its declared inputs, and writes its tables."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from resources.lake.artefact import Artefact
from resources.lake.digests import digest_of
from resources.lake.errors import DamagedFileError
from resources.lake.guarded_settings import UndeclaredReadError, guarded
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest, Record
from resources.lake.progress import progress_bar
from resources.lake.recipe import (
    Declaration,
    Graph,
    Outside,
    Slices,
    label,
    reasons,
    recipe,
    slices_now,
    stands_for,
    without,
)
from resources.lake.snapshot import Snapshot
from resources.lake.table import SchemaError, Table
from resources.settings.profile import Profile
from resources.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from resources.explainer.client import ChatClient
    from resources.market import Market
    from resources.universe import Universe

LOG = logging.getLogger("peerlens")
"""One line per body that ran, and the body's own messages: for the terminal and for the run's log in Dagster."""


class UnitsRecorded(Exception):  # noqa: N818 - no error: it ends a body that was only asked for its units
    """The units of a body are recorded, and nothing else was asked of it."""


class CheckFailedError(RuntimeError):
    """A blocking check failed; nothing was committed."""


@dataclass
class Build:
    """What an asset's function works with: settings, its partition, the rows of its inputs, a folder to write to.

    `previous` is the artefact before this one; for an asset that resumes, also a damaged one. `known` is what the
    pointer names, damaged or not. With `only_units` the body ends once it has recorded its units.
    """

    graph: Graph
    snapshot: Snapshot
    declaration: Declaration
    partition: str | None
    recipe: dict[str, Any]
    folder: Path
    previous: Manifest | None
    known: Manifest | None
    only_units: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    published: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def artefact(self) -> Artefact:
        """What is being made, in `folder`."""
        return Artefact(self.folder, self.declaration.checkpoint_dir)

    @property
    def lake(self) -> Lake:
        """Where artefacts are."""
        return self.snapshot.lake

    @cached_property
    def profile(self) -> Profile:
        """The settings that the asset declares; any other raises UndeclaredReadError."""
        declared = (*self.declaration.config, *self.declaration.runs_with)
        return guarded(self.graph.profile, declared, self.declaration.name)

    @property
    def label(self) -> str:
        """The name for people: 'activations 2004'."""
        return label(self.declaration.name, self.partition)

    @property
    def models(self) -> Path:
        """The folder of converted models, shared by all profiles."""
        return self.lake.models

    @property
    def universe(self) -> "Universe":
        """The companies that the profile names; raises UndeclaredReadError where `asks` does not name it."""
        return self._asked("universe").universe(self.graph.profile)

    @property
    def market(self) -> "Market":
        """The prices that the profile names; raises UndeclaredReadError where `asks` does not name it."""
        return self._asked("market").market(self.graph.profile.prices)

    @property
    def explainer(self) -> "ChatClient | None":
        """The language model that explains, None where it is off; UndeclaredReadError where `asks` does not name it."""
        return self._asked("explainer").explainer(self.graph.profile.explainer)

    def _asked(self, name: Outside) -> Sources:
        if name not in self.declaration.asks:
            raise UndeclaredReadError(f"{self.declaration.name} asks the {name} without declaring it")
        return self.lake.sources

    def read(self, table: str) -> pl.DataFrame:
        """Return the rows of an input table within the declared window.

        Raises
        ------
        UndeclaredReadError
            The input is not declared, or its window has bounds and this table is not sliced by date.
        """
        owner = self.graph.owner(table)
        schema = next(t for t in self.graph.declarations[owner].tables if t.name == table)
        window = self.graph.window(self.declaration, self.partition, owner)
        if window.bounded and not schema.slice_by:
            raise UndeclaredReadError(
                f"{self.declaration.name} reads a window of {owner}, but {table} is not sliced by date"
            )
        found = []
        for known in self._inputs(owner):
            parts = self.lake.table_parts(known, table)
            shown = [part for part in parts if schema.may_hold(part, window.first, window.until)]
            found += self.lake.verified(known, shown)
        rows = pl.concat([schema.empty().lazy(), *(pl.scan_parquet(file, glob=False) for file in found)])
        if window.bounded:
            day = pl.col(schema.slice_by[0])
            within = [day > window.after] if window.after else []
            rows = rows.filter(*within, *([day <= window.until] if window.until else []))
        # Files of one year each lie one after the other; bodies get rows in the order of the key, however stored.
        return rows.sort(schema.key).collect() if schema.by_year else rows.collect()

    def files(self, table: str) -> list[Path]:
        """Return the Parquet files of an input table, not cut to the window."""
        owner = self.graph.owner(table)
        return [file for known in self._inputs(owner) for file in self.lake.table_files(known, table)]

    def folders(self, asset: str) -> list[Path]:
        """Return the folders of an input's artefacts, for the files beside its tables."""
        return [self.lake.folder(known) for known in self._inputs(asset)]

    def _inputs(self, asset: str) -> list[Manifest]:
        if asset not in self.declaration.upstream:
            raise UndeclaredReadError(f"{self.declaration.name} reads {asset} without declaring it")
        keys = self.graph.upstream_partitions(self.declaration, self.partition, asset)
        if self.only_units:  # of an older lake, whose units are recorded before an input that is new has been made
            keys = [key for key in keys if self.snapshot.look(asset, key).whole]
        return [self._input(asset, key) for key in keys]

    def _input(self, asset: str, partition: str | None) -> Manifest:
        seen = self.snapshot.look(asset, partition)
        if seen.whole is None:
            state = "damaged" if seen.damage else "not materialised yet"
            raise FileNotFoundError(f"{label(asset, partition)}: {state}; run `peerlens refresh`")
        return seen.whole

    def write(self, table: Table, rows: pl.DataFrame) -> None:
        """Validate and write one of the declared tables."""
        if table not in self.declaration.tables:
            raise SchemaError(f"{self.declaration.name} does not declare the table {table.name}")
        self.artefact.write(table, table.validate(rows))

    def publish(self, name: str, references: Iterable[str]) -> None:
        """Have a file of this artefact copied to the lake's root when the artefact is committed.

        Parameters
        ----------
        name : str
            A file in `folder`, and of the copy.
        references : iterable of str
            Folders that it names, as asset/partition/folder: they stay as long as this is the published file.
        """
        self.published[name] = tuple(sorted(set(references)))

    def picture(self, name: str, figure: "Figure", sentence: str) -> None:
        """Store a figure for the UI, with a sentence above it."""
        from resources.lake.picture import draw

        draw(figure, self.folder / "pictures" / f"{name}.png")
        self.metadata.setdefault("pictures", {})[name] = sentence

    def record_units(self, inputs: Mapping[str, Any], excluding: Collection[str] = ()) -> set[str]:
        """Record the recipe of every unit (filing, autoencoder); return the units whose recipe has not changed.

        Parameters
        ----------
        inputs : mapping
            Unit -> digest, or any JSON value, of what this unit alone reads. The code that makes a unit, and settings,
            are added here.
        excluding : collection of str
            Settings, by dotted name, that `inputs` already contain as far as a unit depends on them.
        """
        shared = [self.unit_code, self.recipe["schema"], without(self.recipe["config"], excluding)]
        self.units = {unit: digest_of([*shared, content])[:16] for unit, content in inputs.items()}
        if self.only_units:
            raise UnitsRecorded
        before = self._record_before().units
        return {unit for unit, digest in self.units.items() if before.get(unit) == digest}

    @property
    def unit_code(self) -> str:
        """The version of the code that makes a unit, or the one that it was adopted for."""
        own = self.declaration.unit_code
        return stands_for(self.known, own) if own else str(self.recipe["code"])

    def only_changed(self, *settings: str) -> bool:
        """Return whether the previous artefact's recipe differs in these settings, by dotted name, at most.

        Raises
        ------
        UndeclaredReadError
            A setting is not declared.
        """
        declared = self.recipe["config"]
        for name in settings:
            if without(declared, {name}) == declared:
                raise UndeclaredReadError(f"{self.declaration.name} names the setting {name} without declaring it")
        if self.previous is None:
            return False
        then = self.previous.recipe
        return self.recipe | {"config": without(declared, settings)} == then | {
            "config": without(then["config"], settings)
        }

    def before(self, table: str) -> pl.DataFrame:
        """Return the rows of the previous artefact, to carry over unchanged units.

        There are none if there was no artefact, if it had another schema, or if this table of it is damaged.
        """
        schema = next(t for t in self.declaration.tables if t.name == table)
        known, files = self.previous, list[Path]()
        if known is not None and known.recipe["schema"] == self.recipe["schema"]:
            with suppress(DamagedFileError):
                files = self.lake.table_files(known, table)
        return pl.concat([schema.empty(), *(pl.read_parquet(file, glob=False) for file in files)])

    def _record_before(self) -> Record:
        """Return the record of the previous artefact, empty where there is none or it is damaged."""
        if self.previous:
            with suppress(DamagedFileError):
                return self.snapshot.record(self.previous)
        return Record()

    @property
    def before_folder(self) -> Path | None:
        """Folder of this artefact as it was; None where there was none."""
        return self.lake.folder(self.previous) if self.previous else None

    def slices_of(self, asset: str) -> Slices:
        """Return slice -> digest of an input's first table, within the window."""
        window = self.graph.window(self.declaration, self.partition, asset)
        table = self.graph.declarations[asset].tables[0].name
        return {
            key: digest
            for known in self._inputs(asset)
            for key, digest in self.snapshot.record(known).slices[table].items()
            if window.shows(key)
        }

    def filing_digests(self, asset: str) -> dict[str, str]:
        """Return accession -> digest of a filing's rows in an input that is sliced by filing, within the window."""
        return {key.split(" ", 1)[1]: digest for key, digest in self.slices_of(asset).items()}

    def digest_of(self, asset: str) -> str:
        """Return the digest of an input, as far as its declared window goes."""
        return str(self.recipe["inputs"][asset])

    def check(self, name: str, passed: bool, message: str) -> None:
        """Record a check. To check rows before they are written, call it before `write`.

        Raises
        ------
        CheckFailedError
            The check failed, and is not declared advisory; nothing is committed.
        """
        if not passed and name not in self.declaration.advisory:
            raise CheckFailedError(f"{self.declaration.name}: check {name} failed: {message}")
        if not passed:
            self.log(f"check {name} failed: {message}")
        self.checks.append({"name": name, "passed": passed, "message": message})

    def log(self, message: str) -> None:
        """Log a message of the running body, aligned with the lines that name what ran."""
        LOG.info("%11s%s: %s", "", self.label, message)

    def progress(self, total: int | None, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        """Show a progress bar in the terminal, with units per second; a plain count if `total` is None."""
        return progress_bar(self.label, total, unit)

    def finish(self, source: Slices, seconds: float) -> Manifest:
        """Write the record, and return the manifest of the written tables and files."""
        return Manifest(
            asset=self.declaration.name,
            partition=self.partition,
            recipe=self.recipe,
            folder=self.folder.name,
            **self.artefact.finish(self.declaration.tables, self.units, source),
            codes=(self.recipe["code"], self.unit_code),
            adopted=self._adopted(),
            metadata=self.metadata,
            checks=self.checks,
            seconds=seconds,
            written_at=time.time(),
        )

    def _adopted(self) -> dict[str, str]:
        """Return what was adopted under today's code: what is carried over still is."""
        today = (self.declaration.code, self.declaration.unit_code)
        return {code: old for code, old in self.known.adopted.items() if code in today} if self.known else {}


@dataclass(frozen=True)
class Made:
    """An artefact, and the reasons why its function ran; none if it was there already."""

    manifest: Manifest
    reasons: tuple[str, ...]


def build(graph: Graph, lake: Lake, name: str, partition: str | None) -> Made:
    """Return the artefact of the current recipe; run the asset's function only if there is none."""
    with lake.lock_partition(name, partition):
        return _build(graph, Snapshot(lake), graph.declarations[name], partition)


def _build(graph: Graph, snapshot: Snapshot, declaration: Declaration, partition: str | None) -> Made:
    name, lake = declaration.name, snapshot.lake
    source = slices_now(graph, lake.sources, declaration, partition)
    known, damage = (seen := snapshot.look(name, partition)).manifest, seen.damage
    now = recipe(graph, snapshot, declaration, partition, source)
    why = reasons(known, now, damage)
    if known is not None and not why:
        return Made(known, ())
    started = time.perf_counter()
    # Only an asset that resumes checks its old files one by one; others must not carry over from a damaged artefact.
    previous = known if declaration.checkpoint_dir or not damage else None
    folder = lake.begin(name, partition, now, declaration.checkpoint_dir)
    work = Build(graph, snapshot, declaration, partition, now, folder, previous, known)
    declaration.make(work)
    made = work.finish(source, time.perf_counter() - started)
    copies = {file: lake.publish(made, file, references) for file, references in work.published.items()}
    made = replace(made, published=copies)
    lake.commit(made)
    return Made(made, tuple(why))
