"""The small inputs of PEERLENS_TESTDATA/cases are read or refused as their README says."""

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets.descriptions.given_texts import rejection
from resources.market.quotes import PriceError
from resources.settings.descriptions import DescriptionColumns, Descriptions
from resources.settings.profile import Profile, ProfileError, load_profile
from resources.sources import Sources
from resources.universe.table_source import read_universe

CASES = Path(os.environ.get("PEERLENS_TESTDATA", "/nowhere")) / "cases"
TODAY = date(2026, 1, 15)
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="PEERLENS_TESTDATA has no cases")


def preflight(case: str, home: Path) -> dict[str, str | None]:
    """Look at all data of a profile; its tickers and the sector of each."""
    profile = load_profile(CASES / case / f"{case}.yaml")
    universe, market = Sources(home).universe(profile), Sources(home).market(profile.prices)
    universe.preflight(TODAY)
    market.span()
    assert market.quotes(universe.listed["ticker"]).missing == {}
    return dict(read_universe(profile).select("ticker", "sector").iter_rows())


def lone(name: str) -> pl.DataFrame:
    file = CASES / f"desc_{name}.parquet"
    columns = {
        column: column for column in ("cik", "sic", "sector", "filed_at") if column in pl.read_parquet_schema(file)
    }
    source = Descriptions(source="parquet", path=file, columns=DescriptionColumns(**columns))
    return read_universe(Profile(name="lone", descriptions=source))


@pytest.mark.parametrize("case", ["cattick", "nantext"])
def test_categories_are_text(tmp_path: Path, case: str) -> None:
    assert preflight(case, tmp_path)["XOM"] == "energy"


def test_whole_numbers_are_sectors_and_tickers(tmp_path: Path) -> None:
    assert preflight("sectorint", tmp_path)["XOM"] == "10"
    assert preflight("inttick", tmp_path)["7203"] == "energy"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("ciknan", "row 5, column Register: nan: no CIK; leave the cell null where a company has none (3 such rows)"),
        ("usdates", "row 1, column Published: 12/01/2006: day and month are ambiguous; write dates as 2004-01-02"),
        ("intd", "holds Int64, not dates; convert it to dates"),
        ("sicfloat", "row 1, column SIC: 1311.0: not a SIC code; give three or four digits alone"),
        (
            "spacetick",
            "texts.parquet: row 1, column Symbol: 'XOM ': spaces around a ticker; write it without (8",
        ),
        ("cr", "quotes.csv: its lines end with carriage returns alone; save it with the line ends of Unix or Windows"),
    ],
)
def test_a_file_that_is_not_certain_is_refused_by_its_column(tmp_path: Path, case: str, words: str) -> None:
    with pytest.raises((ProfileError, PriceError)) as caught:
        preflight(case, tmp_path)
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cik_comma", "row 1, column cik: 320,193: not a CIK"),
        ("cik_half", "row 1, column cik: 320193.5: not a CIK"),
        ("cik_prefix", "row 1, column cik: CIK0000320193: not a CIK"),
        ("cik_strfloat", "row 1, column cik: 320193.0: not a CIK"),
        ("cik_zero", "row 1, column cik: 0: not a CIK"),
        ("mixcik", "row 2, column cik: 320193.0: not a CIK"),
        ("dots", "row 1, column filed_at: 01.12.2004: day and month are ambiguous"),
        ("short_year", "row 1, column filed_at: 03/01/04: day and month are ambiguous"),
        ("excel_serial", "holds Int64, not dates"),
        ("sic_strfloat", "row 1, column sic: 3711.0: not a SIC code"),
    ],
)
def test_a_value_that_is_not_certain_is_refused_with_its_place(name: str, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        lone(name)
    assert words in str(caught.value)


def test_a_blank_sector_is_none() -> None:
    assert lone("sector_blank")["sector"].to_list() == [None, None]


def test_a_day_with_a_time_zone_is_the_local_day() -> None:
    assert lone("pd_tz_berlin")["filed_at"].to_list() == [date(2005, 1, 1), date(2005, 1, 3)]


def test_a_text_that_is_nan_is_rejected_as_empty() -> None:
    texts = pl.read_parquet(CASES / "nantext" / "texts.parquet").rename({"What they do": "text"})
    reasons = texts.filter(rejection().is_not_null()).select("Symbol", rejection()).rows()
    empty = "the text is empty"
    assert reasons == [("WFC", f"{empty}: it says nan"), ("PFE", f"{empty}: it says nan"), ("GE", empty)]
