"""Whether a text can stand for a company."""

import polars as pl

SHORT_CHARS = 400


def rejection() -> pl.Expr:
    """Why a `text` cannot be used, null where it can."""
    return pl.when(pl.col("text").fill_null("").str.strip_chars() == "").then(pl.lit("the text is empty"))


def quality() -> pl.Expr:
    """'short' under 400 characters, too little to tell a business by; else 'ok'."""
    return pl.when(pl.col("text").str.len_chars() < SHORT_CHARS).then(pl.lit("short")).otherwise(pl.lit("ok"))
