"""Filing years without a last one go to the newest that the source has; all else is as the profile says."""

from datetime import date
from pathlib import Path

import pytest

from assets.partitions import filing_year_keys
from resources.settings.profile import Profile, ProfileError
from resources.sources import close_years

OPEN = {"first": 2003, "last": None}
EDGAR = {"source": "edgar"}


def keys(years: object, today: date, **descriptions: object) -> tuple[str, ...]:
    profile = Profile.model_validate({"name": "p", "filing_years": years, "descriptions": descriptions})
    return filing_year_keys(close_years(profile, today))


@pytest.mark.parametrize("years", [[2004, 2003], {"first": 2003, "last": 2004}])
def test_years_with_a_last_one_are_what_they_are_on_every_day(years: object) -> None:
    assert keys(years, date(2030, 1, 1)) == keys(years, date(2003, 5, 1)) == ("2003", "2004")


def test_a_file_has_the_years_in_which_it_has_filings_up_to_today() -> None:
    assert keys(OPEN, date(2026, 1, 1)) == ("2003", "2004", "2006", "2007", "2009", "2010")
    assert keys(OPEN, date(2003, 12, 31)) == ("2003",)
    assert keys({"first": 2004}, date(2006, 8, 1)) == ("2004", "2006")


def test_edgar_has_every_year_up_to_the_one_that_runs() -> None:
    assert keys(OPEN, date(2004, 12, 31), **EDGAR) == ("2003", "2004")
    assert keys(OPEN, date(2005, 1, 1), **EDGAR) == ("2003", "2004", "2005")
    assert keys(OPEN, date(2026, 1, 1), **EDGAR, edgar={"last": "2004-06"}) == ("2003", "2004")


@pytest.mark.parametrize("source", ["edgar_corpus", "authors"])
def test_a_finished_set_wants_a_last_year(source: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=rf"profile p: filing_years.last: source {source} needs one"):
        keys(OPEN, date(2026, 1, 1), source=source, path=tmp_path)


def test_a_first_year_after_the_newest_filing_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"filing_years.first: no filing in 2011 or later"):
        keys({"first": 2011}, date(2026, 1, 1))


def test_open_years_are_closed_before_they_are_read() -> None:
    with pytest.raises(ProfileError, match="the last year depends on the day"):
        filing_year_keys(Profile.model_validate({"name": "p", "filing_years": OPEN}))
