"""Angular distances between blocks over the training documents of the corpus: first the means, then the angles."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.activations.shards.shards import Shards
from assets.saes.corpus.draw import kept_everywhere, stacked
from assets.saes.grouping.distances import AngularDistances, distance_rows


def corpus_distances(
    shards: Shards,
    documents: pl.DataFrame,
    *,
    massive_norm: float,
    seed: int,
    precision: float | None,
    progress: Callable[[int], None] = lambda n: None,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the rows of `layer_distances`, and how much was read for them.

    Means are over all documents. Angles are over as many as `precision` takes, in a random order, so that those read
    are a sample of all.

    Parameters
    ----------
    documents : rows first_row, tokens
    massive_norm : tokens above so many medians at any block are left out
    seed : of the order
    precision : half width of the widest 95 % interval at which reading ends, in [0, 1]; None: all documents
    progress : advances by documents, at most twice as many as there are
    """
    keep = kept_everywhere(shards, documents, massive_norm)

    def streams(rows: pl.DataFrame) -> Iterator[NDArray[np.float32]]:
        for first, tokens in rows.select("first_row", "tokens").iter_rows():
            yield stacked(shards, first, tokens, keep)
            progress(1)

    angles = AngularDistances(shards.blocks)
    for stream in streams(documents):
        angles.add_means(stream)
    order = np.random.default_rng(seed).permutation(documents.height)
    angles.add_until(streams(documents[order]), precision)
    rows = distance_rows(angles.distances(), angles.half_widths(), shards.blocks, angles.tokens)
    return rows, {
        "tokens": angles.tokens,
        "documents": angles.documents,
        "documents_in_corpus": documents.height,
        "massive_tokens": int((~keep).sum()),
        "half_width": rows["half_width"].max(),
    }
