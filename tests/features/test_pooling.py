"""Pooling of token activations."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.features.pooling import PoolingError, pool_filing

VALUES = np.array([[100.0, 0.0], [1.0, 2.0], [3.0, 2.0]], dtype=np.float32)
INDICES = np.array([[5, 1], [5, 2], [5, 2]])
KEEP = np.array([False, True, True])
START = np.array([0, 3, 7])
END = np.array([3, 7, 12])


def pooled(pooling, keep=KEEP):
    return pool_filing(VALUES, INDICES, keep, START, END, pooling=pooling)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean", [2.0, 2.0]),
        ("max", [2.0, 3.0]),
        ("sum", [4.0, 4.0]),
        ("log1p_sum", [np.log(5.0), np.log(5.0)]),
    ],
)
def test_poolings_match_values_computed_by_hand(pooling, expected):
    assert pooled(pooling)["latent"].to_list() == [2, 5]
    assert pooled(pooling)["value"].to_list() == expected


def test_dropped_tokens_are_neither_summed_nor_counted_nor_peaks():
    row = pooled("mean").row(1, named=True)
    assert row == {"latent": 5, "value": 2.0, "peak_position": 2, "peak_start": 7, "peak_end": 12, "peak": 3.0}


def test_peak_is_the_first_of_equally_strong_tokens():
    assert pooled("max").filter(pl.col("latent") == 2)["peak_position"].item() == 1


def test_latents_that_would_be_zero_have_no_row():
    assert 1 not in pooled("sum", keep=np.array([True, True, True]))["latent"]


def test_filing_without_kept_tokens_has_typed_empty_features():
    empty = pooled("mean", keep=np.array([False, False, False]))
    assert empty.is_empty()
    assert empty.schema == pooled("mean").schema


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 5))
def test_pooling_agrees_with_dense_activations(seed, tokens, k):
    rng = np.random.default_rng(seed)
    values = np.maximum(rng.normal(size=(tokens, k)), 0)
    indices = np.array([rng.permutation(9)[:k] for _ in range(tokens)])
    keep = rng.random(tokens) < 0.8
    dense = np.zeros((tokens, 9))
    np.put_along_axis(dense, indices, values, axis=1)
    dense[~keep] = 0.0
    places = np.arange(tokens)
    for pooling, expected in {"sum": dense.sum(0), "max": dense.max(0)}.items():
        rows = pool_filing(values, indices, keep, places, places + 1, pooling=pooling)
        assert rows["latent"].to_list() == np.flatnonzero(expected).tolist()
        np.testing.assert_allclose(rows["value"], expected[expected > 0], rtol=1e-12)
        assert rows["peak_position"].to_list() == dense.argmax(0)[expected > 0].tolist()
        assert rows["peak"].to_list() == dense.max(0)[expected > 0].tolist()


def test_wrong_inputs_are_named():
    with pytest.raises(PoolingError, match="must hold one element for each of the 3 tokens"):
        pool_filing(VALUES, INDICES, KEEP[:2], START, END, pooling="mean")
    with pytest.raises(PoolingError, match=r"values \(3, 2\) and indices \(3, 1\)"):
        pool_filing(VALUES, INDICES[:, :1], KEEP, START, END, pooling="mean")
    with pytest.raises(PoolingError, match="token 1 has a negative"):
        pool_filing(-VALUES, INDICES, KEEP, START, END, pooling="mean")
    with pytest.raises(PoolingError, match="'median' is unknown"):
        pooled("median")
