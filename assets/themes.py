"""The one rule for which latents are shown as themes: of passages, told by a label, and not what everybody has.

A text says a theme where one of its passages of it has a word of the label, or where it is as strongly active as the
label was scored for; `company_vectors` states which do in its column `said`. `sql/views` states the rest of the rule in
SQL, which cannot call this; tests hold the two together. All other latents are part of a similarity and are counted,
without a name, in "all others".
"""

from collections.abc import Mapping

import polars as pl

from assets.latent_names import LATENT
from assets.marked_words import word_pattern

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


def in_words(passages: pl.DataFrame, labels: pl.DataFrame, texts: Mapping[str, str]) -> pl.DataFrame:
    """Return the latents of which a filing's passage has a word of the label.

    Parameters
    ----------
    passages : DataFrame
        Rows of `theme_passages`.
    labels : DataFrame
        Rows of `latent_labels`.
    texts : mapping
        Text of every filing by accession.

    Returns
    -------
    DataFrame(accession, entry, block, latent)
        Each once.
    """
    key = ("accession", *LATENT)
    named = labels.filter(pl.col("label").is_not_null()).select(*LATENT, "terms").iter_rows()
    patterns = {tuple(place): word_pattern(terms) for *place, terms in named}
    found = {
        (accession, *place)
        for accession, *place, start, end in passages.select(*key, "start", "end").iter_rows()
        if (pattern := patterns.get(tuple(place))) and pattern.search(texts[accession][start:end])
    }
    return pl.DataFrame(sorted(found), schema={name: passages.schema[name] for name in key}, orient="row")


def with_said(features: pl.DataFrame, labels: pl.DataFrame, worded: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `company_features` with `said`: whether the text says the label, by its words or its level.

    Parameters
    ----------
    features, labels : DataFrame
        Rows of `company_features` and `latent_labels`.
    worded : DataFrame
        What `in_words` returned.
    """
    levels = labels.filter(pl.col("label").is_not_null()).select(*LATENT, "level")
    known = features.join(levels, on=LATENT, how="left", maintain_order="left", validate="m:1")
    known = known.join(
        worded.with_columns(_worded=True), on=["accession", *LATENT], how="left", maintain_order="left", validate="m:1"
    )
    reached = (pl.col("peak") >= pl.col("level")).fill_null(value=False)
    return known.with_columns(said=reached | pl.col("_worded").fill_null(value=False)).drop("level", "_worded")


def told_latents(labels: pl.DataFrame) -> pl.DataFrame:
    """Return entry, block and latent of the rows of `latent_labels` whose label tells them."""
    return labels.filter(is_told()).select(*LATENT)


def shown_themes(labels: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """Return the latents that may be shown at an as-of date, of a company whose text says their label.

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
    told = labels.filter(is_told()).select("view", *LATENT, "label")
    rare = themes.filter(pl.col("share") <= MAX_COMPANIES_SHARE).select(*LATENT)
    return told.join(rare, on=LATENT, how="inner", validate="1:1").sort(*LATENT)


def told_themes(vectors: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `company_vectors` that may be shown, with the label: those whose text says it.

    A theme is a reason of two companies where both have such a row.

    Parameters
    ----------
    vectors : DataFrame
        Rows of `company_vectors` of one as-of date.
    shown : DataFrame
        What `shown_themes` returned for it.
    """
    named = vectors.join(shown.drop("view"), on=LATENT, how="inner", maintain_order="left")
    return named.filter("said")
