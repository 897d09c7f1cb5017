"""Passages of companies that have themes, as rows of `passage_corpus`."""

from datetime import date

import numpy as np
import polars as pl

from assets import schemas

D = 16


def themed_vectors(themes: int, rows: int, seed: int) -> np.ndarray:
    """Directions of a fixed few themes, one or two in each row, with one dimension that is larger than all others."""
    directions = np.random.default_rng(99).normal(size=(themes, D))
    random = np.random.default_rng(seed)
    x = directions[random.integers(themes, size=rows)] + 0.6 * directions[random.integers(themes, size=rows)]
    x = x + 0.1 * random.normal(size=x.shape)
    x[:, 3] = 300 + 40 * x[:, 3]
    return x.astype(np.float16)


def passage_corpus(
    companies: int = 30, each: int = 12, *, block: int = 24, validation: int = 4, themes: int = 8, seed: int = 0
) -> pl.DataFrame:
    """Rows of `passage_corpus`; the last companies validate."""
    vectors = themed_vectors(themes, companies * each, seed)
    rows = [
        {
            "accession": f"a-{company:03}",
            "company_id": f"{company:010}",
            "filed_at": date(2004, 3, 1),
            "split": "validation" if company >= companies - validation else "train",
            "passage": passage,
            "block": block,
            "text": f"Company {company} does thing {passage}.",
            "vector": vectors[company * each + passage].tobytes(),
        }
        for company in range(companies)
        for passage in range(each)
    ]
    return schemas.PASSAGE_CORPUS.frame(rows)
