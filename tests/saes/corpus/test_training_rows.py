"""Rows in memory are drawn as rows of shards are."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from fakes.activation_parts import write_streams

from assets.saes.corpus.training_rows import TrainingRows, VectorRows
from resources.models.tokens import Tokens

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float16)


@pytest.fixture
def sources(tmp_path: Path) -> list[TrainingRows]:
    numbers = np.arange(len(X), dtype=np.int32)
    shards = write_streams(tmp_path, [("a", Tokens(numbers, numbers, numbers + 1))], {3: X})
    return [VectorRows({3: X.astype(np.float32)}), shards]


def test_both_say_how_large_they_are(sources: list[TrainingRows]) -> None:
    found = [(one.rows, one.d_model, list(one.blocks), list(one.dtypes(3))) for one in sources]
    assert found == [(40, 6, [3], ["float32"]), (40, 6, [3], ["float16"])]


def test_both_give_the_same_rows_in_the_same_order(sources: list[TrainingRows]) -> None:
    drawn = [islice(one.sample_tokens(16, 7, [3], max_bytes=1 << 30, pool_rows=64), 9) for one in sources]
    for ours, theirs in zip(*drawn, strict=True):
        np.testing.assert_array_equal(ours.rows, theirs.rows)
        np.testing.assert_array_equal(ours.take(3, np.arange(16)), X[ours.rows])


def test_an_epoch_has_every_row_once() -> None:
    stream = VectorRows({3: X.astype(np.float32)}).sample_tokens(8, 1, max_bytes=1 << 30, pool_rows=None)
    rows = np.concatenate([sample.rows for sample in islice(stream, 5)])
    assert sorted(rows) == list(range(40))
