"""How faithful the autoencoders of an artefact are on the held-out documents of the corpus, and how like their parents.

Cross-entropy, which needs the language model, is in `metrics`.
"""

from collections.abc import Callable
from functools import cache

import polars as pl

from assets.activations.source import CorpusReader
from assets.saes.corpus.draw import Rows, kept_tokens
from assets.saes.metrics import mmcs, reconstruction_scores
from assets.saes.stored import StoredSaes


def reconstruction(
    corpus: CorpusReader, saes: StoredSaes, massive_norm: float, progress: Callable[[int], None]
) -> tuple[pl.DataFrame, list[str]]:
    """Return FVU, L0 and dead latents per entry and block, and the texts of the held-out documents.

    `progress` advances by blocks of entries.
    """
    scores = []
    with corpus.open("held_out") as (held_out, shards):
        keep = cache(lambda block: kept_tokens(shards, held_out, block, massive_norm))
        for entry, block, sae in saes.by_block():
            rows = reconstruction_scores(sae, {block: Rows(shards, block)}, {block: keep(block)})
            scores.append(rows.with_columns(entry=pl.lit(entry)))
            progress(1)
    return pl.concat(scores), held_out["text"].to_list()


def decoder_mmcs(saes: StoredSaes) -> pl.DataFrame:
    """Return rows entry, mmcs: how like an entry's decoder is to that of the one it started from; null without one."""
    cosines = [
        mmcs(saes.load(entry).W_dec, saes.load(parent).W_dec) if parent else None
        for entry, parent in saes.rows.select("entry", "parent").iter_rows()
    ]
    return saes.rows.select("entry").with_columns(mmcs=pl.Series(cosines, dtype=pl.Float64))
