"""Texts that a source gives as they are, and whether a text is usable as the description of a company."""

import polars as pl

from assets.descriptions.text_quality import SHORT_CHARS


def given(filings: pl.DataFrame, texts: pl.DataFrame, source: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of `descriptions` and of `descriptions_rejected` for texts that need no extraction.

    Parameters
    ----------
    filings : DataFrame
        Rows of `filings`.
    texts : DataFrame
        Columns accession and text.
    source : str
        Whose texts they are.
    """
    rows = filings.join(texts.select("accession", "text"), on="accession", how="left").with_columns(reason=rejection())
    usable = rows.filter(pl.col("reason").is_null()).select(
        "accession",
        "company_id",
        "filed_at",
        "text",
        fiscal_year=pl.coalesce("period", "filed_at").dt.year(),
        n_chars=pl.col("text").str.len_chars(),
        method=pl.lit("given"),
        quality=quality(),
        overlap=pl.lit(None, pl.Float64),
        doubt=pl.lit(None, pl.String),
        source=pl.lit(source),
    )
    return usable, rows.drop_nulls("reason").select("accession", "company_id", "filed_at", "reason")


def rejection() -> pl.Expr:
    """Return why a `text` is unusable; null if it is usable."""
    return pl.when(pl.col("text").fill_null("").str.strip_chars() == "").then(pl.lit("the text is empty"))


def quality() -> pl.Expr:
    """Return 'short' for a text under `SHORT_CHARS` characters, too few to describe a business; else 'ok'."""
    return pl.when(pl.col("text").str.len_chars() < SHORT_CHARS).then(pl.lit("short")).otherwise(pl.lit("ok"))
