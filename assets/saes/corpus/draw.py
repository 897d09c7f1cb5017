"""The pinned corpus: which documents train the autoencoders, validate them, are held out, and which tokens count."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets import schemas
from assets.activations.shards.shards import Shards, massive_tokens
from resources.settings.corpus import Corpus


class CorpusError(ValueError):
    """No corpus can be drawn from the filings there are."""


@dataclass(frozen=True)
class Rows:
    """Residual streams of a block [rows, d_model]; indexing it with row numbers reads those rows only."""

    shards: Shards
    block: int

    def __len__(self) -> int:
        return self.shards.rows

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        return self.shards.gathered(self.block, rows)


def draw_corpus(filings: pl.DataFrame, settings: Corpus) -> pl.DataFrame:
    """Draw whole documents, in an order fixed by the seed, until `max_tokens` is reached.

    Parameters
    ----------
    filings : DataFrame
        Columns accession, filed_at, tokens.

    Returns
    -------
    DataFrame(accession, split)
        Sorted by accession. Of the documents drawn the first `held_out_share` are held out for scores, the next
        `validation_share` tell when to stop training, at least one document each.

    Raises
    ------
    CorpusError
        So few documents were filed by the cut-off date that none would be left to train on.
    """
    eligible = filings.filter(pl.col("filed_at") <= settings.cutoff).sort("accession")
    order = np.random.default_rng([settings.seed, settings.version]).permutation(eligible.height)
    drawn = eligible[order].with_columns(before=pl.col("tokens").cum_sum() - pl.col("tokens"))
    drawn = drawn.filter(pl.col("before") < settings.max_tokens)
    held_out = max(1, round(settings.held_out_share * drawn.height))
    validation = max(1, round(settings.validation_share * drawn.height))
    if drawn.height <= held_out + validation:
        raise CorpusError(
            f"{drawn.height} documents by {settings.cutoff}, {held_out} of them held out and {validation} for "
            "validation: raise corpus.cutoff or corpus.max_tokens"
        )
    place = pl.int_range(pl.len())
    split = (
        pl.when(place < held_out)
        .then(pl.lit("held_out"))
        .when(place < held_out + validation)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )
    return drawn.select("accession", split=split).sort("accession")


def corpus_rows(filings: pl.DataFrame, descriptions: pl.DataFrame, settings: Corpus) -> pl.DataFrame:
    """Return rows of `sae_corpus`: what `draw_corpus` draws from rows of `activations`, with the texts."""
    texts = descriptions.select("accession", "text")
    drawn = draw_corpus(filings, settings).join(filings, on="accession").join(texts, on="accession")
    return drawn.select(column.name for column in schemas.SAE_CORPUS.columns)


def kept_tokens(shards: Shards, index: pl.DataFrame, block: int, massive_norm: float) -> NDArray[np.bool_]:
    """Return the mask [rows] of the tokens of a block that are not massive in their document (docs/method.md)."""
    keep = np.zeros(shards.rows, dtype=bool)
    for first, tokens in index.select("first_row", "tokens").iter_rows():
        norms = np.linalg.norm(shards.activations(block, first, tokens).astype(np.float32), axis=1)
        keep[first : first + tokens] = ~massive_tokens(norms, massive_norm)
    return keep


def kept_everywhere(shards: Shards, index: pl.DataFrame, massive_norm: float) -> NDArray[np.bool_]:
    """Return the mask [rows] of tokens that are massive at no block: all blocks are measured on the same tokens."""
    masks = [kept_tokens(shards, index, block, massive_norm) for block in shards.blocks]
    return np.asarray(np.logical_and.reduce(masks))


def kept_sample(
    shards: Shards, index: pl.DataFrame, block: int, massive_norm: float, most: int
) -> NDArray[np.floating]:
    """Return at most so many tokens of a block, evenly spaced over documents, none massive: [tokens, d_model]."""
    kept = np.flatnonzero(kept_tokens(shards, index, block, massive_norm))
    spaced = np.linspace(0, len(kept) - 1, min(most, len(kept))).astype(np.int64)
    return shards.gathered(block, kept[spaced])


def stacked(shards: Shards, first: int, tokens: int, keep: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the activations of one document at all blocks, [blocks, kept tokens, d_model]."""
    kept = keep[first : first + tokens]
    return np.stack([shards.activations(b, first, tokens)[kept].astype(np.float32) for b in shards.blocks])
