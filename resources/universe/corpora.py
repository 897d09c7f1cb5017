"""Annual reports that others have gathered: EDGAR-CORPUS and the authors' data set, as one row per filing.

Both tell a year and no day. It is the year in which the period of report ends, not the year of filing: the crawler that
made EDGAR-CORPUS names its files after that period (a report on 1993, filed in March 1994, is `..._1993...`), and the
authors' set was made from EDGAR-CORPUS. Most of these reports are filed early in the year after. So each counts as
filed on 31 December of the year after: nine months late for most, never before it was public, and nothing looks ahead.
Only a report that came over a year late, which nothing tells, would be dated too early.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import polars as pl

from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.universe.corpus_files import PLACE, CorpusFile, corpus_files, files_fingerprint, read_rows
from resources.universe.filing_rows import COLUMNS, text_digest
from resources.values.kinds import cik_of, cik_problem, label_of, sic_of, ticker_of

YEARS_TO_FILING = 1
"""Between the year that a source tells and the year on whose last day the report counts as filed."""
CORPUS_COLUMNS = ("filename", "cik", "year", "section_1")
AUTHORS_COLUMNS = ("cik", "year", "section_1", "company_name", "sic_code", "ticker")
NAME = r"(?i)\d_(10-?K[0-9A-Z]*)_\d{4}_(\d{10}-\d\d-\d{6})"
"""Form and accession number in a file name."""
FIRST_SHORT_YEAR = 90
"""Accession numbers tell two digits of the year, EDGAR began in 1993."""
Shape = Callable[[pl.DataFrame], pl.DataFrame]


def read_edgar_corpus(
    settings: Descriptions, years: Sequence[int], cache: Path, progress: Callable[[int], None] = lambda n: None
) -> pl.DataFrame:
    """Read the reports of EDGAR-CORPUS that count as filed in `years`, with the columns of `COLUMNS`, by accession.

    `filed_at` is 31 December of the year after `year`, for no look-ahead (see the module); accessions are
    `corpus-<cik>-<year>`. Where a file name tells more, as `CIK_10K405_YEAR_accession.htm` does, accession and form
    are taken from it, and `filed_at` is 31 December of the year in the accession number; one that is later than the
    year after `year` is left out. `period` is 31 December of `year`, the latest day on which it can have ended. The
    source has no names: a company is called after its CIK.

    Of rows with one accession, as in copies of the data set and reports of several companies together, that of the
    smallest CIK stays, of these the one with the longest text, of these the first by content.

    Parameters
    ----------
    settings : Descriptions
        Parquet or JSON lines in `path` (a file or a folder, as the hub arranges it) or in `hub`.
    years : sequence of int
        Years of filing.
    cache : Path
        Folder for what is downloaded from the hub.
    progress : callable
        Told how many more rows have been looked at.

    Raises
    ------
    ProfileError
        Files, a column or a year are missing, a file cannot be read, a CIK is none, or the hub refuses.
    """
    return _read(settings, years, cache, progress, CORPUS_COLUMNS, _corpus_reports)


def read_authors(
    settings: Descriptions, years: Sequence[int], cache: Path, progress: Callable[[int], None] = lambda n: None
) -> pl.DataFrame:
    """Read the reports of the paper's own data set that count as filed in `years`; all else as in `read_edgar_corpus`.

    Accessions are `authors-<cik>-<year>`. A company is known by its CIK: `__index_level_0__` numbers filings and is not
    read, nor are the returns. SIC codes and tickers are those of the day on which the set was made, not as filed: in
    an earlier year they look ahead. Of several tickers it is the first.
    """
    return _read(settings, years, cache, progress, AUTHORS_COLUMNS, _authors_reports)


def corpus_fingerprint(settings: Descriptions, years: Sequence[int], cache: Path) -> dict[str, str]:
    """Return the digest of the files that the years need, without reading them: one slice. Raises ProfileError."""
    return {"": files_fingerprint(settings, fiscal_years(years), cache)}


def check_files(settings: Descriptions, years: Sequence[int], cache: Path) -> None:
    """Look at the numbers of all companies in Parquet files on this disk, not at their texts, which take minutes.

    Raises
    ------
    ProfileError
        A file cannot be read, or a CIK or a year in it is none.
    """
    if settings.hub is not None:
        return
    columns = [
        name for name in (AUTHORS_COLUMNS if settings.source == "authors" else CORPUS_COLUMNS) if name != "section_1"
    ]
    wanted = fiscal_years(years)
    for file in corpus_files(settings, wanted, cache):
        if file.path.name.endswith(".parquet"):
            _checked(read_rows(file, columns, wanted, lambda n: None)[0], file)


def fiscal_years(years: Collection[int]) -> set[int]:
    """Return the fiscal years whose reports may count as filed in `years`."""
    return {year - lag for year in years for lag in range(YEARS_TO_FILING + 1)}


def _read(
    settings: Descriptions,
    years: Sequence[int],
    cache: Path,
    progress: Callable[[int], None],
    columns: Sequence[str],
    shape: Shape,
) -> pl.DataFrame:
    wanted = fiscal_years(years)
    parts, seen = [pl.DataFrame(schema=COLUMNS)], set[int]()
    for file in corpus_files(settings, wanted, cache):
        rows, of_file = read_rows(file, columns, wanted, progress)
        reports = shape(_checked(rows, file))
        parts.append(_completed(reports.filter(_filed_year().is_in(list(years)))))
        seen |= of_file
    found = pl.concat(parts)
    if missing := sorted(set(years) - set(found.select(_filed_year()).to_series())):
        raise ProfileError(f"descriptions: {settings.hub or settings.path}: {_absence(missing, seen)}")
    return _one_per_accession(found)


def _absence(missing: Sequence[int], seen: Collection[int]) -> str:
    there = f"it has fiscal years {min(seen)} to {max(seen)}" if seen else "it has no file for the fiscal years before"
    years = ", ".join(map(str, missing))
    return f"no report that counts as filed in {years}; {there}, filed in the year after each; change filing_years"


def _filed_year() -> pl.Expr:
    return pl.col("filed_at").dt.year()


def _checked(rows: pl.DataFrame, file: CorpusFile) -> pl.DataFrame:
    """Return the rows with `cik` as ten digits."""
    number = cik_of(pl.col("cik"))
    if (bad := rows.filter(number.is_null())).height:
        place, cik = bad.select(PLACE, "cik").row(0)
        such = f"({bad.height} such row{'s' * (bad.height > 1)})"
        raise ProfileError(f"{file.where}, {file.unit} {place}, column cik: {_cik_problem(cik)} {such}")
    return rows.with_columns(cik=number)


def _cik_problem(cik: str | None) -> str:
    return "empty: no CIK; drop the row" if cik is None else cik_problem(cik)


def _corpus_reports(rows: pl.DataFrame) -> pl.DataFrame:
    form = pl.col("filename").str.extract(NAME, 1).str.to_uppercase().str.replace("^10-?K", "10-K")
    accession = pl.col("filename").str.extract(NAME, 2)
    short_year = accession.str.slice(11, 2).cast(pl.Int32)
    century = pl.when(short_year >= FIRST_SHORT_YEAR).then(1900).otherwise(2000)
    return rows.with_columns(
        accession=accession.fill_null(_made_up("corpus")),
        form=form.str.replace("(.)A$", "$1/A").fill_null("10-K"),
        filed_at=_last_day((short_year + century).fill_null(pl.col("year") + YEARS_TO_FILING)),
        name=pl.lit(None, pl.String),
    )


def _authors_reports(rows: pl.DataFrame) -> pl.DataFrame:
    # The set was made with pandas, which writes 3571.0 where another code is missing.
    sic = sic_of(pl.col("sic_code").str.strip_chars().str.replace(r"\.0+$", ""))
    return rows.with_columns(
        accession=_made_up("authors"),
        form=pl.lit("10-K"),
        filed_at=_last_day(pl.col("year") + YEARS_TO_FILING),
        name=label_of(pl.col("company_name")),
        ticker=ticker_of(pl.col("ticker").str.strip_chars()),
        sic=sic,
    )


def _made_up(source: str) -> pl.Expr:
    """Make up an accession for a source that tells none, as `corpus-718413-1993`."""
    return pl.format("{}-{}-{}", pl.lit(source), _number(), "year")


def _number() -> pl.Expr:
    return pl.col("cik").str.strip_chars_start("0")


def _last_day(year: pl.Expr) -> pl.Expr:
    return pl.date(year, 12, 31)


def _completed(reports: pl.DataFrame) -> pl.DataFrame:
    """Fill the columns COLUMNS: what the source does not tell is null, a company without a name has its CIK for one."""
    told = reports.with_columns(
        company_id=pl.col("cik"),
        name=pl.col("name").fill_null(pl.format("CIK {}", _number())),
        period=_last_day(pl.col("year")),
        text=pl.col("section_1").fill_null(""),
    )
    told = told.with_columns(sha256=pl.col("text").map_elements(text_digest, return_dtype=pl.String))
    absent = (pl.lit(None, type).alias(name) for name, type in COLUMNS.items() if name not in told.columns)
    return told.with_columns(absent).select(*COLUMNS)


def _one_per_accession(reports: pl.DataFrame) -> pl.DataFrame:
    shortest_last = -pl.col("text").str.len_chars().cast(pl.Int64)
    ranked = reports.sort("accession", "company_id", shortest_last, "sha256", "period", "form", "sic", "ticker", "name")
    return ranked.unique("accession", keep="first", maintain_order=True)
