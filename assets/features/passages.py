"""From passage vectors and autoencoders over them to themes: what a filing is about, and in which passages."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets import schemas
from assets.features.encoding import NoEntryError, encode_rows
from assets.features.pooling import pool_filing
from assets.saes.model.sae import Sae
from resources.settings.features import Pooling

PASSAGES_KEPT = 3
"""Passages kept per latent and filing: what is shown as evidence."""
POOLING: Pooling = "mean"
"""Over passages: how much of a text a theme takes."""
ANOTHER_SEED = "-seed-"
"""In the name of an entry that only tells how stable the others are."""


class Encoded(NamedTuple):
    """Rows of `company_features` and of `theme_passages`."""

    features: pl.DataFrame
    theme_passages: pl.DataFrame


def describing_entries(saes: pl.DataFrame) -> pl.DataFrame:
    """Return the entries of `passage_saes` that describe companies: rows entry, block, sha256, sorted by block.

    Those that were trained from another seed describe nobody.
    """
    own = saes.filter(~pl.col("entry").str.contains(ANOTHER_SEED, literal=True))
    rows = own.select("entry", pl.col("blocks").alias("block"), "sha256").explode("block")
    return rows.sort("block", "entry")


def encode_passages(
    vectors: pl.DataFrame,
    passages: pl.DataFrame,
    saes: Mapping[tuple[str, int], Sae],
    progress: Callable[[int], None] = lambda n: None,
) -> Encoded:
    """Return the latents of every filing's passages at every block of `saes`: the mean, and the strongest passages.

    Filings are encoded one by one: a product of another shape differs in its last bits, and a filing must not depend
    on which others are encoded with it.

    Parameters
    ----------
    vectors : DataFrame
        Rows of `passage_vectors`.
    passages : DataFrame
        Rows of `passages` of these filings: accession, passage, start, end.
    saes : mapping
        Autoencoder by entry and block.
    progress : callable
        Advances by filings.

    Raises
    ------
    NoEntryError
        There are vectors, and none of a block that an autoencoder reads.
    """
    read = sorted(vectors["block"].unique())
    if missing := sorted({block for _, block in saes} - set(read)) if read else []:
        raise NoEntryError(f"passages.blocks: an autoencoder over passages reads block {missing[0]}; there is {read}")
    features, kept = [schemas.COMPANY_FEATURES.empty()], [schemas.THEME_PASSAGES.empty()]
    spans = passages.select("accession", "passage", "start", "end")
    placed = vectors.join(spans, on=["accession", "passage"], how="inner", validate="m:1")
    for (_,), rows in placed.sort("accession", "passage").group_by("accession", maintain_order=True):
        for (entry, block), sae in saes.items():
            of_block = rows.filter(block=block)
            if of_block.is_empty():
                continue
            tags = {
                **of_block.row(0, named=True),
                "view": "passages",
                "entry": entry,
                "block": block,
                "pooling": POOLING,
            }
            pooled, strongest = encode_filing(of_block, sae, block)
            features.append(_tagged(pooled, tags, features[0].schema))
            kept.append(_tagged(strongest, tags, kept[0].schema))
        progress(1)
    return Encoded(pl.concat(features), pl.concat(kept))


def encode_filing(passages: pl.DataFrame, sae: Sae, block: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the mean of every latent over the passages of one filing, and its strongest passages.

    Parameters
    ----------
    passages : DataFrame
        Columns passage, start, end, vector; in order.

    Returns
    -------
    DataFrame(latent, value, peak_position, peak_start, peak_end, peak)
        Sorted by latent.
    DataFrame(latent, rank, passage, start, end, value)
        Sorted by latent and rank.
    """
    values, indices = encode_rows(as_matrix(passages["vector"]), sae, block)
    number, start, end = (passages[name].to_numpy() for name in ("passage", "start", "end"))
    pooled = pool_filing(values, indices, np.ones(len(values), dtype=bool), start, end, pooling=POOLING)
    peaks = number[pooled["peak_position"].to_numpy()]
    pooled = pooled.with_columns(pl.Series("peak_position", peaks, dtype=pl.Int32))
    row, latent, rank, value = strongest_rows(values, indices, PASSAGES_KEPT)
    strongest = {"latent": latent, "rank": rank, "passage": number[row], "start": start[row], "end": end[row]}
    return pooled, pl.DataFrame(strongest | {"value": value})


def as_matrix(vectors: pl.Series) -> NDArray[np.float32]:
    """Return the column `vector` of `passage_vectors` as [passages, d_model]."""
    raw = np.frombuffer(b"".join(vectors), dtype="<f2")
    return raw.reshape(len(vectors), -1).astype(np.float32)


def strongest_rows(
    values: NDArray[np.floating[Any]], indices: NDArray[np.integer[Any]], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the `count` rows in which each latent is strongest: row, latent, rank from 1, value; equal ones in order.

    Parameters
    ----------
    values, indices : [rows, k]
        Activations of the active latents, at least 0, and which latents they are.
    """
    row, slot = np.nonzero(values > 0)
    active, latent = values[row, slot].astype(np.float64), indices[row, slot].astype(np.int64)
    order = np.lexsort((row, -active, latent))
    row, active, latent = row[order], active[order], latent[order]
    rank = np.arange(len(latent)) - np.searchsorted(latent, latent) + 1
    kept = rank <= count
    return row[kept], latent[kept], rank[kept], active[kept]


def _tagged(rows: pl.DataFrame, tags: Mapping[str, Any], schema: pl.Schema) -> pl.DataFrame:
    """Add the columns of a schema that rows lack, each one value, in the schema's order and types."""
    added = {name: pl.lit(tags[name], kind) for name, kind in schema.items() if name not in rows.columns}
    return rows.with_columns(**added).select(pl.col(name).cast(kind) for name, kind in schema.items())
