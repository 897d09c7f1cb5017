"""Nearest pairs: how much of their cosine can be shown as reasons, and whether both texts bear the reasons out."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from co_movement import nearest
from numpy.typing import NDArray

from assets.features.attribution import cosines, dense, of_method
from assets.latent_names import LATENT
from assets.marked_words import word_pattern
from assets.theme_titles import shown_words, told_apart
from assets.themes import shown_themes, told_themes
from resources.settings.clusters import SaeMethod


def nearest_pairs(vectors: pl.DataFrame, method: SaeMethod) -> pl.DataFrame:
    """Return every company with its nearest: columns a, b and cosine; those without a vector of the method are out."""
    companies, matrix = dense(vectors, method)
    similarity = cosines(matrix)
    other = nearest(similarity, 1)[:, 0]
    near = np.take_along_axis(similarity, other[:, None], axis=1)[:, 0]
    pairs = pl.DataFrame({"a": companies, "b": [companies[i] for i in other], "cosine": near})
    return pairs.filter(pl.Series(np.diff(matrix.indptr) > 0), pl.col("cosine") > 0)


def parts_of(pairs: pl.DataFrame, rows: pl.DataFrame, method: SaeMethod) -> pl.DataFrame:
    """Return what each latent that both of a pair have in `rows` of `company_vectors` adds to their cosine: share."""
    own = of_method(rows, method).select("company_id", *LATENT, "weight")
    both = pairs.join(own, left_on="a", right_on="company_id").join(
        own, left_on=["b", *LATENT], right_on=["company_id", *LATENT], suffix="_b"
    )
    share = pl.col("weight") * pl.col("weight_b") / pl.col("cosine")
    return both.select("a", "b", *LATENT, share=share)


def with_titles(parts: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return the reasons among what latents add: those of which both texts say a word.

    Returns
    -------
    DataFrame(a, b, title, share, terms, label_terms)
        Strongest first; latents of one title are one reason, and `terms` are what both say of the first.
    """
    said = told.select("company_id", *LATENT, "label", pl.col("terms").alias("label_terms"), "words")
    both = parts.join(said, left_on=["a", *LATENT], right_on=["company_id", *LATENT]).join(
        said.select("company_id", *LATENT, "words"),
        left_on=["b", *LATENT],
        right_on=["company_id", *LATENT],
        suffix="_b",
    )
    schema = {"terms": pl.List(pl.String), "title": pl.String}
    found = [both.clear().with_columns(pl.lit(None, kind).alias(name) for name, kind in schema.items())]
    ordered = both.sort("a", "share", *LATENT, descending=[False, True, False, False, False])
    for _, rows in ordered.group_by("a", "b", maintain_order=True):
        common = [[t for t in own if t in other] for own, other in rows.select("words", "words_b").iter_rows()]
        of_pair = rows.with_columns(terms=pl.Series(common, dtype=pl.List(pl.String))).filter(
            pl.col("terms").list.len() > 0
        )
        words = [shown_words(*row) for row in of_pair.select("label", "label_terms", "terms").iter_rows()]
        found.append(of_pair.with_columns(title=pl.Series(told_apart(words), dtype=pl.String)))
    merged = pl.concat(found, how="diagonal").group_by("a", "b", "title", maintain_order=True)
    reasons = merged.agg(pl.col("share").sum(), pl.col("terms", "label_terms").first())
    return reasons.sort("a", "share", "title", descending=[False, True, False])


def in_both_texts(reasons: pl.DataFrame, column: str, texts: Mapping[str, str]) -> NDArray[np.bool_]:
    """Return of every reason whether one of its terms in a column stands in the texts of both companies [reasons]."""
    found: dict[tuple[str, tuple[str, ...]], bool] = {}

    def has(company: str, terms: tuple[str, ...]) -> bool:
        if (company, terms) not in found:
            pattern = word_pattern(terms)
            found[company, terms] = pattern is not None and pattern.search(texts[company]) is not None
        return found[company, terms]

    rows = reasons.select("a", "b", column).iter_rows()
    return np.array([has(a, tuple(terms)) and has(b, tuple(terms)) for a, b, terms in rows], dtype=np.bool_)


def reason_figures(
    vectors: pl.DataFrame, method: SaeMethod, labels: pl.DataFrame, themes: pl.DataFrame, texts: Mapping[str, str]
) -> dict[str, float]:
    """Return the figures of the nearest pairs of one method; a reason is a theme that both texts tell.

    Parameters
    ----------
    vectors, labels, themes : rows of `company_vectors`, `latent_labels` and `themes`
    texts : of every company

    Returns
    -------
    dict
        top3_any: median share of the cosine of the three strongest latents, shown or not; top3_share and shown_share:
        of the three strongest reasons, of all reasons; worded: share of reasons of whose title both texts have a word,
        by_label: of the theme's label; pairs_worded: share of pairs with such a reason; no_reason: share of pairs
        without any; reasons: mean number.
    """
    pairs = nearest_pairs(vectors, method)
    parts = parts_of(pairs, vectors, method)
    told = told_themes(vectors, shown_themes(labels, themes))
    reasons = with_titles(parts_of(pairs, told, method), told)
    checked = {"worded": "terms", "by_label": "label_terms"}
    in_both = {name: pl.Series(in_both_texts(reasons, column, texts)) for name, column in checked.items()}
    reasons = reasons.with_columns(**in_both)
    top, best = pl.col("share").head(3).sum(), pl.col("share").top_k(3).sum()
    by_pair = pairs.join(parts.group_by("a").agg(any=best), on="a", how="left")
    by_reasons = reasons.group_by("a", maintain_order=True).agg(
        top3=top, shown=pl.col("share").sum(), reasons=pl.len(), worded=pl.col("worded").any()
    )
    by_pair = by_pair.join(by_reasons, on="a", how="left").with_columns(pl.col("top3", "shown", "reasons").fill_null(0))
    return {
        "top3_any": _median(by_pair["any"]),
        "top3_share": _median(by_pair["top3"]),
        "shown_share": _median(by_pair["shown"]),
        "worded": _mean(reasons["worded"]),
        "by_label": _mean(reasons["by_label"]),
        "pairs_worded": _mean(by_pair["worded"].fill_null(value=False)),
        "no_reason": _mean(by_pair["reasons"] == 0),
        "reasons": _mean(by_pair["reasons"]),
    }


def _median(values: pl.Series) -> float:
    return float(np.median(values.to_numpy())) if len(values) else float("nan")


def _mean(values: pl.Series) -> float:
    return float(np.mean(values.to_numpy())) if len(values) else float("nan")
