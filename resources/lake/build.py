"""Makes one artefact: the asset's function gets a `Build`, reads its declared inputs, and writes its tables."""

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq

from resources.lake.lake import Lake, Manifest, digest_of, fsync
from resources.lake.progress import progress_bar
from resources.lake.recipe import Declaration, Graph, Outside, Slices, label, reasons, recipe, slices_now, without
from resources.lake.table import SchemaError, Table
from resources.settings.profile import Profile
from resources.sources import Sources

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from resources.market import Market
    from resources.universe import Universe

LOG = logging.getLogger("peerlens")
"""One line per body that ran, and the body's own messages: for the terminal and for the run's log in Dagster."""


class UndeclaredReadError(RuntimeError):
    """An asset uses an input or setting that it does not declare, so its recipe would miss a change of it."""


class CheckFailedError(RuntimeError):
    """A blocking check failed; nothing was committed."""


@dataclass
class Build:
    """What an asset's function works with: settings, its partition, the rows of its inputs, a folder to write to.

    `previous` is the artefact before this one; for an asset that resumes, also a damaged one.
    """

    graph: Graph
    lake: Lake
    declaration: Declaration
    partition: str | None
    recipe: dict[str, Any]
    folder: Path
    previous: Manifest | None
    metadata: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    _tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    _published: list[str] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        """The settings."""
        return self.graph.profile

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
        return self._asked("universe").universe(self.profile)

    @property
    def market(self) -> "Market":
        """The prices that the profile names; raises UndeclaredReadError where `asks` does not name it."""
        return self._asked("market").market(self.profile.prices)

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
        rows = pl.concat([schema.empty(), *(pl.read_parquet(file) for file in self.files(table))])
        if not window.bounded:
            return rows
        if not schema.slice_by:
            raise UndeclaredReadError(
                f"{self.declaration.name} reads a window of {owner}, but {table} is not sliced by date"
            )
        day = pl.col(schema.slice_by[0])
        within = [day > window.after] if window.after else []
        return rows.filter(*within, *([day <= window.until] if window.until else []))

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
        found = []
        for key in self.graph.upstream_partitions(self.declaration, self.partition, asset):
            known = self.lake.manifest(asset, key)
            if known is None:
                state = "damaged" if self.lake.read_manifest(asset, key) else "not materialised yet"
                raise FileNotFoundError(f"{asset} {key or ''}: {state}; run `peerlens refresh`")
            found.append(known)
        return found

    def write(self, table: Table, rows: pl.DataFrame) -> None:
        """Validate and write one of the declared tables."""
        if table not in self.declaration.tables:
            raise SchemaError(f"{self.declaration.name} does not declare the table {table.name}")
        valid = table.validate(rows)
        (self.folder / table.name).mkdir()
        pq.write_table(valid, self.folder / table.name / "part-00000.parquet", compression="zstd")
        self._tables[table.name] = {"rows": valid.num_rows, "slices": table.slices(valid)}

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
            Unit -> digest, or any JSON value, of what this unit alone reads. Code and settings are added here.
        excluding : collection of str
            Settings, by dotted name, that `inputs` already contain as far as a unit depends on them.
        """
        shared = [self.recipe["code"], self.recipe["schema"], without(self.recipe["config"], excluding)]
        self.units = {unit: digest_of([*shared, content])[:16] for unit, content in inputs.items()}
        before = self.previous.units if self.previous else {}
        return {unit for unit, digest in self.units.items() if before.get(unit) == digest}

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
            files = self.lake.table_files(known, table)
            damaged = {self.lake.folder(known) / name for name in self.lake.damage(known)}
            files = [] if damaged & set(files) else files
        return pl.concat([schema.empty(), *(pl.read_parquet(file) for file in files)])

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
            for key, digest in known.tables[table]["slices"].items()
            if window.shows(key)
        }

    def filing_digests(self, asset: str) -> dict[str, str]:
        """Return accession -> digest of a filing's rows in an input that is sliced by filing, within the window."""
        return {key.split(" ", 1)[1]: digest for key, digest in self.slices_of(asset).items()}

    def digest_of(self, asset: str) -> str:
        """Return the digest of an input, as far as its declared window goes."""
        return str(self.recipe["inputs"][asset])

    def check(self, name: str, passed: bool, message: str) -> None:
        """Record a blocking check. To check rows before they are written, call it before `write`.

        Raises
        ------
        CheckFailedError
            The check failed; nothing is committed.
        """
        if not passed:
            raise CheckFailedError(f"{self.declaration.name}: check {name} failed: {message}")
        self.checks.append({"name": name, "passed": True, "message": message})

    def publish(self, name: str, references: Iterable[str] = ()) -> None:
        """Put a copy of a file of this artefact at the lake's root, in one step; readers of the old one keep theirs.

        Parameters
        ----------
        name : str
            The file, under the artefact's folder.
        references : iterable of str
            Artefact folders that the file names, relative to the lake's root: "prices/all/0123456789abcdef".
        """
        target = self.lake.root / name
        draft = target.with_name(f".{name}.new")
        shutil.copyfile(self.folder / name, draft)
        fsync(draft)
        draft.replace(target)
        fsync(target.parent)
        self._published.append(name)

    def log(self, message: str) -> None:
        """Log a message of the running body, aligned with the lines that name what ran."""
        LOG.info("%11s%s: %s", "", self.label, message)

    def progress(self, total: int | None, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        """Show a progress bar in the terminal, with units per second; a plain count if `total` is None."""
        return progress_bar(self.label, total, unit)

    def _at_root(self) -> list[str]:
        """Return the published files as seen from the artefact's folder: one that is lost is made again."""
        return [f"../../../{name}" for name in self._published]

    def finish(self, source: Slices, seconds: float) -> Manifest:
        """Return the manifest of the written tables and files."""
        for table in self.declaration.tables:
            if table.name not in self._tables:
                raise SchemaError(f"{self.declaration.name} did not write its table {table.name}")
        tables = {table.name: self._tables[table.name] for table in self.declaration.tables}
        return Manifest(
            asset=self.declaration.name,
            partition=self.partition,
            recipe=self.recipe,
            folder=self.folder.name,
            digest=digest_of({name: table["slices"] for name, table in tables.items()})[:16],
            tables=tables,
            files={name: (self.folder / name).stat().st_size for name in [*_files(self.folder), *self._at_root()]},
            units=self.units,
            source=source,
            metadata=self.metadata,
            checks=self.checks,
            seconds=seconds,
            written_at=time.time(),
        )


@dataclass(frozen=True)
class Made:
    """An artefact, and the reasons why its function ran; none if it was there already."""

    manifest: Manifest
    reasons: tuple[str, ...]


def build(graph: Graph, lake: Lake, name: str, partition: str | None) -> Made:
    """Return the artefact of the current recipe; run the asset's function only if there is none."""
    with lake.lock_partition(name, partition):
        return _build(graph, lake, graph.declarations[name], partition)


def _build(graph: Graph, lake: Lake, declaration: Declaration, partition: str | None) -> Made:
    name = declaration.name
    source = slices_now(graph, lake, declaration, partition)
    known = lake.read_manifest(name, partition)
    damage = lake.damage(known)
    now = recipe(graph, lake, declaration, partition, source)
    why = reasons(known, now, damage)
    if known is not None and not why:
        return Made(known, ())
    started = time.perf_counter()
    # Only an asset that resumes checks its old files one by one; others must not carry over from a damaged artefact.
    previous = known if declaration.checkpoint_dir or not damage else None
    folder = lake.begin(name, partition, now, declaration.checkpoint_dir)
    work = Build(graph, lake, declaration, partition, now, folder, previous)
    declaration.make(work)
    made = work.finish(source, time.perf_counter() - started)
    lake.commit(made)
    return Made(made, tuple(why))


def _files(folder: Path) -> Iterable[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
