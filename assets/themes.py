"""The one rule for which latents are shown as themes: a label that was measured, and not what everybody has.

`sql/views` state the same rule in SQL, which cannot call this; a test holds the two together. All other latents are
part of a similarity and are counted, without a name, in "all others".
"""

import polars as pl

from assets.latent_names import LATENT

MIN_DETECTION = 0.7
"""Least detection score of a label that is shown: below it the label does not tell where the latent is active."""
MAX_COMPANIES_SHARE = 1 / 3
"""What more companies than this share have says nothing about any of them."""


def is_shown() -> pl.Expr:
    """Return whether a row is a theme that may be shown.

    Its columns are `label` and `detection_score` of `latent_labels`, and `share` of `themes`.
    """
    label, score, share = (pl.col(name) for name in ("label", "detection_score", "share"))
    named = label.is_not_null() & (label != "")
    return (named & (score >= MIN_DETECTION) & (share <= MAX_COMPANIES_SHARE)).fill_null(value=False)


def shown_themes(labels: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """Return the latents that may be shown at an as-of date.

    Parameters
    ----------
    labels : DataFrame
        Rows of `latent_labels`.
    themes : DataFrame
        Rows of `themes` of that date.

    Returns
    -------
    DataFrame(view, entry, block, latent, label)
        Sorted by entry, block, latent.
    """
    known = labels.select("view", *LATENT, "label", "detection_score")
    shown = known.join(themes.select(*LATENT, "share"), on=LATENT, how="inner", validate="1:1").filter(is_shown())
    return shown.select("view", *LATENT, "label").sort(*LATENT)
