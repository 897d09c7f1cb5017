"""Figures of fiscal years: a table is read as it stands or refused with its bad value, company facts as first filed."""

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from resources.fundamentals import COLUMNS, FundamentalsError, annual_figures, read_fundamentals

HEADER = ",".join(COLUMNS) + "\n"
KO, PEP = "0000021344", "0000077476"


def csv(folder: Path, rows: str, header: str = HEADER) -> Path:
    file = folder / "figures.csv"
    file.write_text(header + rows, encoding="utf-8")
    return file


def test_a_table_is_read_for_the_companies_asked_for_and_gaps_stay_gaps(tmp_path: Path) -> None:
    file = csv(tmp_path, "21344,2009-12-31,8231,48671,30990\n77476,2009-12-26,,39848,43232\n1,2009-12-31,1,1,1\n")
    assert read_fundamentals(file, [PEP, KO]).rows() == [
        (KO, date(2009, 12, 31), 8231.0, 48671.0, 30990.0),
        (PEP, date(2009, 12, 26), None, 39848.0, 43232.0),
    ]


def test_parquet_with_other_columns_in_capitals_is_read_too(tmp_path: Path) -> None:
    rows = {"CIK": [21344.0], "Fiscal_Year_End": [date(2009, 12, 31)], "note": ["x"]}
    pl.DataFrame({**rows, "operating_income": [1], "assets": [2.5], "SALES": [3]}).write_parquet(tmp_path / "f.parquet")
    assert read_fundamentals(tmp_path / "f.parquet", [KO]).row(0) == (KO, date(2009, 12, 31), 1.0, 2.5, 3.0)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("21344,2009-12-31,1,0,1\n", "row 2, assets: 0: not a number above 0; leave it empty"),
        ("21344,2008-12-31,1,1,1\n21344,2009-12-31,inf,1,1\n", "row 3, operating_income: inf: not a finite number"),
        ("21344,2009-12-31,1,1,12 m\n", "row 2, sales: 12 m: not a finite number"),
        ("21344,31.12.2009,1,1,1\n", "row 2, fiscal_year_end: 31.12.2009: day and month are ambiguous"),
        ("KO,2009-12-31,1,1,1\n", "row 2, cik: KO: not a CIK"),
        (",2009-12-31,1,1,1\n", "row 2, cik: empty"),
        (
            "21344,2009-12-31,1,1,1\n0000021344,2009-12-31,2,2,2\n",
            "two rows for the fiscal year to 2009-12-31; keep one",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_row_and_the_fix(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(FundamentalsError) as error:
        read_fundamentals(csv(tmp_path, rows), [KO])
    assert said in str(error.value) and "figures.csv" in str(error.value)


def test_a_missing_column_and_a_file_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(FundamentalsError, match="no column sales, only"):
        read_fundamentals(csv(tmp_path, "", HEADER.replace(",sales", "")), [KO])
    (tmp_path / "x.zip").write_bytes(b"no zip")
    for name in ("x.zip", "none.csv"):
        with pytest.raises(FundamentalsError, match="cannot be read"):
            read_fundamentals(tmp_path / name, [KO])


def fact(end: str, value: float, filed: str, start: str | None = None, form: str = "10-K") -> dict[str, Any]:
    begins = {"start": start} if start else {}
    return {**begins, "end": end, "val": value, "accn": "x", "fy": 2010, "fp": "FY", "form": form, "filed": filed}


def facts() -> dict[str, Any]:
    """In the layout of the SEC: a year restated later, a quarter, a report of another form, two names for sales."""
    concepts = {
        "OperatingIncomeLoss": [
            fact("2009-12-31", 8231, "2010-02-26", "2009-01-01"),
            fact("2009-12-31", 8200, "2011-02-28", "2009-01-01"),
            fact("2009-12-31", 2000, "2010-02-26", "2009-10-01"),
            fact("2010-12-31", 1, "2011-02-01", "2010-01-01", form="8-K"),
        ],
        "Assets": [fact("2009-12-31", 48671, "2010-02-26"), fact("2009-09-30", 1, "2009-11-01", form="10-Q")],
        "SalesRevenueNet": [fact("2009-12-31", 30990, "2010-02-26", "2009-01-01")],
        "Revenues": [fact("2010-12-31", 35119, "2011-02-28", "2010-01-01")],
    }
    return {"cik": 21344, "facts": {"us-gaap": {name: {"units": {"USD": rows}} for name, rows in concepts.items()}}}


def test_company_facts_are_those_of_whole_years_in_annual_reports_as_first_filed() -> None:
    assert list(annual_figures(facts())) == [
        {"fiscal_year_end": date(2009, 12, 31), "operating_income": 8231.0, "assets": 48671.0, "sales": 30990.0},
        {"fiscal_year_end": date(2010, 12, 31), "operating_income": None, "assets": None, "sales": 35119.0},
    ]
    assert not list(annual_figures({"cik": 1, "facts": {}}))


def test_the_bulk_file_is_read_for_the_companies_asked_for(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "companyfacts.zip", "w") as archive:
        archive.writestr(f"CIK{KO}.json", json.dumps(facts()))
        archive.writestr(f"CIK{PEP}.json", "{not read")
    found = read_fundamentals(tmp_path / "companyfacts.zip", [KO, "ticker:HOME"])
    assert found["company_id"].to_list() == [KO, KO]
