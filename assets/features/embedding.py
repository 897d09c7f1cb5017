"""The baseline that latents are compared with: one sentence embedding for each filing."""

from collections.abc import Callable

import polars as pl

from assets import schemas
from resources.models.embedder import open_embedder
from resources.settings.embedder import Embedder


def embed_filings(filings: pl.DataFrame, settings: Embedder, progress: Callable[[int], None]) -> pl.DataFrame:
    """Return rows of `company_embeddings` for filings (accession, company_id, filed_at, text).

    The embedder is opened only if there are filings. `progress` advances by filings.
    """
    rows = []
    if filings.height:
        embedder = open_embedder(settings)
        for filing in filings.select("accession", "company_id", "filed_at", "text").iter_rows(named=True):
            text = filing.pop("text")
            rows.append({**filing, "model": embedder.identity, "embedding": embedder.embed(text).tolist()})
            progress(1)
    return schemas.COMPANY_EMBEDDINGS.frame(rows)
