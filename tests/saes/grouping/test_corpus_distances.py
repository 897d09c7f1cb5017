"""Angular distances over the training documents of the corpus."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fakes.activation_parts import write_streams

from assets import schemas
from assets.saes.grouping.corpus_distances import corpus_distances
from assets.saes.grouping.distances import AngularDistances, distance_matrix
from resources.models.tokens import Tokens

LENGTHS = [40, 25, 35]


def test_distances_are_those_of_all_documents_without_massive_tokens(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    streams = {block: random.normal(1, 1, (sum(LENGTHS), 8)).astype(np.float16) for block in (2, 5)}
    streams[5][50] = 1_000
    numbers = [np.arange(n, dtype=np.int32) for n in LENGTHS]
    shards = write_streams(tmp_path, [(f"a-{i}", Tokens(n, n, n + 1)) for i, n in enumerate(numbers)], streams)
    train = pl.DataFrame({"first_row": np.cumsum([0, *LENGTHS[:-1]]), "tokens": LENGTHS})
    counted: list[int] = []
    rows, measured = corpus_distances(shards, train, massive_norm=10.0, seed=0, precision=None, progress=counted.append)
    by_hand, kept = AngularDistances(), np.delete(np.stack([streams[2], streams[5]]).astype(np.float32), 50, axis=1)
    by_hand.add_means(kept)
    by_hand.add(kept)
    assert schemas.LAYER_DISTANCES.validate(rows).num_rows == 4
    blocks, distances = distance_matrix(rows)
    assert blocks == [2, 5]
    assert distances == pytest.approx(by_hand.distances(), abs=1e-5)
    assert (measured["tokens"], measured["documents"], measured["massive_tokens"]) == (99, 3, 1)
    assert len(counted) == 6
