"""Windows of an autoencoder's latents: the passages of the pinned corpora, and what wakes which latent in them."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from assets.activations.shards.shards import Shards, massive_tokens
from assets.features.encoding import CHUNK, encode_rows
from assets.features.labels.windows import Windows
from assets.features.passages import as_matrix
from assets.saes.model.sae import Sae

MOST_BYTES = 1 << 30
"""Of the windows of one split; further documents are left out of labels."""


def passage_windows(corpus: pl.DataFrame, sae: Sae, block: int) -> Windows:
    """Return the windows of an autoencoder over passages: the passages of the pinned corpus.

    Parameters
    ----------
    corpus : DataFrame
        Rows of `passage_corpus`, of any blocks.
    """
    rows = corpus.filter(block=block).sort("accession", "passage")
    x = as_matrix(rows["vector"])
    return Windows(
        rows["text"].to_list(),
        rows["company_id"].to_list(),
        rows["accession"].to_list(),
        _dense(*encode_rows(x, sae, block), sae.config.n_latents),
        _pre_activations(x, sae, block),
    )


def token_windows(
    index: pl.DataFrame, shards: Shards, passages: pl.DataFrame, sae: Sae, block: int, massive_norm: float
) -> Windows:
    """Return the windows of an autoencoder over tokens: passages, in which a latent has its largest activation.

    Parameters
    ----------
    index, shards : DataFrame, Shards
        Rows accession, text, first_row, tokens of an opened split of `sae_corpus`, and its shards.
    passages : DataFrame
        Rows of `passages`: accession, company_id, start, end; filings that have none are left out.
    massive_norm : float
        Tokens above so many medians of their document are left out.
    """
    spans = {
        str(accession): rows.select("company_id", "start", "end").rows()
        for (accession,), rows in passages.sort("accession", "start").group_by("accession")
    }
    texts: list[str] = []
    owners: list[str] = []
    filings: list[str] = []
    values: list[NDArray[np.float32]] = []
    nearness: list[NDArray[np.float32]] = []
    room = MOST_BYTES // (2 * 4 * sae.config.n_latents)
    for accession, text, first, tokens in index.select("accession", "text", "first_row", "tokens").iter_rows():
        if len(texts) >= room:
            break
        x = shards.activations(block, first, tokens).astype(np.float32)
        keep = ~massive_tokens(np.linalg.norm(x, axis=1), massive_norm)
        ends = shards.tokens(first, tokens)["char_end"].to_numpy()
        pre = _pre_activations(x, sae, block)
        dense = _dense(*encode_rows(x, sae, block), sae.config.n_latents)
        for company, start, end, own in _tokens_of(spans.get(accession, []), ends, keep):
            texts.append(text[start:end])
            owners.append(company)
            filings.append(accession)
            values.append(dense[own].max(axis=0))
            nearness.append(pre[own].max(axis=0))
    empty = np.zeros((0, sae.config.n_latents), dtype=np.float32)
    return Windows(
        texts, owners, filings, np.stack(values) if values else empty, np.stack(nearness) if values else empty
    )


def _tokens_of(
    spans: Sequence[tuple[str, int, int]], ends: NDArray[np.integer], keep: NDArray[np.bool_]
) -> Iterator[tuple[str, int, int, NDArray[np.int64]]]:
    """Yield every passage with the tokens that end in it and are kept; none for a passage without any."""
    for company, start, end in spans:
        first, last = np.searchsorted(ends, [start + 1, end + 1])
        own = np.arange(first, last)[keep[first:last]]
        if len(own):
            yield company, start, end, own


def _dense(values: NDArray[np.float32], indices: NDArray[np.int64], latents: int) -> NDArray[np.float32]:
    """Return activations [rows, latents] of the active latents [rows, width]."""
    dense = np.zeros((len(values), latents), dtype=np.float32)
    row, slot = np.nonzero(values > 0)
    dense[row, indices[row, slot]] = values[row, slot]
    return dense


def _pre_activations(x: NDArray[np.float32], sae: Sae, block: int) -> NDArray[np.float32]:
    """Return [rows, latents] what the encoder makes of each vector before it chooses who is active."""
    one = sae.at(block)
    pre = np.empty((len(x), sae.config.n_latents), dtype=np.float32)
    with torch.inference_mode():
        for first in range(0, len(x), CHUNK):
            part = one.scaled(torch.from_numpy(x[first : first + CHUNK]), block)
            pre[first : first + CHUNK] = torch.addmm(one.encoder.bias, part - one.b_dec, one.encoder.weight.T).numpy()
    return pre
