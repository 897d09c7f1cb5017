"""What an as-of date sees, and which filing of a company is the newest."""

from datetime import date

import polars as pl
import pytest

from assets.known_at import filings_in_doubt, filings_known, newest_filings
from resources.lake.recipe import DateWindow
from resources.settings.features import Quality
from resources.settings.profile import Profile

PROFILE = Profile(name="p")


def test_filings_are_known_from_the_age_limit_to_the_as_of_date() -> None:
    assert filings_known(PROFILE, "2004-12") == DateWindow(date(2003, 6, 30), date(2004, 12, 31))
    ageless = PROFILE.model_copy(update={"max_filing_age_months": None})
    assert filings_known(ageless, "2004-12") == DateWindow(None, date(2004, 12, 31))


def test_the_newest_filing_is_the_last_by_date_then_by_name() -> None:
    rows = pl.DataFrame({
        "company_id": ["1", "1", "1", "2"],
        "accession": ["b", "c", "a", "x"],
        "filed_at": [date(2004, 1, 2), date(2004, 1, 2), date(2004, 1, 1), date(2003, 1, 1)],
        "latent": [1, 2, 3, 4],
    })  # fmt: skip
    assert newest_filings(rows)["latent"].to_list() == [2, 4]
    assert newest_filings(rows.reverse())["latent"].to_list() == [4, 2]


@pytest.mark.parametrize(
    ("min_quality", "described"),
    [("disagree", {"1": "b", "2": "d", "3": "e"}), ("short", {"1": "a", "2": "d"}), ("ok", {"1": "a", "2": "c"})],
)
def test_a_filing_in_doubt_describes_no_company_unless_asked_for(
    min_quality: Quality, described: dict[str, str]
) -> None:
    rows = pl.DataFrame({
        "company_id": ["1", "1", "2", "2", "3"],
        "accession": ["a", "b", "c", "d", "e"],
        "filed_at": [date(2003, 1, 1), date(2004, 1, 1), date(2003, 1, 1), date(2004, 1, 1), date(2004, 1, 1)],
        "quality": ["ok", "disagree", "ok", "short", "disagree"],
    })  # fmt: skip
    newest = newest_filings(rows.drop("quality"), filings_in_doubt(rows, min_quality))
    assert dict(newest.select("company_id", "accession").iter_rows()) == described


def test_a_text_in_doubt_is_used_only_by_choice() -> None:
    assert PROFILE.features.min_quality == "short"
