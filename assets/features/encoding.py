"""From shards and autoencoders to latents: which entry speaks for which block, and what it sees in a filing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from assets.activations.shards.part import Document
from assets.activations.shards.shards import Shards, massive_tokens
from assets.features.labels import label_latents
from assets.features.pooling import pool_filing
from assets.saes.model.sae import Sae
from resources.settings.profile import Profile

CHUNK = 4096


class NoEntryError(LookupError):
    """No autoencoder reads a block that features are asked of."""


def chosen_entries(saes: pl.DataFrame, blocks: list[int]) -> pl.DataFrame:
    """The entry that reads each of `blocks`: rows entry, block, sha256, sorted by block.

    Raises
    ------
    NoEntryError
        A block has no autoencoder.
    """
    covered = saes.select("entry", "sha256", pl.col("blocks").alias("block")).explode("block")
    wanted = covered.filter(pl.col("block").is_in(blocks)).sort("block", "entry")
    chosen = wanted.unique("block", keep="first", maintain_order=True)
    if missing := sorted(set(blocks) - set(chosen["block"])):
        trained = sorted(covered["block"])
        raise NoEntryError(f"features.blocks: no autoencoder reads block {missing[0]}; those trained read {trained}")
    return chosen.select("entry", "block", "sha256")


def encode_document(document: Document, sae: Sae, block: int, profile: Profile) -> pl.DataFrame:
    """Pooled latents of one filing at one block: columns of `company_features` that are its own."""
    values, indices, keep = _encode(document.streams[block], sae, block, profile.activations.massive_norm)
    words, pooling = document.tokens, profile.features.pooling
    pooled = pool_filing(values, indices, keep, words.char_start, words.char_end, pooling=pooling)
    return pooled.with_columns(accession=pl.lit(document.accession), pooling=pl.lit(pooling))


def label_entry(shards: Shards, train: pl.DataFrame, sae: Sae, block: int, profile: Profile) -> pl.DataFrame:
    """Labels of an entry's latents at one block, from the training documents (first_row, tokens, accession, text)."""
    massive = profile.activations.massive_norm
    spans = list(train.select("first_row", "tokens").iter_rows())
    parts = [_encode(shards.activations(block, first, tokens), sae, block, massive) for first, tokens in spans]
    values, indices = (_joined([part[i] for part in parts]) for i in range(2))
    keep = np.concatenate([part[2] for part in parts])
    words = pl.concat([shards.tokens(first, tokens) for first, tokens in spans])
    texts = dict(train.select("accession", "text").iter_rows())
    return label_latents(values, indices, keep, words, texts, settings=profile.labels)


def _encode(
    stream: NDArray[np.floating[Any]], sae: Sae, block: int, massive_norm: float
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Values and indices [tokens, k] of the active latents, and the mask of tokens that are not massive."""
    x, one = stream.astype(np.float32), sae.at(block)
    with torch.inference_mode():
        encoded = [one.encode(one.scaled(chunk, block)) for chunk in torch.split(torch.from_numpy(x), CHUNK)]
    values, indices = (_joined([piece.numpy() for piece in part]) for part in zip(*encoded, strict=True))
    return values, indices, ~massive_tokens(np.linalg.norm(x, axis=1), massive_norm)


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Rows one after another; where they are of different width, filled up with 0."""
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts])
