"""Whether a text is usable as the description of a company."""

import polars as pl

SHORT_CHARS = 400
"""A text with fewer characters is flagged as short."""


def rejection() -> pl.Expr:
    """Return why a `text` is unusable; null if it is usable."""
    return pl.when(pl.col("text").fill_null("").str.strip_chars() == "").then(pl.lit("the text is empty"))


def quality() -> pl.Expr:
    """Return 'short' for a text under `SHORT_CHARS` characters, too few to describe a business; else 'ok'."""
    return pl.when(pl.col("text").str.len_chars() < SHORT_CHARS).then(pl.lit("short")).otherwise(pl.lit("ok"))
