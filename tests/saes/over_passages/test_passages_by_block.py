"""The pinned passages as matrices, block by block."""

import numpy as np
import polars as pl
import pytest
from fakes.passage_corpora import D, passage_corpus

from assets.saes.corpus.batches import CorpusTooSmallError, InvalidActivationsError
from assets.saes.over_passages.vectors import passages_by_block


def test_each_block_has_its_own_passages() -> None:
    corpus = pl.concat([passage_corpus(5, 3, block=24, validation=1), passage_corpus(5, 3, block=8, validation=1)])
    first, second = passages_by_block(corpus)
    assert (first.block, second.block) == (8, 24)
    assert first.x.shape == (15, D)
    assert (len(first.train), len(first.validation), first.texts) == (12, 3, 12)
    assert first.x[4].tobytes() == corpus.filter(pl.col("block") == 8)["vector"][4]


def test_the_order_of_rows_changes_nothing() -> None:
    """Joins give them in any order, and batches are drawn by their number."""
    ours, theirs = (
        next(passages_by_block(rows))
        for rows in (passage_corpus(), passage_corpus().sample(fraction=1, shuffle=True, seed=1))
    )
    np.testing.assert_array_equal(ours.x, theirs.x)
    np.testing.assert_array_equal(ours.company, theirs.company)
    np.testing.assert_array_equal(ours.is_train, theirs.is_train)


@pytest.mark.parametrize(("companies", "each", "validation"), [(3, 3, 1), (4, 3, 0), (30, 1, 1)])
def test_too_few_passages_are_refused_with_a_remedy(companies: int, each: int, validation: int) -> None:
    with pytest.raises(CorpusTooSmallError, match=r"block 24: \d+ passages .* add companies or years"):
        list(passages_by_block(passage_corpus(companies, each, validation=validation)))


def test_an_empty_corpus_is_refused_with_a_remedy() -> None:
    with pytest.raises(CorpusTooSmallError, match="corpus of passages is empty"):
        list(passages_by_block(passage_corpus(5, 3).clear()))


def test_passages_that_are_all_alike_are_refused() -> None:
    corpus = passage_corpus()
    with pytest.raises(CorpusTooSmallError, match="are all alike"):
        list(passages_by_block(corpus.with_columns(vector=pl.lit(corpus["vector"][0]))))


def test_vectors_that_are_not_finite_are_refused() -> None:
    bad = np.full(D, np.nan, dtype=np.float16).tobytes()
    corpus = passage_corpus().with_columns(
        vector=pl.when(pl.col("accession") == "a-007").then(pl.lit(bad)).otherwise("vector")
    )
    with pytest.raises(InvalidActivationsError, match="NaN or infinity"):
        list(passages_by_block(corpus))
