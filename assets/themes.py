"""The one rule for which latents are shown as themes: of passages, told by a label, and not what everybody has.

A text says a theme where one of its passages of it has a word of the theme, or where it is as strongly active as its
label was scored for; `company_vectors` has in its column `words` which of the theme's words the text has then. A theme
is a reason of two companies where both texts have a word of it, and such words are its title: it is true of both. `sql`
states the rest of the rule, for it cannot call this; tests hold the two together. All other latents are part of a
similarity and are counted, without a name, in "all others".
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import polars as pl

from assets.latent_names import LATENT
from assets.marked_words import found_terms, word_pattern

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


def vocabulary(terms: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the terms that say a theme, those of its label first; `terms` and `words` are of `latent_labels`.

    A prefix that is in no label is left out: nothing tells how it is shown.
    """
    return [*terms, *(word for word in words if not word.endswith("*") and word not in terms)]


def with_said(
    features: pl.DataFrame, passages: pl.DataFrame, labels: pl.DataFrame, texts: Mapping[str, str]
) -> pl.DataFrame:
    """Return rows of `company_features` with `words`: the terms of a told theme that the text has, where it says it.

    Parameters
    ----------
    features, passages, labels : DataFrame
        Rows of `company_features`, `theme_passages` and `latent_labels`.
    texts : mapping
        Text of every filing by accession.

    Returns
    -------
    DataFrame
        In the order of `features`; `words` in that of `vocabulary`, none where the text does not say the theme.
    """
    told = labels.filter(is_told()).select(*LATENT, "level", "terms", "words")
    known = {
        (entry, block, latent): (level, vocabulary(terms, words))
        for entry, block, latent, level, terms, words in told.iter_rows()
    }
    key = ("accession", *LATENT)
    rows = features.select(*key, "peak").join(told.select(LATENT), on=LATENT, how="semi", maintain_order="left")
    having, found = _in_words(passages, known, texts), _found(rows["accession"].unique(), known, texts)
    said = [
        (accession, *place, [term for term in known[tuple(place)][1] if term in found[accession]])
        for accession, *place, peak in rows.iter_rows()
        if (accession, *place) in having or peak >= (known[tuple(place)][0] or inf)
    ]
    schema = {name: features.schema[name] for name in key} | {"words": pl.List(pl.String)}
    words = pl.DataFrame(said, schema=schema, orient="row")
    joined = features.join(words, on=key, how="left", maintain_order="left", validate="m:1")
    return joined.with_columns(pl.col("words").fill_null([]))


def _in_words(
    passages: pl.DataFrame, known: Mapping[tuple[Any, ...], tuple[Any, list[str]]], texts: Mapping[str, str]
) -> set[tuple[Any, ...]]:
    """Return accession, entry, block and latent of the themes of which a passage has a word."""
    patterns = {place: word_pattern(terms) for place, (_, terms) in known.items()}
    columns = ("accession", *LATENT, "start", "end")
    return {
        (accession, *place)
        for accession, *place, start, end in passages.select(columns).iter_rows()
        if (pattern := patterns.get(tuple(place))) and pattern.search(texts[accession][start:end])
    }


def _found(
    accessions: pl.Series, known: Mapping[tuple[Any, ...], tuple[Any, list[str]]], texts: Mapping[str, str]
) -> dict[str, set[str]]:
    """Return the terms of any theme that each text has."""
    terms = sorted({term for _, own in known.values() for term in own})
    read = accessions.sort().to_list()
    return dict(zip(read, found_terms([texts[accession] for accession in read], terms), strict=True))


def told_latents(labels: pl.DataFrame) -> pl.DataFrame:
    """Return entry, block and latent of the rows of `latent_labels` whose label tells them."""
    return labels.filter(is_told()).select(*LATENT)


def shown_themes(labels: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """Return the latents that may be shown at an as-of date, of a company whose text says them.

    Parameters
    ----------
    labels : DataFrame
        Rows of `latent_labels`.
    themes : DataFrame
        Rows of `themes` of that date.

    Returns
    -------
    DataFrame(view, entry, block, latent, label, terms)
        Sorted by entry, block, latent.
    """
    told = labels.filter(is_told()).select("view", *LATENT, "label", "terms")
    rare = themes.filter(pl.col("share") <= MAX_COMPANIES_SHARE).select(*LATENT)
    return told.join(rare, on=LATENT, how="inner", validate="1:1").sort(*LATENT)


def told_themes(vectors: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `company_vectors` that may be shown, with the label: those whose text says the theme.

    A theme is a reason of two companies where both have such a row with a word in common.

    Parameters
    ----------
    vectors : DataFrame
        Rows of `company_vectors` of one as-of date.
    shown : DataFrame
        What `shown_themes` returned for it.
    """
    named = vectors.join(shown.drop("view"), on=LATENT, how="inner", maintain_order="left")
    return named.filter(pl.col("words").list.len() > 0)
