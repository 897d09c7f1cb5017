"""The themes that a company gained and lost with a new filing: what its text says now and not before, or the reverse.

A theme is named where it may be shown at the date at which the text says it (`assets.themes`). It is new only where no
passage of the other filing says its label, shown or not: a theme does not come or go because other companies say it.
"""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl

from assets.latent_names import LATENT
from assets.theme_titles import shown_words
from assets.themes import shown_themes, told_latents

KEY = ["company_id", "label"]
CHANGES: dict[str, Any] = {
    "before": pl.Date,
    "as_of": pl.Date,
    "company_id": pl.String,
    "accession_before": pl.String,
    "accession": pl.String,
    "themes_gained": pl.List(pl.String),
    "themes_lost": pl.List(pl.String),
}


def said_themes(vectors: pl.LazyFrame, labels: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """Return the labels that every company's text says at an as-of date, how strongly, and whether they may be shown.

    Parameters
    ----------
    vectors : LazyFrame
        Rows of `company_vectors` of that date: some three thousand a company, of which few are read.
    labels, themes : DataFrame
        Rows of `latent_labels`, and of `themes` of that date.

    Returns
    -------
    DataFrame(company_id, label, weight, shown, title)
        `weight` is that of the strongest latent with the label, `title` the words of it that the text says.
    """
    told = labels.join(told_latents(labels), on=LATENT, how="semi").select(*LATENT, "label", "terms")
    shown = shown_themes(labels, themes).select(*LATENT, shown=pl.lit(True))
    named = told.join(shown, on=LATENT, how="left").with_columns(pl.col("shown").fill_null(False))
    saying = vectors.filter(pl.col("words").list.len() > 0).select("company_id", *LATENT, "weight", "words")
    rows = saying.join(named.lazy(), on=LATENT).sort("weight", descending=True)
    said = rows.group_by(KEY, maintain_order=True).agg(
        pl.col("weight").first(), pl.col("shown").any(), pl.col("terms", "words").first()
    )
    found = said.collect()
    titles = [", ".join(shown_words(*row)) for row in found.select("label", "terms", "words").iter_rows()]
    return found.drop("terms", "words").with_columns(title=pl.Series(titles, dtype=pl.String))


def theme_changes(filings: pl.DataFrame, said: Mapping[date, pl.DataFrame], top: int) -> pl.DataFrame:
    """Return both filings of every company at every date, and the themes gained and lost between them.

    Parameters
    ----------
    filings : DataFrame
        as_of, company_id, accession: the filing that describes a company at a date.
    said : mapping
        As-of date -> rows of `said_themes`.
    top : int
        Themes gained, and lost, of a company, the strongest first.

    Returns
    -------
    DataFrame(before, as_of, company_id, accession_before, accession, themes_gained, themes_lost)
        A row for every company at either date of two that follow each other; a filing is empty where the company is not
        there, and both lists where it has the same filing or only one.
    """
    described = {as_of: rows for (as_of,), rows in filings.sort("as_of").group_by("as_of", maintain_order=True)}
    changed = [pl.DataFrame(schema=CHANGES)]
    for before, as_of in pairwise(described):
        assert isinstance(before, date) and isinstance(as_of, date)
        rows = _between(described[before], described[as_of], said[before], said[as_of], top)
        dated = rows.with_columns(before=pl.lit(before, pl.Date), as_of=pl.lit(as_of, pl.Date))
        changed.append(dated.select(*CHANGES))
    return pl.concat(changed)


def _between(
    filed_before: pl.DataFrame, filed: pl.DataFrame, said_before: pl.DataFrame, said: pl.DataFrame, top: int
) -> pl.DataFrame:
    """Return both filings of every company, and what the newer one says that the older does not, and the reverse."""
    was = filed_before.select("company_id", accession_before="accession")
    rows = was.join(filed.select("company_id", "accession"), on="company_id", how="full", coalesce=True)
    changed = rows.filter(pl.col("accession_before") != pl.col("accession")).select("company_id")
    for name, only, other in (("themes_gained", said, said_before), ("themes_lost", said_before, said)):
        rows = rows.join(_listed(only, other, changed, name, top), on="company_id", how="left")
    lists = pl.col("themes_gained", "themes_lost").fill_null(pl.lit([], pl.List(pl.String)))
    return rows.with_columns(lists).sort("company_id")


def _listed(only: pl.DataFrame, other: pl.DataFrame, of: pl.DataFrame, name: str, top: int) -> pl.DataFrame:
    fresh = only.filter("shown").join(of, on="company_id", how="semi").join(other, on=KEY, how="anti")
    strongest = fresh.sort("weight", "label", descending=[True, False])
    return strongest.group_by("company_id", maintain_order=True).agg(pl.col("title").head(top).alias(name))
