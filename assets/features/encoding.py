"""From residual streams and autoencoders to latents: which entry reads which block, and what it finds in a filing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from assets import schemas
from assets.activations.shards.part import Document
from assets.activations.shards.shards import massive_tokens
from assets.features.pooling import pool_filing
from assets.saes.model.sae import Sae
from resources.settings.features import Pooling

CHUNK = 4096
"""Tokens encoded at once."""


class NoEntryError(LookupError):
    """No autoencoder reads a block that `features.blocks` names."""


def chosen_entries(saes: pl.DataFrame, blocks: list[int]) -> pl.DataFrame:
    """Return the entry that reads each of `blocks`: rows entry, block, sha256, sorted by block.

    Raises
    ------
    NoEntryError
        A block has no autoencoder.
    """
    covered = saes.select("entry", "sha256", pl.col("blocks").alias("block")).explode("block")
    readers = covered.filter(pl.col("block").is_in(blocks)).sort("block", "entry")
    chosen = readers.unique("block", keep="first", maintain_order=True)
    if missing := sorted(set(blocks) - set(chosen["block"])):
        trained = sorted(covered["block"])
        raise NoEntryError(f"features.blocks: no autoencoder reads block {missing[0]}; those trained read {trained}")
    return chosen.select("entry", "block", "sha256")


def encode_filings(
    documents: Iterable[Document],
    saes: Mapping[tuple[str, int], Sae],
    filings: pl.DataFrame,
    *,
    massive_norm: float,
    pooling: Pooling,
    progress: Callable[[int], None] = lambda n: None,
) -> pl.DataFrame:
    """Return rows of `company_features`: latents of every document at every block of `saes`, by entry and block.

    Parameters
    ----------
    documents : filings with their residual streams, at all those blocks
    saes : autoencoder by entry and block
    filings : company_id, accession, filed_at of every document
    massive_norm : tokens above so many medians are never pooled
    pooling : how tokens become one value
    progress : advances by documents
    """
    rows = [schemas.COMPANY_FEATURES.empty()]
    columns = rows[0].columns
    for document in documents:
        for (entry, block), sae in saes.items():
            pooled = encode_document(document, sae, block, massive_norm=massive_norm, pooling=pooling)
            tagged = pooled.with_columns(entry=pl.lit(entry), block=pl.lit(block, pl.Int32))
            rows.append(tagged.join(filings, on="accession").select(columns))
        progress(1)
    return pl.concat(rows)


def encode_document(document: Document, sae: Sae, block: int, *, massive_norm: float, pooling: Pooling) -> pl.DataFrame:
    """Return the pooled latents of one filing at one block: columns of `company_features` that are its own."""
    values, indices, keep = encode_stream(document.streams[block], sae, block, massive_norm)
    words = document.tokens
    pooled = pool_filing(values, indices, keep, words.char_start, words.char_end, pooling=pooling)
    return pooled.with_columns(accession=pl.lit(document.accession), view=pl.lit("tokens"), pooling=pl.lit(pooling))


def encode_stream(
    stream: NDArray[np.floating[Any]], sae: Sae, block: int, massive_norm: float
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Encode the residual stream `[tokens, d_model]` of one document at one block.

    Returns
    -------
    values, indices : [tokens, width]
        Of the active latents; `width` is the most that one token has.
    keep : [tokens] bool
        False for massive activations: norm above `massive_norm` medians of the document.
    """
    x = stream.astype(np.float32)
    values, indices = encode_rows(x, sae, block)
    return values, indices, ~massive_tokens(np.linalg.norm(x, axis=1), massive_norm)


def encode_rows(x: NDArray[np.float32], sae: Sae, block: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return values and indices [rows, width] of the active latents of vectors `x: [rows, d_model]` of one block.

    They are computed where the autoencoder's weights are: one with 131,072 latents over 4,096 dimensions takes 1.07
    GFLOP a token, which a CPU would spend days on while a GPU waits.
    """
    one = sae.at(block)
    with torch.inference_mode():
        chunks = torch.split(torch.from_numpy(x), CHUNK)
        encoded = [one.encode(one.scaled(chunk.to(one.W_dec.device), block)) for chunk in chunks]
    values, indices = (join_rows([piece.cpu().numpy() for piece in pieces]) for pieces in zip(*encoded, strict=True))
    return values, indices


def join_rows(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return rows one after another; BatchTopK and JumpReLU give arrays of different width, which 0 fills up."""
    width = max(array.shape[1] for array in arrays)
    return np.concatenate([np.pad(array, ((0, 0), (0, width - array.shape[1]))) for array in arrays])
