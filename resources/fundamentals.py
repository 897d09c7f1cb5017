"""Figures of fiscal years: the user's own table, or the SEC's bulk file of company facts, `companyfacts.zip`.

They say how companies did after an as-of date, and are looked at for nothing else (`assets.clusters.scoreboard`).
"""

import json
import zipfile
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from resources.values.days import date_problem, day_of, holds_days, shown_day
from resources.values.excerpt import abbreviated, excerpt, one_line
from resources.values.kinds import cik_of, cik_problem
from resources.values.numbers import number_of
from resources.values.parquet_file import ParquetError, scan_parquet

FIGURES = ("operating_income", "assets", "sales")
COLUMNS = ("cik", "fiscal_year_end", *FIGURES)
EMPTY = pl.DataFrame(schema={"company_id": pl.String, "fiscal_year_end": pl.Date, **dict.fromkeys(FIGURES, pl.Float64)})
CONCEPTS = {
    "operating_income": ("OperatingIncomeLoss",),
    "assets": ("Assets",),
    "sales": (
        "Revenues",
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "RevenueFromContractWithCustomerIncludingAssessedTax",
        "SalesRevenueNet",
    ),
}
"""Of us-gaap; the first that a company tells of a year counts: what they are called has changed over time."""
A_YEAR = (timedelta(days=350), timedelta(days=380))
"""How long a fiscal year is, one of 53 weeks too; what is shorter is a quarter, or a year cut short."""
FIRST_ROW = 2
"""Of data, in a file whose first line names the columns."""


class FundamentalsError(ValueError):
    """A file of figures cannot be used as it is."""


def read_fundamentals(file: Path, company_ids: Collection[str]) -> pl.DataFrame:
    """Return company_id, fiscal_year_end and the figures (USD, null where not told) of these companies, by both.

    Parameters
    ----------
    file : Path
        A CSV or Parquet file with the columns `COLUMNS`, a row for each company and fiscal year; or company facts as
        the SEC gives them out, a zip of `CIK##########.json`, of which the annual figures as first filed are read.
    company_ids : collection of str
        Whose rows are wanted; a company that has no CIK has none.

    Raises
    ------
    FundamentalsError
        The file cannot be read, lacks a column, or holds a value that is no figure; the message names it.
    """
    wanted = set(company_ids)
    if file.suffix.lower() == ".zip":
        rows = _facts(file, wanted)
    else:
        rows = _table(file).filter(pl.col("company_id").is_in(wanted))
    return rows.sort("company_id", "fiscal_year_end")


def _table(file: Path) -> pl.DataFrame:
    raw = _raw(file)
    names = {name.strip().lower(): name for name in raw.columns}
    if missing := [name for name in COLUMNS if name not in names]:
        raise FundamentalsError(
            f"{file}: no column {abbreviated(missing)}, only {excerpt(', '.join(raw.columns))}; "
            f"it must name {', '.join(COLUMNS)}"
        )
    given = raw.select(pl.col(names[name]).alias(name) for name in COLUMNS)
    checked = pl.DataFrame([_ciks(file, given), _days(file, given), *(_figures(file, given, name) for name in FIGURES)])
    twice = checked.select("company_id", "fiscal_year_end").is_duplicated()
    if twice.any():
        row = int(twice.arg_max() or 0)
        company, day = checked.select("company_id", "fiscal_year_end").row(row)
        raise FundamentalsError(f"{file}: company {company} has two rows for the fiscal year to {day}; keep one")
    return checked


def _raw(file: Path) -> pl.DataFrame:
    try:
        if file.suffix.lower() in {".parquet", ".pq"}:
            return scan_parquet(file).collect()
        return pl.read_csv(file, infer_schema=False, glob=False, null_values=[""])
    except (ParquetError, pl.exceptions.PolarsError, OSError) as error:
        said = f"{file}: cannot be read ({one_line(error)})"
        raise FundamentalsError(
            f"{said}; give a CSV in UTF-8, a Parquet file, or the SEC's companyfacts.zip"
        ) from error


def _ciks(file: Path, given: pl.DataFrame) -> pl.Series:
    text = given["cik"].cast(pl.String).str.strip_chars().str.replace(r"\.0*$", "")
    found = text.to_frame().select(cik_of(pl.col("cik"))).to_series()
    if (bad := found.is_null()).any():
        row = int(bad.arg_max() or 0)
        raise _wrong(file, row, "cik", cik_problem(text[row]) if text[row] is not None else "empty; give one")
    return found.alias("company_id")


def _days(file: Path, given: pl.DataFrame) -> pl.Series:
    column = given["fiscal_year_end"]
    if not holds_days(column.dtype):
        raise FundamentalsError(f"{file}: fiscal_year_end holds {excerpt(column.dtype)}, no dates; write 2004-12-31")
    days = given.select(day_of(pl.col("fiscal_year_end"), column.dtype)).to_series()
    if (bad := days.is_null()).any():
        row = int(bad.arg_max() or 0)
        raise _wrong(file, row, "fiscal_year_end", date_problem(shown_day(column[row : row + 1])))
    return days.alias("fiscal_year_end")


def _figures(file: Path, given: pl.DataFrame, name: str) -> pl.Series:
    column = given[name]
    if not (column.dtype.is_numeric() or column.dtype in {pl.String, pl.Null}):
        raise FundamentalsError(f"{file}: {name} holds {excerpt(column.dtype)}, no numbers")
    figures = given.select(number_of(name, column.dtype, decimal_comma=False)).to_series()
    bad, wanted = figures.is_nan() | figures.is_infinite(), "a finite number"
    if name == "assets":
        bad, wanted = bad | (figures <= 0), "a number above 0"
    if (bad := bad.fill_null(False)).any():
        row = int(bad.arg_max() or 0)
        raise _wrong(file, row, name, f"{excerpt(column[row])}: not {wanted}; leave it empty where it is not known")
    return figures.alias(name)


def _wrong(file: Path, row: int, name: str, problem: str) -> FundamentalsError:
    return FundamentalsError(f"{file}: row {row + FIRST_ROW}, {name}: {problem}")


def _facts(file: Path, wanted: set[str]) -> pl.DataFrame:
    """Return the rows of the companies that the SEC's file has."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = {Path(name).stem.removeprefix("CIK"): name for name in archive.namelist() if "CIK" in name}
            rows = [
                {"company_id": company, **row}
                for company in sorted(wanted & names.keys())
                for row in annual_figures(json.loads(archive.read(names[company])))
            ]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        said = f"{file}: cannot be read ({one_line(error)})"
        raise FundamentalsError(f"{said}; download the SEC's companyfacts.zip again") from error
    return pl.DataFrame(rows, schema=EMPTY.schema)


def annual_figures(facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield fiscal_year_end and the figures of every fiscal year in one company's facts, as they were first filed.

    Parameters
    ----------
    facts : dict
        The JSON of `https://data.sec.gov/api/xbrl/companyfacts/CIK##########.json`.
    """
    gaap = facts.get("facts", {}).get("us-gaap", {})
    found: dict[date, dict[str, float]] = {}
    for figure, concepts in CONCEPTS.items():
        # The first concept is written last, over the others.
        for concept in reversed(concepts):
            told = gaap.get(concept, {}).get("units", {}).get("USD", [])
            for end, value in _first_filed(told).items():
                found.setdefault(end, {})[figure] = value
    years = {end for end, row in found.items() if row.keys() & {"operating_income", "sales"}}
    for end in sorted(years):
        row = {figure: found[end].get(figure) for figure in FIGURES}
        # What a company without assets earns on them is not defined, and such a value is a slip of the filer.
        yield {"fiscal_year_end": end, **row, "assets": row["assets"] if (row["assets"] or 0) > 0 else None}


def _first_filed(told: list[dict[str, Any]]) -> dict[date, float]:
    """Return the value of each fiscal year by its last day: that of the annual report that told it first."""
    first: dict[date, tuple[str, float]] = {}
    for entry in told:
        end, start = date.fromisoformat(entry["end"]), entry.get("start")
        whole = start is None or A_YEAR[0] <= end - date.fromisoformat(start) <= A_YEAR[1]
        if whole and str(entry.get("form", "")).startswith("10-K"):
            filed = entry["filed"]
            if end not in first or filed < first[end][0]:
                first[end] = filed, float(entry["val"])
    return {end: value for end, (_, value) in first.items()}
