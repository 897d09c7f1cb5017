"""A newest as-of date without filings that it may use, or with newer ones left out, is said aloud."""

from datetime import date
from pathlib import Path

from pipelines.graph import open_graph
from pipelines.newest_filing import filing_warnings
from resources.lake.build import build
from resources.lake.lake import Lake
from resources.settings.profile import Profile
from resources.universe.table_source import read_universe

TODAY = date(2012, 10, 1)


def warnings(home: Path, **changed: object) -> list[str]:
    """What is said of the sample, with these settings: its filings are of 2003, 2004, 2006, 2007, 2009 and 2010."""
    settings = {"name": "p", "filing_years": [2003, 2004], "as_of": {"last": "2005-12"}, **changed}
    graph, lake = open_graph(Profile.model_validate(settings), TODAY), Lake(home, "p")
    for asset, years in (("companies", (None,)), ("filings", graph.partitions("filings"))):
        for year in years:
            build(graph, lake, asset, year)
    return filing_warnings(graph, lake)


def test_nothing_is_said_where_the_newest_date_has_filings_or_there_is_no_limit(tmp_path: Path) -> None:
    assert warnings(tmp_path, max_filing_age_months=24) == []
    every = [2003, 2004, 2006, 2007, 2009, 2010]
    assert warnings(tmp_path, max_filing_age_months=None, as_of={"last": "2011-12"}, filing_years=every) == []
    assert warnings(tmp_path, max_filing_age_months=24, filing_years={"first": 2003}) == []


def test_filings_that_are_all_too_old_for_the_newest_date_are_a_warning(tmp_path: Path) -> None:
    (line,) = warnings(tmp_path, max_filing_age_months=18)
    assert line.startswith("no filing describes a company in 2005-12: the newest one is of 2004-03-31")
    assert "max_filing_age_months is 18" in line


def own_table(folder: Path) -> dict[str, object]:
    """The sample's filings as somebody's own file."""
    rows = read_universe(Profile(name="sample")).select("ticker", "name", "cik", "text", "filed_at")
    rows.write_parquet(folder / "own.parquet")
    columns = {"text": "text", "cik": "cik", "filed_at": "filed_at"}
    return {"source": "parquet", "path": folder / "own.parquet", "columns": columns}


def test_filings_after_the_last_year_are_a_warning(tmp_path: Path) -> None:
    told = {"max_filing_age_months": None, "filing_years": [2003]}
    (line,) = warnings(tmp_path, descriptions=own_table(tmp_path), **told)
    assert line.startswith("filings of 2004 are left out in 2005-12, because filing_years ends with 2003; ")
    assert "`filing_years: {first: 2003, last: null}` goes to the newest" in line


def test_of_the_sample_years_are_left_out_on_purpose(tmp_path: Path) -> None:
    assert warnings(tmp_path, max_filing_age_months=None, filing_years=[2003]) == []


def test_filings_after_the_newest_date_are_none(tmp_path: Path) -> None:
    told = {"filing_years": [2003], "as_of": {"first": "2003-12", "last": "2003-12"}}
    assert warnings(tmp_path, descriptions=own_table(tmp_path), **told) == []


def test_an_empty_lake_says_nothing(tmp_path: Path) -> None:
    assert filing_warnings(open_graph(Profile(name="p"), TODAY), Lake(tmp_path, "p")) == []
