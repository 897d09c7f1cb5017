"""The body of `activations`: a year's filings, their token counts, and their residual streams if all are kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assets import schemas
from assets.activations.cache import fill
from assets.activations.harvest.reader import Reader, input_digest, text_digest
from assets.activations.shards.shards import Shards
from assets.activations.source import SHARDS, texts_of
from resources.models.model_source import model_identity
from resources.settings.model import Model


@dataclass(frozen=True)
class Kept:
    """Tokens of each filing whose residual streams are stored, and what storing them took."""

    tokens: dict[str, int]
    metadata: dict[str, Any]


def text_digests(filings: pl.DataFrame, settings: Model, models: Path) -> dict[str, str]:
    """Return accession -> digest of all that the activations of its text depend on beside the code that reads."""
    identity = model_identity(settings, models)
    texts = filings.select("accession", "text").iter_rows()
    return {accession: text_digest(settings, identity, text) for accession, text in texts}


def with_input_digests(
    filings: pl.DataFrame, texts: Mapping[str, str], reading: str, before: pl.DataFrame, kept: Collection[str]
) -> pl.DataFrame:
    """Return filings with `input_digest`: the digest of all that their activations depend on.

    Parameters
    ----------
    filings : rows with an accession
    texts : their `text_digests`
    reading : version of the code that reads
    before : rows of `activations` of the artefact before
    kept : accessions whose activations are still those of `before`, and so keep their digest
    """
    known = before.filter(pl.col("accession").is_in(sorted(kept))).select("accession", "input_digest").iter_rows()
    digests = {accession: input_digest(text, reading) for accession, text in texts.items()} | dict(known)
    return filings.with_columns(input_digest=pl.Series([digests[a] for a in filings["accession"]], dtype=pl.String))


def keep_activations(filings: pl.DataFrame, reader: Reader, artefact: Path, previous: Path | None) -> Kept:
    """Store the residual streams of filings in an artefact.

    Parameters
    ----------
    filings : rows accession, text, input_digest
    reader : reads what is not there yet
    artefact : folder whose shards they become
    previous : folder of the artefact before it; what did not change is carried over from there
    """
    folder = artefact / SHARDS
    sources = [previous / SHARDS] if previous else []
    filled = fill(folder, texts_of(filings), reader.blocks, sources, reader)
    tokens = {accession: place.tokens for accession, place in Shards(folder).places.items()}
    counts = {"filings_read": len(filled.read), "filings_carried_over": len(filled.carried_over)}
    return Kept(tokens, counts | reader.metadata)


def known_tokens(filings: pl.DataFrame, before: pl.DataFrame) -> dict[str, int]:
    """Return the tokens of filings that were counted `before`, in rows of `activations`, and have not changed."""
    unchanged = before.join(filings, on=["accession", "input_digest"], how="semi")
    return dict(unchanged.select("accession", "tokens").iter_rows())


def activation_rows(filings: pl.DataFrame, tokens: Mapping[str, int], reader: Reader) -> pl.DataFrame:
    """Return rows of `activations`; a filing whose tokens are not known is tokenized."""
    counts = [
        tokens[accession] if accession in tokens else len(reader.tokenize(text))
        for accession, text in filings.select("accession", "text").iter_rows()
    ]
    columns = [column.name for column in schemas.ACTIVATIONS.columns]
    return filings.with_columns(tokens=pl.Series(counts, dtype=pl.Int32)).select(columns)
