"""The pinned passages: whole filings drawn by the seed, one split for all filings of a company."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from assets import schemas
from resources.settings.corpus import Corpus


class PassageCorpusError(ValueError):
    """No corpus can be drawn from the passages there are."""


def draw_filings(counts: pl.DataFrame, settings: Corpus, most: int) -> pl.DataFrame:
    """Draw whole filings, in an order fixed by the seed, up to so many passages.

    Parameters
    ----------
    counts : DataFrame
        Columns accession, company_id, filed_at and passages, the number of its passages of kind text.
    settings : Corpus
        Cut-off date, seed, version and share of validation.
    most : int
        Passages of the corpus.

    Returns
    -------
    DataFrame(accession, split)
        Sorted by accession. `validation_share` of the companies drawn, at least one, tell when to stop training.

    Raises
    ------
    PassageCorpusError
        Fewer than two companies are drawn, so that none would be left to train on.
    """
    eligible = counts.filter(pl.col("filed_at") <= settings.cutoff, pl.col("passages") > 0).sort("accession")
    order = np.random.default_rng([settings.seed, settings.version]).permutation(eligible.height)
    drawn = eligible[order].filter(pl.col("passages").cum_sum() <= most)
    companies = drawn["company_id"].unique(maintain_order=True).to_list()
    if len(companies) < 2:
        raise PassageCorpusError(
            f"filings up to {settings.cutoff} with passages of kind text: {eligible.height}, of "
            f"{eligible['company_id'].n_unique()} companies; {len(companies)} of these within {most:,} passages, and "
            "it takes two, one of them for validation: raise corpus.cutoff or passages.corpus_passages"
        )
    validation = companies[: max(1, round(settings.validation_share * len(companies)))]
    split = pl.when(pl.col("company_id").is_in(validation)).then(pl.lit("validation")).otherwise(pl.lit("train"))
    return drawn.select("accession", split=split).sort("accession")


def text_counts(files: Sequence[Path]) -> pl.DataFrame:
    """Return accession, company_id, filed_at and `passages`, those with a vector, from files of `passage_vectors`."""
    scanned = pl.scan_parquet(files, glob=False).select("accession", "company_id", "filed_at", "passage").unique()
    return scanned.group_by("accession", "company_id", "filed_at").agg(passages=pl.len()).sort("accession").collect()


def corpus_rows(
    drawn: pl.DataFrame, vectors: Sequence[Path], passages: Sequence[Path], descriptions: Sequence[Path]
) -> pl.DataFrame:
    """Return rows of `passage_corpus`: the filings drawn, from the files of the tables; only their rows are read."""
    chosen = drawn.lazy()
    key = ["accession", "passage"]
    rows = pl.scan_parquet(vectors, glob=False).join(chosen, on="accession")
    places = pl.scan_parquet(passages, glob=False).join(chosen, on="accession", how="semi").select(*key, "start", "end")
    texts = (
        pl.scan_parquet(descriptions, glob=False).join(chosen, on="accession", how="semi").select("accession", "text")
    )
    length = pl.col("end") - pl.col("start")
    placed = places.join(texts, on="accession").select(*key, text=pl.col("text").str.slice(pl.col("start"), length))
    found = rows.join(placed, on=key).collect()
    return found.select(column.name for column in schemas.PASSAGE_CORPUS.columns)
