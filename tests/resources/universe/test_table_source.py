"""The bundled companies are what the README promises, and your own file is read or refused with a sentence."""

import os
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from resources.lake.progress import no_bar
from resources.market.price_file import FileMarket
from resources.settings.descriptions import DescriptionColumns, Descriptions
from resources.settings.prices import Prices
from resources.settings.profile import Profile, ProfileError, load_profile
from resources.universe.table_source import COLUMNS, TableUniverse, read_universe

SAMPLE = read_universe(Profile(name="sample"))


def own(folder: Path, rows: dict[str, list[object]], **settings: object) -> Profile:
    pl.DataFrame(rows).write_parquet(folder / "own.parquet")
    mapped = ("cik", "sic", "filed_at", "sector", "industry")
    columns = DescriptionColumns(**{name: name for name in rows if name in mapped}, text="text")
    fixed = {"filed_at": date(2004, 3, 1)} | settings
    descriptions = Descriptions(source="parquet", path=folder / "own.parquet", columns=columns, **fixed)  # type: ignore[arg-type]
    return Profile(name="own", descriptions=descriptions)


def company(**changed: object) -> dict[str, list[object]]:
    row = {"ticker": "KO", "name": "Coca-Cola", "text": "Drinks."} | changed
    return {name: value if isinstance(value, list) else [value] for name, value in row.items()}


def test_the_sample_has_enough_companies_in_enough_industries() -> None:
    companies = SAMPLE.unique("company_id")
    groups = companies.group_by(pl.col("sic").str.slice(0, 2)).len()
    assert SAMPLE.columns == list(COLUMNS)
    assert companies.height >= 120
    assert groups.height >= 25
    assert groups.filter(pl.col("len") >= 4).height >= 10


def test_the_sample_names_each_company_by_one_real_number() -> None:
    assert SAMPLE.unique(["cik", "ticker"]).height == SAMPLE["cik"].n_unique() == SAMPLE["ticker"].n_unique()
    assert SAMPLE["company_id"].equals(SAMPLE["cik"].alias("company_id"))
    assert SAMPLE["cik"].str.contains(r"^0\d{9}$").all()
    assert SAMPLE["sic"].str.contains(r"^\d{4}$").all()
    assert SAMPLE["accession"].equals(
        SAMPLE.select(pl.format("sample-{}-{}", "ticker", pl.col("filed_at").dt.year()).alias("accession")).to_series()
    )


def test_the_sample_has_known_companies() -> None:
    known = {row["ticker"]: (row["cik"], row["sic"]) for row in SAMPLE.iter_rows(named=True)}
    assert known["PEP"] == ("0000077476", "2080")
    assert known["JPM"] == ("0000019617", "6021")


def test_at_least_forty_companies_of_the_sample_tell_of_three_years() -> None:
    filings = SAMPLE.group_by("ticker").agg(pl.col("filed_at").sort())
    later = filings.filter(pl.col("filed_at").list.len() > 1)
    assert later.height >= 40
    assert set(later["filed_at"].list.len()) == {3}
    by_ticker = dict(later.iter_rows())
    assert by_ticker["KO"] == [date(2004, 2, 29), date(2007, 3, 1), date(2010, 3, 1)]
    # A fiscal year that ends in January is called by the year before it.
    assert by_ticker["HD"] == [date(2004, 3, 31), date(2007, 4, 1), date(2010, 4, 1)]


def test_a_company_of_the_sample_is_called_as_it_was_when_it_filed() -> None:
    names = SAMPLE.filter(ticker="AAPL").sort("filed_at")["name"].to_list()
    assert names == ["Apple Computer, Inc.", "Apple Computer, Inc.", "Apple Inc."]


def test_texts_of_the_sample_have_120_to_220_words() -> None:
    words = SAMPLE.select("accession", words=pl.col("text").str.split(" ").list.len())
    assert words.filter(~pl.col("words").is_between(120, 220)).rows() == []


def test_filings_of_the_sample_follow_the_fiscal_year_end() -> None:
    first = SAMPLE.group_by("ticker").agg(pl.col("filed_at").min())
    assert first["filed_at"].is_between(date(2003, 4, 1), date(2004, 3, 31)).all()
    assert ((SAMPLE["filed_at"] - SAMPLE["period"]).dt.total_days() == 60).all()
    assert SAMPLE["period"].dt.strftime("%m-%d").equals(SAMPLE["fiscal_year_end"].alias("period"))


def test_every_company_of_the_sample_has_prices_from_first_to_last_day() -> None:
    quotes = FileMarket(Prices()).quotes(SAMPLE["ticker"])
    assert quotes.missing == {}
    days = quotes.rows.group_by("ticker").agg(pl.col("date").min().alias("first"), pl.col("date").max().alias("last"))
    assert days.height == SAMPLE["ticker"].n_unique()
    assert days["last"].min() >= date(2012, 9, 7)


def test_a_profile_picks_tickers_and_an_unknown_one_gets_a_hint() -> None:
    assert read_universe(Profile(name="two", tickers=["PEP", "KO"]))["ticker"].unique().sort().to_list() == [
        "KO",
        "PEP",
    ]
    assert read_universe(Profile(name="all")).height == SAMPLE.height
    with pytest.raises(ProfileError, match=r"profile two: tickers: 'PEPP' is not in the sample; did you mean 'PEP'\?"):
        read_universe(Profile(name="two", tickers=["KO", "PEPP"]))


def test_companies_without_a_number_are_known_by_their_ticker(tmp_path: Path) -> None:
    rows = company(ticker=["KO", "HOME", "FARM"], name="x", text="y", cik=[21344, None, None])
    rows = {name: value * 3 if len(value) == 1 else value for name, value in rows.items()}
    found = read_universe(own(tmp_path, rows))
    assert dict(found.select("ticker", "company_id").iter_rows()) == {
        "KO": "0000021344",
        "HOME": "ticker:HOME",
        "FARM": "ticker:FARM",
    }
    assert set(found["form"]) == {"description"}


@pytest.mark.parametrize("cik", [21344, 21344.0, "21344", "0000021344", " 21344 "])
def test_a_number_is_ten_digits_however_it_is_stored(tmp_path: Path, cik: object) -> None:
    assert read_universe(own(tmp_path, company(cik=cik)))["company_id"].to_list() == ["0000021344"]


@pytest.mark.parametrize("cik", [float("nan"), None])
def test_no_number_is_null_however_it_is_stored(tmp_path: Path, cik: object) -> None:
    found = read_universe(own(tmp_path, company(cik=cik)))
    assert found.select("cik", "company_id").row(0) == (None, "ticker:KO")


@pytest.mark.parametrize("sic", ["n/a", "60222", "6022.0", "six", "0", "20"])
def test_what_is_not_a_sic_code_is_refused_with_its_row_and_value(tmp_path: Path, sic: str) -> None:
    rows = company(ticker=["KO", "PEP"], name=["Coca-Cola", "PepsiCo"], text=["Drinks.", "Snacks."], sic=[None, sic])
    with pytest.raises(ProfileError, match=rf"row 2, column sic: {sic}: not a SIC code; give three or"):
        read_universe(own(tmp_path, rows))


@pytest.mark.parametrize(("sic", "expected"), [(100, "0100"), ("0100", "0100"), ("2086", "2086"), (None, None)])
def test_sic_keeps_its_leading_zero(tmp_path: Path, sic: object, expected: str | None) -> None:
    assert read_universe(own(tmp_path, company(sic=sic)))["sic"].to_list() == [expected]


def test_a_filing_date_may_be_a_day_a_time_or_text(tmp_path: Path) -> None:
    for given in (date(2004, 2, 3), datetime(2004, 2, 3, 12), "2004-02-03"):
        found = read_universe(own(tmp_path, company(filed_at=given), filed_at=None))
        assert found.select("filed_at", "accession").row(0) == (date(2004, 2, 3), "parquet-KO-2004")
        (tmp_path / "own.parquet").unlink()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"ticker": ["KO"], "text": ["x"]}, ["descriptions.columns.name", "'name' is not a column", "ticker, text"]),
        (company(ticker=None), ["row 1, column ticker: empty: no ticker; drop the row (1 such row)"]),
        (company(filed_at="soon"), ["row 1, column filed_at: soon: not a date; write dates as 2004-01-02"]),
        (company(name=["a", "b"], ticker=["KO", "KO"], text=["x", "y"]), ["'KO' has two texts of 2004-03-01"]),
        (
            company(name=["a", "b"], ticker=["KO"] * 2, text=["x", "y"], filed_at=[date(2004, 1, 1), date(2004, 9, 1)]),
            ["'KO' has two texts in one year"],
        ),
        ({name: [] for name in ("ticker", "name", "text")}, ["no rows"]),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, rows: dict[str, list[object]], words: list[str]) -> None:
    with pytest.raises(ProfileError) as caught:
        read_universe(own(tmp_path, rows))
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_missing_file_and_one_that_is_not_parquet_are_refused(tmp_path: Path) -> None:
    profile = own(tmp_path, company())
    (tmp_path / "own.parquet").write_text("ticker,text")
    with pytest.raises(ProfileError, match="not a Parquet file"):
        read_universe(profile)
    (tmp_path / "own.parquet").unlink()
    with pytest.raises(ProfileError, match=r"descriptions.path: no such file: .*own.parquet"):
        read_universe(profile)


def test_variables_in_the_path_of_a_file_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(tmp_path, company())
    monkeypatch.setenv("MY_TEXTS", str(tmp_path))
    text = "descriptions: {source: parquet, path: $MY_TEXTS/own.parquet, filed_at: 2004-03-01, columns: {text: text}}"
    (tmp_path / "mine.yaml").write_text(text)
    assert read_universe(load_profile(tmp_path / "mine.yaml"))["ticker"].to_list() == ["KO"]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:

    before = read_universe(own(tmp_path, company()))
    profile = own(tmp_path, company(text="Other drinks."))
    os.utime(tmp_path / "own.parquet", (1, 1))
    after = read_universe(profile)
    assert before["text"].to_list() != after["text"].to_list()


def test_the_fingerprint_of_filings_has_one_slice_a_filing_and_companies_ignore_texts(tmp_path: Path) -> None:
    def now(**changed: object) -> tuple[dict[str, str], dict[str, str]]:
        universe = TableUniverse(own(tmp_path, company(**changed)), tmp_path)
        return universe.filings_now(2004), universe.companies_now()

    before, after, renamed = now(), now(text="Changed."), now(name="Coke")
    assert list(before[0]) == ["2004-03-01 parquet-KO-2004"]
    assert before[0] != after[0]
    assert before[1] == after[1] != renamed[1]
    changed = [renamed, now(sector="Drinks"), now(industry="Soft drinks")]
    assert len({one[0]["2004-03-01 parquet-KO-2004"] for one in [before, *changed]}) == 4


def test_a_filing_keeps_name_sector_and_industry_of_its_own_row(tmp_path: Path) -> None:
    days = [date(2004, 3, 1), date(2005, 3, 1)]
    said = {"name": ["Coca-Cola", "Coke"], "sector": ["Drinks", "Snacks"], "industry": ["Soft drinks", None]}
    twice = company(ticker=["KO", "KO"], text=["a", "b"], filed_at=days, cik=[21344, 21344], **said)
    universe = TableUniverse(own(tmp_path, twice, filed_at=None), tmp_path)
    rows = pl.concat(universe.filings(year, no_bar).rows(()) for year in (2004, 2005))
    assert rows.select("name", "sector", "industry").rows() == [
        ("Coca-Cola", "Drinks", "Soft drinks"),
        ("Coke", "Snacks", None),
    ]


def test_the_first_report_of_a_company_is_its_earliest_and_its_name_the_newest(tmp_path: Path) -> None:
    days = [date(2004, 3, 1), date(2005, 3, 1)]
    twice = company(ticker=["KO", "KO"], name=["Coca-Cola", "Coke"], text=["a", "b"], filed_at=days, cik=[21344, 21344])
    universe = TableUniverse(own(tmp_path, twice, filed_at=None), tmp_path)
    (row,) = universe.companies(no_bar).rows(named=True)
    assert (row["name"], row["first_report"]) == ("Coke", days[0])
    assert universe.listed.rows() == [("0000021344", "KO")]
    assert universe.filings(2005, no_bar).rows(())["tickers"].to_list() == [["KO"]]
