"""Wording that other companies had before: boilerplate told by document frequency, with no look ahead."""

import re

import polars as pl

REPEATED = "repeated"
"""Its name in the column `rule`."""
OWN_SHARE = 0.5
"""A filing of whose prose more than this share was filed before is a copy, as funds and subsidiaries file them: it has
no other words to be described by, so its wording counts as its own."""

_NAMES_AND_FIGURES = re.compile(r"\b[^\W\d_]*[A-Z]\w*|\d\S*")
_PUNCTUATION = re.compile(r"[\W_]+")


def wording(passage: str) -> str:
    """Return what two companies may share: words in lower case, without names (capitalised), figures and punctuation.

    The first word of a sentence goes, too; sentences that differ in it alone say the same.
    """
    return _PUNCTUATION.sub(" ", _NAMES_AND_FIGURES.sub(" ", passage)).strip()


def mark_repeated(passages: pl.DataFrame, descriptions: pl.DataFrame, repeated_in: int) -> pl.DataFrame:
    """Return passages in which prose that enough other companies had filed by that day is boilerplate, rule `repeated`.

    Parameters
    ----------
    passages : DataFrame
        Rows of `passages` of one filing year; what was `repeated` before is judged anew.
    descriptions : DataFrame
        Columns accession and text of all their filings.
    repeated_in : int
        Other companies that must have had the wording, in filings of the year filed no later.
    """
    judged = pl.col("kind").eq("text") | pl.col("rule").eq(REPEATED).fill_null(value=False)
    prose = passages.filter(judged)
    repeated = _not_copies(_had_before(_with_wording(prose, descriptions), repeated_in), prose)
    key = ["accession", "passage"]
    marked = passages.join(repeated.select(*key, _repeated=True), on=key, how="left", maintain_order="left")
    again = pl.col("_repeated").fill_null(value=False)
    kind = pl.when(again).then(pl.lit("boilerplate")).when(judged).then(pl.lit("text")).otherwise(pl.col("kind"))
    rule = pl.when(again).then(pl.lit(REPEATED)).when(judged).then(None).otherwise(pl.col("rule"))
    return marked.with_columns(kind=kind, rule=rule).drop("_repeated")


def _with_wording(prose: pl.DataFrame, descriptions: pl.DataFrame) -> pl.DataFrame:
    """Return passages with the hash of their wording; those without any are left out."""
    texts = dict(descriptions.select("accession", "text").iter_rows())
    places = prose.select("accession", "start", "end").iter_rows()
    words = [wording(texts[accession][start:end]) for accession, start, end in places]
    named = prose.select("accession", "passage", "company_id", "filed_at").with_columns(
        wording=pl.Series(words, dtype=pl.String)
    )
    return named.filter(pl.col("wording") != "").with_columns(pl.col("wording").hash(seed=0))


def _had_before(named: pl.DataFrame, repeated_in: int) -> pl.DataFrame:
    """Return the passages whose wording so many other companies had in a filing filed no later."""
    first = named.group_by("wording", "company_id").agg(pl.col("filed_at").min())
    by_day = first.group_by("wording", "filed_at").len().sort("filed_at")
    had = by_day.with_columns(companies=pl.col("len").cum_sum().over("wording")).drop("len")
    counted = named.sort("filed_at").join_asof(had, on="filed_at", by="wording", check_sortedness=False)
    return counted.filter(pl.col("companies") > repeated_in)  # its own company is one of them


def _not_copies(repeated: pl.DataFrame, prose: pl.DataFrame) -> pl.DataFrame:
    """Leave out the passages of filings that are copies as a whole."""
    counts = repeated.group_by("accession").len("copied").join(prose.group_by("accession").len("all"), on="accession")
    copies = counts.filter(pl.col("copied") > OWN_SHARE * pl.col("all"))
    return repeated.join(copies, on="accession", how="anti")
