"""The cache itself: the residual streams of a year's filings, stored where all are to be kept."""

import polars as pl

from assets import schemas
from assets.activations.cache import fill
from assets.activations.harvest.reader import input_digest
from assets.activations.shards.shards import Shards
from assets.activations.source import SHARDS, reader_of, texts_of
from resources.lake.build import Build
from resources.models.model_source import model_identity


def keep_activations(build: Build) -> pl.DataFrame:
    """Rows of `activations`, whose shards are made where they are to be kept."""
    settings, identity = build.profile.model, model_identity(build.profile.model, build.models)
    filings = build.read("descriptions")
    source = [input_digest(settings, identity, text) for text in filings["text"]]
    filings = filings.with_columns(input_digest=pl.Series(source, dtype=pl.String))
    reader, known = reader_of(build), build.before("activations")
    tokens = dict(
        known.join(filings, on=["accession", "input_digest"], how="semi").select("accession", "tokens").rows()
    )
    if build.profile.activations.keep == "all" and filings.height:
        folder = build.folder / SHARDS
        before = [build.before_folder / SHARDS] if build.previous else []
        filled = fill(folder, texts_of(filings), reader.blocks, before, reader)
        tokens = {accession: place.tokens for accession, place in Shards(folder).places.items()}
        build.metadata |= {"filings_read": len(filled.read), "filings_carried_over": len(filled.carried_over)}
        build.metadata |= reader.metadata
    counts = [
        tokens[accession] if accession in tokens else len(reader.tokenize(text))
        for accession, text in filings.select("accession", "text").iter_rows()
    ]
    columns = [column.name for column in schemas.ACTIVATIONS.columns]
    return filings.with_columns(tokens=pl.Series(counts, dtype=pl.Int32)).select(columns)
