"""What people and programs look at: the DuckDB warehouse and the atlas pages."""

import hashlib
from pathlib import Path

import polars as pl

from assets import schemas
from assets.declaration import EVERY_ASSET, asset
from assets.known_at import filings_known
from assets.outputs import FILE, TEMPLATES
from assets.partitions import month_end
from resources.lake.build import Build
from resources.lake.digests import file_digest
from resources.lake.recipe import Slices, whole
from resources.places import SQL
from resources.settings.profile import Profile
from resources.sources import Sources


def _sql_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return _digests(SQL, "*.sql")


def _templates_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return _digests(TEMPLATES, "*.j2")


def _digests(folder: Path, pattern: str) -> Slices:
    return {str(file.relative_to(folder)): file_digest(file) for file in sorted(folder.rglob(pattern))}


@asset(
    schemas.WAREHOUSE,
    reads={EVERY_ASSET: whole},
    fingerprint=_sql_now,
    config=["notice", "descriptions.look_ahead"],
    also=["assets.schemas"],  # the sentences of tables and columns become comments
    kinds=["duckdb", "sql"],
    depends_on_paths=True,
)
def warehouse(build: Build) -> None:
    """Build the DuckDB file at the lake's root: views over every table's Parquet, macros that answer, no copies."""
    from assets.outputs.warehouse import build_warehouse

    root, reads = build.lake.root, build.declaration.reads
    tables = {
        table.name: [_within(root, file) for file in build.files(table.name)]
        for name in reads
        for table in build.graph.declarations[name].tables
    }
    build.write(schemas.WAREHOUSE, build_warehouse(build.folder / FILE, root, tables, SQL, build.profile.banner))
    # What a client that wrote into the file left when it was killed. DuckDB refuses a file beside another one's log.
    (root / f"{FILE}.wal").unlink(missing_ok=True)
    build.publish(FILE, references=[_within(root, folder) for name in reads for folder in build.folders(name)])


def _within(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


@asset(
    schemas.ATLAS,
    partitioning="as_of",
    reads={
        "filings": filings_known,
        "tickers": whole,
        "company_vectors": whole,
        "latent_labels": whole,
        "peer_clusters": whole,
        "cluster_labels": whole,
        "cluster_scores": whole,
        "descriptions": filings_known,
        "company_features": filings_known,
    },
    fingerprint=_templates_now,
    config=["notice", "descriptions.look_ahead"],
    kinds=["html"],
)
def atlas(build: Build) -> None:
    """Render two pages per as-of date: the map with groups and scores, and the themes; a browser shows them."""
    from assets.outputs.atlas import AtlasTables, render_atlas, render_themes

    tables = AtlasTables(**{name: build.read(name) for name in AtlasTables.__dataclass_fields__})
    companies = tables.company_vectors["company_id"].n_unique()
    rows = []
    for name, render in (("atlas", render_atlas), ("themes", render_themes)):
        file, page = (
            f"{name}-{build.partition}.html",
            render(tables, month_end(build.partition or ""), build.profile.banner),
        )
        (build.folder / file).write_text(page, encoding="utf-8")
        rows.append({"file": file, "companies": companies, "sha256": hashlib.sha256(page.encode()).hexdigest()})
    build.write(schemas.ATLAS, pl.DataFrame(rows).cast({"companies": pl.Int32}))
    build.metadata["page"] = str(build.folder / f"atlas-{build.partition}.html")
