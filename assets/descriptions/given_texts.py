"""Texts that a source gives as they are, and whether a text is usable as the description of a company."""

import polars as pl

from assets.descriptions.text_quality import SHORT_CHARS
from resources.values.blank import LETTER, is_blank, is_one_word, says_nothing, visible


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
    """Return why a `text` is unusable; null if it is usable.

    What programs and people write where they have nothing, as `nan`, `N/A` or a dash, counts as empty.
    """
    text = pl.col("text").fill_null("")
    words = [
        pl.when(is_blank(text)).then(pl.lit("the text is empty")),
        pl.when(says_nothing(text)).then(pl.format("the text is empty: it says {}", visible(text))),
        pl.when(~text.str.contains(LETTER)).then(pl.lit("the text has no words")),
        pl.when(is_one_word(text)).then(pl.lit("the text is one word, too little to tell what a company does")),
    ]
    return pl.coalesce(words)


def quality() -> pl.Expr:
    """Return 'short' for a text under `SHORT_CHARS` characters, too few to describe a business; else 'ok'."""
    return pl.when(pl.col("text").str.len_chars() < SHORT_CHARS).then(pl.lit("short")).otherwise(pl.lit("ok"))
