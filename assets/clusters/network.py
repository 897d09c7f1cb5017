"""The links of a network: the pairs that a method finds most alike, as many as a share of all pairs."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.peer_methods.nearness import Evidence
from assets.clusters.peer_methods.registry import METHODS, PLACEBO, nearness


def networks(evidence: Evidence, share: float) -> Iterator[pl.DataFrame]:
    """Yield the links of every method that compares, with its name; classifications and the placebo have none."""
    for method in METHODS:
        # Asked for even where it is a classification: only its answer says so, and that is cheap.
        near = nearness(method, evidence) if method != PLACEBO else None
        if near is not None and near.groups is None:
            yield links(near.similarity, evidence.known.ids, share).with_columns(method=pl.lit(method))


def links(similarity: NDArray[np.float64], ids: list[str], share: float) -> pl.DataFrame:
    """Return the links of one method, both ways round: company1, company2, score, by company1 and company2.

    A method need not be symmetric, so each way round is a pair of its own, as in `tnic`.

    Parameters
    ----------
    similarity : [n, n] float64
        NaN where the method cannot say.
    ids : list of str
        Companies in the order of rows and columns.
    share : float
        Share of the n (n - 1) ordered pairs that are links, at least one. Pairs tied with the last are links, too; a
        score of 0 or less, or one that is not known, is none.
    """
    n = len(ids)
    positive = similarity > 0
    np.fill_diagonal(positive, False)
    scores = similarity[positive]
    wanted = max(round(share * n * (n - 1)), 1)
    if len(scores) > wanted:
        positive &= similarity >= np.partition(scores, -wanted)[-wanted]
    rows, columns = np.nonzero(positive)
    names = pl.Series(ids, dtype=pl.String)
    return pl.DataFrame(
        {"company1": names.gather(rows), "company2": names.gather(columns), "score": similarity[rows, columns]}
    )
