"""Artefacts without an asset: a folder with one table in one file."""

from pathlib import Path
from typing import Any

from resources.lake.lake import Lake, stored_file
from resources.lake.manifest import RECORD, Manifest, Record, month_digests

RECIPE = {"code": "", "schema": "", "config": {}, "source": "", "inputs": {}}


def commit_file(
    lake: Lake,
    asset: str,
    partition: str | None,
    content: bytes = b"rows",
    *,
    checkpoint_dir: str | None = None,
    **recipe: Any,
) -> Manifest:
    """Commit an artefact whose table of the asset's name is one file with this content."""
    changed = RECIPE | recipe
    folder = lake.begin(asset, partition, changed, checkpoint_dir)
    slices = {asset: {"": content.hex()}}
    (folder / asset).mkdir()
    (folder / asset / "part-00000.parquet").write_bytes(content)
    (folder / RECORD).write_bytes(Record(slices).to_json())
    files = {str(file.relative_to(folder)): stored_file(file) for file in sorted(folder.rglob("*")) if file.is_file()}
    tables = {asset: {"rows": 1, "months": month_digests(slices[asset])}}
    known = Manifest(asset, partition, changed, folder.name, content.hex()[:16], tables, files)
    lake.commit(known)
    return known


def table_file(lake: Lake, known: Manifest) -> Path:
    """Return the file of such an artefact, whatever has become of it."""
    return lake.folder(known) / known.asset / "part-00000.parquet"
