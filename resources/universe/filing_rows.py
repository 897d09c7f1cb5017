"""Rows of a table of companies as filings: identifiers, what is not told, and what contradicts itself."""

import hashlib
from collections.abc import Callable

import polars as pl

from resources.settings.profile import ProfileError
from resources.universe.table_file import ROW

COLUMNS = {
    "accession": pl.String, "company_id": pl.String, "cik": pl.String, "ticker": pl.String, "name": pl.String,
    "exchange": pl.String, "sector": pl.String, "industry": pl.String, "sic": pl.String,
    "fiscal_year_end": pl.String, "form": pl.String, "filed_at": pl.Date, "period": pl.Date,
    "text": pl.String, "sha256": pl.String,
}  # fmt: skip
INDEX = {name: kind for name, kind in COLUMNS.items() if name != "text"}
"""Columns of a filing but for its text."""
FORMS = {"sample": "10-K"}
Complain = Callable[[int, str, str, int], ProfileError]
"""Makes the error of a row: its number, what the column means, what is wrong, how many such rows there are."""


def filing_rows(rows: pl.DataFrame, source: str, complain: Complain) -> pl.DataFrame:
    """Return checked values as filings, by accession: all of COLUMNS that `rows` can tell, and ROW.

    Raises
    ------
    ProfileError
        There are no rows, two are the same filing, or it is in doubt which company one belongs to.
    """
    if rows.is_empty():
        raise ProfileError("descriptions: no rows; give at least one company with a text")
    told = rows.with_columns(
        pl.lit(None, kind).alias(name)
        for name, kind in COLUMNS.items()
        if name not in {*rows.columns, "text", "sha256"}
    ).with_columns(
        pl.col("name").fill_null(pl.col("ticker")),
        form=pl.lit(FORMS.get(source, "description")),
        accession=pl.format("{}-{}-{}", pl.lit(source), "ticker", pl.col("filed_at").dt.year()),
        company_id=pl.col("cik").fill_null(pl.format("ticker:{}", "ticker")),
    )
    _check_companies(told, complain)
    _check_once(told, ["company_id", "filed_at"], complain, lambda day: f"of {day}; keep one")
    _check_once(told, ["accession"], complain, lambda day: "in one year; keep the later one")
    return told.select(ROW, *(name for name in COLUMNS if name in told.columns)).sort("accession")


def filing_digests(rows: pl.DataFrame) -> pl.Series:
    """Return the digest of all that a filing says, in a column `digest`."""
    said = rows.select("company_id", "name", "sector", "industry", "sic", "form", "period", "sha256").rows()
    return pl.Series("digest", [text_digest("\0".join(map(str, row))) for row in said], dtype=pl.String)


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _check_companies(rows: pl.DataFrame, complain: Complain) -> None:
    """Refuse a ticker with a CIK in one row and none in another, or in two spellings: it may be one company or two."""
    spelling = pl.col("ticker").str.to_uppercase().str.replace_all(r"[/. _]", "-")
    known = rows.select(ROW, "ticker", "cik", "company_id", spelling=spelling)
    doubtful = known.filter(
        pl.col("cik").is_null().any().over("spelling") & (pl.col("company_id").n_unique().over("spelling") > 1)
    )
    if doubtful.is_empty():
        return
    odd = doubtful.filter(pl.col("cik").is_null()).sort(ROW)
    row, ticker, name = odd.select(ROW, "ticker", "spelling").row(0)
    other = doubtful.filter((pl.col("spelling") == name) & (pl.col("company_id") != f"ticker:{ticker}")).sort(ROW)
    first, spelled, cik = other.select(ROW, "ticker", "cik").row(0)
    if cik is None:
        fix = f"row {first} has {spelled!r}, the same ticker in another spelling; use one"
        raise complain(row, "ticker", f"{ticker!r}: {fix}", odd.height)
    fix = f"no CIK for {ticker!r}, but row {first} gives it {cik}; give every row of a company the same"
    raise complain(row, "cik", f"empty: {fix}", odd.height)


def _check_once(rows: pl.DataFrame, key: list[str], complain: Complain, fix: Callable[[object], str]) -> None:
    twice = rows.filter(pl.struct(key).is_duplicated())
    if twice.is_empty():
        return
    first = twice.sort(*key, ROW).select(ROW, "ticker", "filed_at", *(name for name in key if name != "filed_at"))
    again = first.filter(pl.struct(key) == pl.struct(key).shift(1)).sort(ROW)
    row, ticker, day = again.select(ROW, "ticker", "filed_at").row(0)
    raise complain(row, "ticker", f"{ticker!r} has two texts {fix(day)}", again.height)
