"""Writing a year's shards: filings that did not change are copied from the artefact before, the others are read."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from assets.activations.harvest import FilingActivations
from assets.activations.shards import Shards, ShardWriter, copy_rows


@dataclass(frozen=True)
class Kept:
    """Filings that did not change: the shards they lie in, and their rows of `activations` by accession."""

    shards: Shards | None
    rows: Mapping[str, dict[str, Any]]


def write_filings(
    writer: ShardWriter,
    filings: pl.DataFrame,
    kept: Kept,
    read: Callable[[str], FilingActivations],
    progress: Callable[[int], None] = lambda n: None,
) -> list[dict[str, Any]]:
    """Append filings (accession, company_id, filed_at, text) in their order; returns the rows of `activations`.

    Parameters
    ----------
    kept : Kept
        Filings whose rows are copied.
    read : callable
        Runs the model over the text of every other filing.
    """
    index = []
    for filing in filings.iter_rows(named=True):
        old = kept.rows.get(filing["accession"])
        first_row = writer.rows
        if old is not None and kept.shards is not None:
            copy_rows(kept.shards, writer, old["first_row"], old["tokens"])
            index.append({**old, "first_row": first_row})
        else:
            index.append(_append(writer, filing, read(filing["text"])))
        progress(1)
    return index


def _append(writer: ShardWriter, filing: dict[str, Any], harvested: FilingActivations) -> dict[str, Any]:
    first_row = writer.rows
    writer.append(filing["accession"], harvested.tokens, harvested.activations)
    return {
        "accession": filing["accession"],
        "company_id": filing["company_id"],
        "filed_at": filing["filed_at"],
        "first_row": first_row,
        "tokens": len(harvested.tokens),
        "sha256": content_hash(harvested),
    }


def content_hash(harvested: FilingActivations) -> str:
    """SHA-256 of a filing's blocks, tokens and activations."""
    total = hashlib.sha256(repr((harvested.blocks, harvested.activations.shape)).encode())
    tokens = harvested.tokens
    for part in (tokens.ids, tokens.char_start, tokens.char_end, harvested.activations):
        total.update(np.ascontiguousarray(part).data)
    return total.hexdigest()
