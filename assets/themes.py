"""The one rule for which latents are shown as themes: of passages, told by a label, and not what everybody has.

`sql/views/shown_themes.sql` and `sql/macros` state the same rule in SQL, which cannot call this; tests hold the two
together. All other latents are part of a similarity and are counted, without a name, in "all others".
"""

import polars as pl

from assets.latent_names import LATENT

MIN_DETECTION = 0.7
"""Least detection score of a label that is shown: below it the label does not tell where the latent is active."""
VIEW = "passages"
"""The view whose latents are themes."""
MAX_COMPANIES_SHARE = 1 / 3
"""What more companies than this share have says nothing about any of them."""


def is_told() -> pl.Expr:
    """Return whether a label tells its theme; columns `view`, `label` and `detection_score` of `latent_labels`.

    Latents of tokens are words and spellings: however well a label tells them, they are no reason (docs/method.md).
    """
    named = (pl.col("view") == VIEW) & pl.col("label").is_not_null() & (pl.col("label") != "")
    return (named & (pl.col("detection_score") >= MIN_DETECTION)).fill_null(value=False)


def level_reached() -> pl.Expr:
    """Return whether a text says a label: its `peak` of `company_vectors` is at the `level` of `latent_labels`."""
    return (pl.col("peak") >= pl.col("level")).fill_null(value=False)


def told_latents(labels: pl.DataFrame) -> pl.DataFrame:
    """Return entry, block and latent of the rows of `latent_labels` whose label tells them."""
    return labels.filter(is_told()).select(*LATENT)


def shown_themes(labels: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """Return the latents that may be shown at an as-of date, of a company whose text reaches their level.

    Parameters
    ----------
    labels : DataFrame
        Rows of `latent_labels`.
    themes : DataFrame
        Rows of `themes` of that date.

    Returns
    -------
    DataFrame(view, entry, block, latent, label, level)
        Sorted by entry, block, latent.
    """
    told = labels.filter(is_told()).select("view", *LATENT, "label", "level")
    rare = themes.filter(pl.col("share") <= MAX_COMPANIES_SHARE).select(*LATENT)
    return told.join(rare, on=LATENT, how="inner", validate="1:1").sort(*LATENT)


def told_themes(vectors: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `company_vectors` that may be shown, with the label: those whose peak reaches its level.

    A theme is a reason of two companies where both have such a row.

    Parameters
    ----------
    vectors : DataFrame
        Rows of `company_vectors` of one as-of date.
    shown : DataFrame
        What `shown_themes` returned for it.
    """
    named = vectors.join(shown.drop("view"), on=LATENT, how="inner", maintain_order="left")
    return named.filter(level_reached()).drop("level")
