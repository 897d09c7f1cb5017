"""The returns in the paper's data set become months of a company, or are refused."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fakes.corpora import authors_row, put

from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.universe.authors_returns import read_authors_returns

RETURNS = "logged_monthly_returns_matrix"
ENDS = (date(2004, 1, 31), date(2004, 2, 29))


def read(file: Path, *filed: int) -> pl.DataFrame:
    return read_authors_returns(Descriptions(source="authors", path=file), filed, file.parent / "hub")


def test_twelve_returns_are_the_months_of_the_reports_own_year(tmp_path: Path) -> None:
    values = [0.01 * month for month in range(1, 13)]
    rows = [authors_row(year="2004", **{RETURNS: values}), authors_row(year="2009", **{RETURNS: values})]
    found = read(put(tmp_path / "a.parquet", *rows), 2005)
    assert found["company_id"].unique().to_list() == ["0000320193"]
    assert (
        found["month"].to_list()
        == pl.date_range(date(2004, 1, 1), date(2004, 12, 1), "1mo", eager=True).dt.month_end().to_list()
    )
    assert found["log_return"].to_list() == values


def test_a_matrix_of_one_row_is_read_and_missing_months_have_no_row(tmp_path: Path) -> None:
    holed = [None, float("nan"), *[0.5] * 10]
    rows = [
        authors_row(7, **{RETURNS: [[0.1] * 12]}),
        authors_row(8, **{RETURNS: [holed]}),
        authors_row(9, **{RETURNS: None}),
    ]
    found = read(put(tmp_path / "a.parquet", *rows), 2005)
    assert dict(found.group_by("company_id").len().iter_rows()) == {"0000000007": 12, "0000000008": 10}


def test_other_numbers_of_returns_and_other_files_are_refused(tmp_path: Path) -> None:
    rows = [authors_row(1), authors_row(2, **{RETURNS: [0.1] * 11})]
    with pytest.raises(
        ProfileError, match=r"a\.parquet, column logged_monthly.*: 11 returns, 12 are expected \(1 such row\)"
    ):
        read(put(tmp_path / "a.parquet", *rows), 2005)
    with pytest.raises(ProfileError, match=r"b\.jsonl: monthly returns are read from Parquet alone"):
        read(put(tmp_path / "b.jsonl", authors_row()), 2005)
    pl.DataFrame({"cik": [1], "year": [2004]}).write_parquet(tmp_path / "c.parquet")
    with pytest.raises(ProfileError, match=r"c\.parquet: no cik, year and logged_monthly_returns_matrix can be read"):
        read(tmp_path / "c.parquet", 2005)
