"""A lake of an older version, taken over: what was costly stands under today's code, the rest is made again.

Versions before format 2 digested the bytes of Parquet files and kept no hash of a file. Everything up to the features
is taken over, where it was up to date and has today's columns: its digests are worked out from its rows, its files are
hashed, and nothing of it is read by a model or trained. Groups, scores, books, pages and the DuckDB file are made again
by the next refresh, because the rules behind them changed.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from assets.outputs import FILE
from resources.lake.artefact import Artefact
from resources.lake.build import Build, UnitsRecorded
from resources.lake.lake import WHOLE, Lake
from resources.lake.manifest import Manifest
from resources.lake.old_format import (
    JOURNAL,
    Old,
    OldManifest,
    journalled,
    old_manifests,
    same_settings,
    was_up_to_date,
)
from resources.lake.progress import progress_bar
from resources.lake.recipe import Declaration, Graph, Slices, label, recipe, slices_now
from resources.lake.snapshot import Snapshot
from resources.lake.table import SchemaError, Table
from resources.universe.edgar_source import EdgarUniverse

RENAMED = {"made_from": "input_digest"}
Settings = dict[str, Any]
NEW = ("passages",)
"""Inputs that no older version had: a unit is recorded as if they were empty, and made again where they are not."""
STAGES = ("companies", "descriptions", "prices", "activations", "saes", "features")
"""What is taken over: the stages whose artefacts take long to make."""


class _NotTaken(Exception):  # noqa: N818 - a reason, not an error
    """An artefact is made again; the message says why."""


def take_over(graph: Graph, lake: Lake, log: Callable[[str], None]) -> int:
    """Take over what an older version made; returns how many artefacts. The caller holds the lake's lock.

    Parameters
    ----------
    graph : Graph
        Today's assets, with the partitions that the profile asks for.
    lake : Lake
        A lake with manifests of format 1.
    log : callable
        Is told, in a sentence each, what is taken over and what is made again, and why.
    """
    old, taken = journalled(lake), 0
    # The older DuckDB file names folders of all assets: they stay until there is a new one.
    lake.superseded.refer(FILE, [f"{asset}/{key or WHOLE}/{known.folder}" for (asset, key), known in old.items()])
    for declaration in graph.declarations.values():
        # Those too that the profile does not name at the moment: it may name them again.
        keys = [key for name, key in old if name == declaration.name]
        if declaration.group not in STAGES or not keys:
            continue
        done = [_told(graph, lake, old, declaration, key, log) for key in keys]
        taken += sum(done)
        if any(done):
            log(f"{declaration.name}: taken over{f', {sum(done)} partitions' if len(done) > 1 else ''}")
    for asset, partition in old_manifests(lake):
        lake.forget(asset, partition)
    lake.store.remove(JOURNAL)
    return taken


def _told(
    graph: Graph, lake: Lake, old: Old, declaration: Declaration, partition: str | None, log: Callable[[str], None]
) -> bool:
    try:
        with lake.lock_partition(declaration.name, partition):
            if lake.read_manifest(declaration.name, partition):
                return True  # before an interruption
            lake.commit(_taken(graph, lake, old, declaration, partition))
    except _NotTaken as why:
        log(f"{label(declaration.name, partition)}: made again by the next refresh, {why}")
        return False
    return True


def _taken(graph: Graph, lake: Lake, old: Old, declaration: Declaration, partition: str | None) -> Manifest:
    """Return the manifest of an artefact of format 1 as today's version writes it; its record is in its folder."""
    known, snapshot = old[declaration.name, partition], Snapshot(lake)
    folder = lake.partition_dir(declaration.name, partition) / known.folder
    outside = slices_now(graph, lake.sources, declaration, partition)
    source = _source_then(graph, lake, known, outside, folder)
    now = recipe(graph, snapshot, declaration, partition, source)
    _check(graph, old, declaration, known, now["config"], folder)
    artefact = _artefact(lake, declaration, known, folder)
    adopted = {code: known.recipe["code"] for code in (declaration.code, declaration.unit_code) if code}
    stand_in = Manifest(
        asset=declaration.name,
        partition=partition,
        recipe=now | {"code": known.recipe["code"]},
        folder=artefact.folder.name,
        digest="",
        tables={},
        files={},
        codes=(known.recipe["code"], known.recipe["code"]),
        adopted=adopted,
    )
    units = _unchanged(_units(graph, snapshot, declaration, stand_in), source, outside)
    return replace(
        stand_in,
        **artefact.finish(declaration.tables, units, source),
        metadata=known.metadata,
        checks=known.checks,
        seconds=known.seconds,
        written_at=known.written_at,
    )


def _check(
    graph: Graph, old: Old, declaration: Declaration, known: OldManifest, config: Settings, folder: Path
) -> None:
    """Raise _NotTaken where an artefact is damaged, was out of date, or was made with other settings."""
    lost = [name for name, size in known.files.items() if not _has_size(folder / name, size)]
    if lost:
        raise _NotTaken(f"{lost[0]} is damaged")
    if not was_up_to_date(graph, old, declaration, known.partition):
        raise _NotTaken("its inputs had changed")
    if not same_settings(known.recipe["config"], config):
        raise _NotTaken("its settings have changed")
    if missed := set(declaration.checks) - {check["name"] for check in known.checks}:
        raise _NotTaken(f"check {min(missed)} was never made of it")


def _source_then(graph: Graph, lake: Lake, known: OldManifest, now: Slices, folder: Path) -> Slices:
    """Return what the outside world had when an artefact was made, in today's digests.

    Filings alone are digested differently today. Those whose stored row is the source's row of today are unchanged;
    what was filed with EDGAR never changes.
    """
    then = known.source
    if known.asset != "filings" or any(now.get(name) == digest for name, digest in then.items()):
        return then
    universe, year = lake.sources.universe(graph.profile), int(known.partition or 0)
    if isinstance(universe, EdgarUniverse):
        return {name: now.get(name, digest) for name, digest in then.items()}
    today = universe.filings(year, lambda total, unit: progress_bar("filings", total, unit)).rows(())
    stored = _stored(known, folder, "filings")
    shared = [name for name in stored.columns if name in today.columns]
    told = stored.select(shared).join(today.select(shared), on=shared, how="semi", nulls_equal=True)
    same = set(told["accession"])
    return {name: now.get(name, digest) if name.split(" ", 1)[-1] in same else digest for name, digest in then.items()}


def _unchanged(units: dict[str, str], then: Slices, now: Slices) -> dict[str, str]:
    """Return units without those whose part of the outside world has changed: they are worked out from today's."""
    changed = {name.rpartition(" ")[2] for name in {*then, *now} if then.get(name) != now.get(name)}
    return {} if "" in changed else {unit: digest for unit, digest in units.items() if unit not in changed}


def _artefact(lake: Lake, declaration: Declaration, known: OldManifest, folder: Path) -> Artefact:
    """Return an artefact with the digests of its rows; in a new folder where columns had to be changed."""
    found, changed = dict[str, pl.DataFrame](), False
    for table in declaration.tables:
        rows = _stored(known, folder, table.name)
        found[table.name] = _with_todays_columns(lake, table, rows)
        changed |= found[table.name].columns != rows.columns
    try:
        valid = {table.name: table.validate(found[table.name]) for table in declaration.tables}
    except SchemaError as error:
        raise _NotTaken(f"its columns have changed ({error})") from error
    artefact = Artefact(_linked(lake, declaration, known, folder) if changed else folder, declaration.checkpoint_dir)
    for table in declaration.tables:
        (artefact.write if changed else artefact.take)(table, valid[table.name])
    return artefact


def _stored(known: OldManifest, folder: Path, table: str) -> pl.DataFrame:
    """Return the rows of a table as they are stored; raises _NotTaken where there is none that can be read."""
    files = [folder / name for name in sorted(known.files) if name.startswith(f"{table}/part-")]
    if not files:
        raise _NotTaken(f"its table {table} is new")
    try:
        return pl.concat([pl.read_parquet(file, glob=False) for file in files])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _NotTaken(f"a file of its table {table} is damaged") from error


def _with_todays_columns(lake: Lake, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows under today's names of columns; of `filings` with the company's name, sector and industry.

    These are what older groups went by. As filed they are known for what is filed from now on.
    """
    rows = rows.rename({old: new for old, new in RENAMED.items() if old in rows.columns})
    missing = [column.name for column in table.columns if column.name not in rows.columns]
    companies = lake.manifest("companies", None)
    if table.name != "filings" or not missing or companies is None:
        return rows
    told = pl.concat([pl.read_parquet(file, glob=False) for file in lake.table_files(companies, "companies")])
    named = rows.join(told.select("company_id", *missing), on="company_id", how="left", maintain_order="left")
    return named.with_columns(pl.col("name").fill_null(pl.col("company_id")))


def _linked(lake: Lake, declaration: Declaration, known: OldManifest, folder: Path) -> Path:
    """Return a new folder with the files of an artefact, but for its tables."""
    new = lake.begin(declaration.name, known.partition, known.recipe | {"schema": declaration.schema})
    shutil.copytree(folder, new, dirs_exist_ok=True, copy_function=_link)
    for table in declaration.tables:
        shutil.rmtree(new / table.name)
    return new


def _units(graph: Graph, snapshot: Snapshot, declaration: Declaration, stand_in: Manifest) -> dict[str, str]:
    """Return the recipes of the units that today's body would make, so that the next one carries them over.

    A body that asks the outside world is not asked: it might download, and its units cost little.
    """
    if not declaration.unit_code or declaration.asks:
        return {}
    missing = {name for name, digest in stand_in.recipe["inputs"].items() if digest == "missing"}
    if lost := sorted(missing - set(NEW)):
        raise _NotTaken(f"its input {lost[0]} is made again")
    nowhere = snapshot.lake.folder(stand_in) / "units"
    work = Build(
        graph, snapshot, declaration, stand_in.partition, stand_in.recipe, nowhere, None, stand_in, only_units=True
    )
    try:
        declaration.make(work)
    except UnitsRecorded:
        return work.units
    raise _NotTaken("its body records no units")


def _link(source: str, target: str) -> None:
    """Give a file a second name: shards may be most of a disk."""
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _has_size(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size
