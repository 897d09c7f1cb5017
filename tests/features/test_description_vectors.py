"""The mean residual stream of a description: by block, weighted by tokens, of prose alone."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.features.description_vectors import description_vectors

DAY = date(2004, 3, 1)


def vectors(rows: list[tuple[str, int, int, list[float]]]) -> pl.DataFrame:
    return schemas.PASSAGE_VECTORS.frame(
        {
            "accession": accession,
            "company_id": f"c{accession}",
            "filed_at": DAY,
            "passage": passage,
            "block": block,
            "vector": np.array(vector, dtype="<f2").tobytes(),
        }
        for accession, passage, block, vector in rows
    )


def passages(tokens: dict[tuple[str, int], int]) -> pl.DataFrame:
    return schemas.PASSAGES.frame(
        {
            "accession": accession,
            "company_id": f"c{accession}",
            "filed_at": DAY,
            "passage": passage,
            "start": 0,
            "end": 1,
            "tokens": count,
            "kind": "text",
            "rule": None,
        }
        for (accession, passage), count in tokens.items()
    )


def test_a_passage_counts_as_often_as_it_has_tokens() -> None:
    rows = vectors([("a", 0, 8, [1, 0]), ("a", 2, 8, [0, 4]), ("b", 0, 8, [2, 2]), ("a", 0, 24, [7, 7])])
    counts = passages({("a", 0): 30, ("a", 1): 500, ("a", 2): 10, ("b", 0): 3})
    found = description_vectors(rows, counts)
    assert found.select("accession", "company_id", "filed_at", "block").rows() == [
        ("a", "ca", DAY, 8),
        ("a", "ca", DAY, 24),
        ("b", "cb", DAY, 8),
    ]
    assert found["vector"].to_list() == [pytest.approx([0.75, 1.0]), pytest.approx([7, 7]), pytest.approx([2, 2])]


def test_without_a_passage_there_is_no_vector() -> None:
    assert description_vectors(vectors([]), passages({("a", 0): 3})).is_empty()
