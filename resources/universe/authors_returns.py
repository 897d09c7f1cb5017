"""The monthly returns that the paper's own data set holds beside each report."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.universe.corpora import fiscal_years
from resources.universe.corpus_files import CorpusFile, corpus_files
from resources.values.excerpt import one_line
from resources.values.kinds import cik_of

RETURNS = "logged_monthly_returns_matrix"
MONTHS = 12
AUTHORS_RETURNS = pl.Schema({"company_id": pl.String, "month": pl.Date, "log_return": pl.Float64})


def read_authors_returns(settings: Descriptions, years: Sequence[int], cache: Path) -> pl.DataFrame:
    """Return the log returns of the reports that count as filed in `years`: company_id, month, log_return.

    A row's twelve returns are taken for January to December of its `year`, as the authors' code takes them; that
    this holds for companies whose fiscal year ends in another month has not been established. A month without a return
    has no row, and neither has a company whose CIK cannot be read. Of several reports of a company in a year the first
    counts.

    Raises
    ------
    ProfileError
        A file is not Parquet, or has no column of twelve returns.
    """
    wanted = fiscal_years(years)
    found = [pl.DataFrame(schema=AUTHORS_RETURNS)]
    found += [_returns(file, sorted(wanted)) for file in corpus_files(settings, wanted, cache)]
    return (
        pl.concat(found).unique(["company_id", "month"], keep="first", maintain_order=True).sort("company_id", "month")
    )


def _returns(file: CorpusFile, years: Sequence[int]) -> pl.DataFrame:
    if not file.path.name.endswith(".parquet"):
        raise ProfileError(f"{file.where}: monthly returns are read from Parquet alone; convert it")
    try:
        rows = pl.read_parquet(file.path, columns=["cik", "year", RETURNS], glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ProfileError(f"{file.where}: no cik, year and {RETURNS} can be read ({one_line(error)})") from error
    type = rows.schema[RETURNS]
    if isinstance(type, pl.List) and isinstance(type.inner, pl.List):  # some copies hold a matrix of one row
        rows = rows.with_columns(pl.col(RETURNS).list.first())
    lengths = rows[RETURNS].list.len().drop_nulls()
    if (odd := lengths != MONTHS).any():
        raise ProfileError(
            f"{file.where}, column {RETURNS}: {lengths.filter(odd)[0]} returns, {MONTHS} are expected "
            f"({odd.sum()} such row{'s' * (int(odd.sum()) > 1)})"
        )
    dated = rows.select(
        company_id=cik_of(pl.col("cik").cast(pl.String)),
        year=pl.col("year").cast(pl.Int32, strict=False),
        log_return=pl.col(RETURNS).cast(pl.List(pl.Float64)),
        number=pl.lit(list(range(1, MONTHS + 1))),
    ).filter(pl.col("year").is_in(years), pl.col("company_id").is_not_null(), pl.col("log_return").is_not_null())
    months = dated.explode("log_return", "number").with_columns(month=pl.date("year", "number", 1).dt.month_end())
    return months.filter(pl.col("log_return").is_finite()).select(AUTHORS_RETURNS.names())
