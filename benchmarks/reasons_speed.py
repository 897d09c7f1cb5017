"""How long `why` takes on a lake of made-up companies: texts, vectors and passages of the size that real ones have."""

import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq

from assets.outputs import FILE
from assets.outputs.warehouse import build_warehouse
from assets.schemas import TABLES
from resources.places import SQL

AS_OF, FILED = date(2011, 12, 31), date(2011, 3, 1)
LATENTS, ROWS, PASSAGES, CHARACTERS = 512, 60, 60, 200
"""Latents of the autoencoder, rows of a company's vector, passages of its text and characters of a passage."""
RUNS = 5


def why_seconds(companies: int, seed: int = 0) -> float:
    """Return the median time that `why_peers` of a pair takes, in seconds, on a lake of so many companies."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {name: _stored(rows, root) for name, rows in made_up_lake(companies, seed).items()}
        build_warehouse(root / FILE, root, {name: [] for name in TABLES} | files, SQL, "")
        with duckdb.connect(str(root / FILE), read_only=True) as window:
            return statistics.median(_timed(window, companies, run) for run in range(RUNS))


def made_up_lake(companies: int, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Return the tables that `why_peers` reads, of one as-of date."""
    rng = np.random.default_rng(seed)
    ids = pl.DataFrame({"company_id": [f"{i:010}" for i in range(companies)]})
    ids = ids.with_columns(accession="made-up-" + pl.col("company_id"), filed_at=pl.lit(FILED))
    vectors = ids.join(_components(ids, rng), on="company_id")
    return {
        "companies": _frame("companies", ids.select("company_id", name="company_id")),
        "descriptions": _frame("descriptions", ids.join(_texts(ids, rng), on="company_id")),
        "company_vectors": _frame("company_vectors", vectors.with_columns(as_of=pl.lit(AS_OF))),
        "theme_passages": _frame("theme_passages", _strongest(vectors, rng)),
        "latent_labels": _frame("latent_labels", _labels()),
        "themes": _frame("themes", _labels().with_columns(as_of=pl.lit(AS_OF), share=0.1, companies=10)),
        "peer_clusters": _frame("peer_clusters", ids.with_columns(method=pl.lit("sae"), as_of=pl.lit(AS_OF))),
    }


def _components(ids: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    latents = np.argsort(rng.random((len(ids), LATENTS)), axis=1)[:, :ROWS]
    values = rng.gamma(0.7, size=latents.shape)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return pl.DataFrame(
        {
            "company_id": np.repeat(ids["company_id"].to_numpy(), ROWS),
            "view": "passages",
            "entry": "passages-24",
            "block": 24,
            "latent": latents.ravel(),
            "weight": values.ravel(),
            "own_weight": values.ravel(),
            "peak": 2.0,
            "said": True,
        }
    )


def _texts(ids: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    words = np.array(["oil", "gas", "refining", "banks", "loans", "soft", "drinks", "software", "retail", "stores"])
    drawn = rng.choice(words, (len(ids), PASSAGES * CHARACTERS // 6))
    texts = [" ".join(row)[: PASSAGES * CHARACTERS].ljust(PASSAGES * CHARACTERS) for row in drawn]
    return pl.DataFrame({"company_id": ids["company_id"], "text": texts})


def _strongest(vectors: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    ranks = pl.DataFrame({"rank": [1, 2, 3]})
    rows = vectors.select("accession", "company_id", "filed_at", "entry", "block", "latent").join(ranks, how="cross")
    passage = pl.Series("passage", rng.integers(0, PASSAGES, len(rows)))
    placed = rows.with_columns(passage, value=4.0 - pl.col("rank"))
    return placed.with_columns(start=pl.col("passage") * CHARACTERS, end=(pl.col("passage") + 1) * CHARACTERS)


def _labels() -> pl.DataFrame:
    return pl.DataFrame({"latent": range(LATENTS)}).with_columns(
        view=pl.lit("passages"),
        entry=pl.lit("passages-24"),
        block=24,
        label=pl.format("theme {}", "latent"),
        terms=["oil", "refin*", "soft drinks"],
        words=["oil", "gas", "loans", "retail stores"],
        detection_score=0.8,
        level=1.0,
    )


def _frame(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return a table from some of its columns; the others are null or, where they may not be, empty."""
    empty = TABLES[name].empty()
    blanks = {
        column.name: None if column.nullable else "" if dtype == pl.String else [] if dtype == pl.List else 0
        for column, dtype in zip(TABLES[name].columns, empty.dtypes, strict=True)
        if column.name not in rows.columns
    }
    filled = rows.with_columns(pl.lit(value).alias(blank) for blank, value in blanks.items())
    return filled.select(empty.columns).cast(dict(empty.schema))


def _stored(rows: pl.DataFrame, root: Path) -> list[str]:
    name = f"{len(list(root.iterdir())):02}.parquet"
    pq.write_table(rows.to_arrow(), root / name)
    return [name]


def _timed(window: duckdb.DuckDBPyConnection, companies: int, run: int) -> float:
    first, second = f"{run:010}", f"{companies - 1 - run:010}"
    start = time.perf_counter()
    rows = window.table_function("why_peers", [first, second]).fetchall()
    seconds = time.perf_counter() - start
    assert len(rows) > 1 and rows[-1][0] == "all others"
    return seconds
