"""What scoreboard.py compares methods on: `data/sp500` read by the model, as a lake would hold it.

The model's pass and the training of the autoencoders are the slow parts: what they give lies in the folder of
`--scratch` and is taken from there the next time. Empty the folder after a change to how texts are read.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from reasons_texts import Texts, read, source, take
from reasons_views import PassageView, TokenView

from assets.clusters.methods import Known
from assets.features.attribution import company_vectors, view_shares
from assets.features.description_vectors import description_vectors
from assets.features.embedding import embed_filings
from assets.prices.returns import monthly_returns

NAME = "sp500"
MOST_PASSAGES = 400


@dataclass(frozen=True)
class Reading:
    """Where what the model reads is kept, and where it is taken from."""

    scratch: Path
    models: Path
    saved: Path | None = None
    """Folder of vectors that were read elsewhere (passage_texts.py says how they lie)."""


def known_companies(reading: Reading) -> Known:
    """Return what is known of the companies: rows of `company_vectors`, texts, embeddings and given groups."""
    rows, vectors = (reading.scratch / NAME / f"{name}.parquet" for name in ("companies", "vectors"))
    if not (rows.is_file() and vectors.is_file()):
        texts = _texts(reading)
        _companies(texts).write_parquet(rows)
        _vectors(texts).write_parquet(vectors)
    return Known(pl.read_parquet(rows), pl.read_parquet(vectors))


def returns(last: date) -> pl.DataFrame:
    """Return rows of `monthly_returns` from prices up to that day: nothing later is opened."""
    seen = pl.scan_parquet(_data() / "prices_daily.parquet").filter(pl.col("date") <= last)
    named = seen.select(company_id="ticker", date="date", adj_close=pl.col("adj_close").cast(pl.Float64))
    return monthly_returns(named.collect())


def only(known: Known, ids: Sequence[str]) -> Known:
    """Return what is known of some of the companies; their vectors stay those made among all."""
    among = pl.col("company_id").is_in(ids)
    return Known(known.companies.filter(among), known.vectors.filter(among))


def _texts(reading: Reading) -> Texts:
    place = (reading.scratch, reading.models, MOST_PASSAGES)
    if reading.saved:
        return take(NAME, source(NAME), reading.saved, *place)
    return read(NAME, source(NAME), *place)


def _vectors(texts: Texts) -> pl.DataFrame:
    """Return rows of `company_vectors`, by autoencoders of one seed."""
    views = [PassageView(texts, 0).described, *([TokenView(texts, texts.shards).described] if texts.shards else [])]
    settings, shares = texts.profile.features, view_shares(texts.profile.features.views)
    features, labels = (pl.concat([getattr(view, part) for view in views]) for part in ("features", "labels"))
    return company_vectors(features, settings.weighting, shares, labels, settings.told_weight)


def _companies(texts: Texts) -> pl.DataFrame:
    """Return the columns of `Known.companies`."""
    given = pl.read_parquet(_data() / "companies.parquet").select("sic", "sector", "industry", company_id="ticker")
    embedded = embed_filings(texts.filings, texts.profile.embedder, lambda _: None).select("accession", "embedding")
    means = description_vectors(texts.vectors, texts.passages).select("accession", lm_mean="vector")
    rows = texts.filings.select("company_id", "accession", "text").join(given, on="company_id", how="left")
    found = rows.join(embedded, on="accession", how="left").join(means, on="accession", how="left").sort("company_id")
    # No encoder is at hand: `bert_cls` names nobody.
    return found.with_columns(bert_cls=pl.lit(None, pl.List(pl.Float32)))


def _data() -> Path:
    return Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / NAME
