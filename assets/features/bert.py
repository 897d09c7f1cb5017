"""The paper's BERT baseline: the [CLS] vector of every filing, where the profile names an encoder."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from assets import schemas
from resources.models.bert_cls import bert_cls_vectors


def bert_rows(filings: pl.DataFrame, folder: Path | None, progress: Callable[[int], None]) -> pl.DataFrame:
    """Return rows of `bert_vectors` for filings (accession, company_id, filed_at, text); none without an encoder.

    The encoder is opened only if there are filings. `progress` advances by filings.
    """
    if folder is None or filings.is_empty():
        return schemas.BERT_VECTORS.empty()
    vectors = bert_cls_vectors(folder, filings["text"].to_list(), progress).tolist()
    told = filings.select("accession", "company_id", "filed_at").to_dicts()
    return schemas.BERT_VECTORS.frame({**row, "vector": own} for row, own in zip(told, vectors, strict=True))
