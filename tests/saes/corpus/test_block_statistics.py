"""What training has to know of a block: the tokens that count, its scale, its mean."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fakes.activation_parts import write_streams

from assets.saes.corpus.batches import InvalidActivationsError
from assets.saes.corpus.block_statistics import BlockStatistics, block_statistics, statistics_of
from resources.models.tokens import Tokens

SQUARES = np.array([[3.0, 4.0], [0.0, 5.0], [4.0, 3.0], [300.0, 400.0], [0.0, 10.0]], np.float16)
"""Norms 5, 5, 5, 500, 10."""


def of(*documents: np.ndarray, first: int = 0, times: float = 10.0) -> BlockStatistics:
    """Statistics of documents that follow one another from row `first` on, of 3 rows more than they have."""
    starts = first + np.cumsum([0, *map(len, documents)])
    given = list(zip(starts.tolist(), documents, strict=False))
    return block_statistics(given, int(starts[-1]) + 3, times, "block 3")


def test_scale_and_mean_by_hand() -> None:
    found = of(SQUARES)
    assert found.keep.tolist() == [True, True, True, False, True, False, False, False]
    assert found.scale == pytest.approx(1 / ((5 + 5 + 5 + 10) / 4))
    assert found.mean.tolist() == pytest.approx([7 / 4 / 6.25, 22 / 4 / 6.25])


def test_massive_is_judged_by_document() -> None:
    found = of(SQUARES[:3], SQUARES[3:], first=2)
    assert found.keep.tolist() == [False, False, True, True, True, True, True, False, False, False]
    assert found.scale == pytest.approx(1 / ((5 + 5 + 5 + 500 + 10) / 5))


def test_scaled_activations_have_a_mean_norm_of_one() -> None:
    random = np.random.default_rng(0)
    x = (random.normal(size=(1000, 6)) * 100 + 30).astype(np.float16)
    x[3] = 60_000
    found = of(x)
    scaled = x[found.keep[:1000]].astype(np.float64) * found.scale
    assert np.linalg.norm(scaled, axis=1).mean() == pytest.approx(1, rel=1e-6)
    assert found.mean == pytest.approx(scaled.mean(axis=0), rel=1e-6)


def test_a_block_of_the_shards_is_read_document_by_document(tmp_path: Path) -> None:
    n = np.arange(3, dtype=np.int32)
    filings = [("a", Tokens(n[:2], n[:2], n[:2] + 1)), ("b", Tokens(n, n, n + 1))]
    shards = write_streams(tmp_path, filings, {3: SQUARES, 4: 2 * SQUARES[::-1]})
    index = pl.DataFrame({"first_row": [0, 2], "tokens": [2, 3]})
    found, expected = statistics_of(shards, index, 3, 10.0), of(SQUARES[:2], SQUARES[2:])
    assert found.keep.tolist() == expected.keep[:5].tolist() == [True, True, True, False, True]
    assert (found.scale, found.mean.tolist()) == (expected.scale, expected.mean.tolist())
    assert statistics_of(shards, index[1:], 3, 10.0).keep.tolist() == [False, False, True, False, True]
    assert statistics_of(shards, index, 4, 1e9).scale == pytest.approx(1 / (2 * 525 / 5))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("tokens", [1, 4])
def test_broken_activations_are_refused(value: float, tokens: int) -> None:
    broken = SQUARES.copy()
    broken[:tokens, 0] = value
    with pytest.raises(InvalidActivationsError, match="block 3: activations hold NaN or infinity"):
        of(SQUARES, broken)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_block_that_says_the_same_everywhere_is_refused(value: float) -> None:
    with pytest.raises(InvalidActivationsError, match=r"block 3: .* same on every token"):
        of(np.full((5000, 2), value, np.float16), np.full((7, 2), value, np.float16))


def test_one_dimension_that_varies_is_enough() -> None:
    x = np.full((5000, 2), 100.0, np.float32)
    x[::2, 1] += 0.01
    assert of(x).scale == pytest.approx(1 / np.hypot(100, 100.005), rel=1e-6)


def test_where_no_token_is_left_it_is_refused() -> None:
    for documents in ([], [SQUARES[:0]]):
        with pytest.raises(InvalidActivationsError, match="block 3: no token is left"):
            of(*documents)
    with pytest.raises(InvalidActivationsError, match=r"raise activations\.massive_norm"):
        of(SQUARES[:3], times=0.5)
