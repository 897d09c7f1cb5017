"""Where the language model's residual stream lies for a whole description: the baseline without an autoencoder."""

import numpy as np
import polars as pl

from assets import schemas
from assets.features.passages import as_matrix


def description_vectors(vectors: pl.DataFrame, passages: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `description_vectors`: of every filing and block the mean over its passages, weighted by tokens.

    Parameters
    ----------
    vectors : DataFrame
        Rows of `passage_vectors`.
    passages : DataFrame
        Rows of `passages` of these filings.
    """
    counted = vectors.join(passages.select("accession", "passage", "tokens"), on=["accession", "passage"])
    rows = []
    for (accession, block), own in counted.sort("accession", "block", "passage").group_by(
        "accession", "block", maintain_order=True
    ):
        mean = np.average(as_matrix(own["vector"]), axis=0, weights=own["tokens"].to_numpy())
        told = own.row(0, named=True)
        filing = {"accession": accession, "company_id": told["company_id"], "filed_at": told["filed_at"]}
        rows.append({**filing, "block": block, "vector": mean.astype(np.float32).tolist()})
    return schemas.DESCRIPTION_VECTORS.frame(rows)
