"""Files that a profile names for methods of peers: no year is looked at before its reports are filed."""

from datetime import date
from pathlib import Path

import pytest

from assets.clusters.given_files import digests, figures_digest, figures_of, given_at, known_year
from resources.settings.clusters import Clusters, HobergPhillips
from resources.settings.profile import ProfileError


@pytest.fixture
def settings(tmp_path: Path) -> Clusters:
    pairs, link = tmp_path / "pairs.txt", tmp_path / "link.csv"
    rows = "".join(f"{year}\t1\t2\t0.{year}\n" for year in (2003, 2004, 2005))
    pairs.write_text(f"year\tgvkey1\tgvkey2\tscore\n{rows}", encoding="utf-8")
    link.write_text("gvkey,cik\n1,10\n2,20\n", encoding="utf-8")
    return Clusters(hoberg_phillips=HobergPhillips(pairs=pairs, cik_link=link))


@pytest.mark.parametrize(
    ("as_of", "year"),
    [(date(2005, 12, 31), 2004), (date(2005, 6, 30), 2003), (date(2005, 7, 31), 2004), (date(2006, 1, 31), 2004)],
)
def test_a_year_is_known_once_its_late_reports_are_filed(settings: Clusters, as_of: date, year: int) -> None:
    assert known_year(as_of) == year
    pairs = given_at(settings, as_of).pairs
    assert pairs is not None and pairs["score"].to_list() == [float(f"0.{year}")]


def test_a_profile_that_names_nothing_gives_nothing() -> None:
    given = given_at(Clusters(), date(2005, 12, 31))
    assert given.pairs is None and given.nouns is None and digests(Clusters()) == {}


def test_a_file_that_changes_has_another_digest_and_one_that_is_wrong_is_named(settings: Clusters) -> None:
    before, pairs = digests(settings), settings.hoberg_phillips.pairs
    assert pairs is not None and set(before) == {"pairs", "cik_link"}
    pairs.write_text("something else", encoding="utf-8")
    assert digests(settings)["pairs"] != before["pairs"]
    assert digests(settings)["cik_link"] == before["cik_link"]
    with pytest.raises(ProfileError, match=r"clusters: .*pairs\.txt: line 1 has no column"):
        given_at(settings, date(2005, 12, 31))
    pairs.unlink()
    with pytest.raises(ProfileError, match=r"pairs\.txt: No such file"):
        digests(settings)


def test_figures_are_read_where_a_file_is_named_and_a_wrong_one_is_said_to_be_of_that_setting(tmp_path: Path) -> None:
    assert figures_of(Clusters(), ["0000000010"]).is_empty() and figures_digest(Clusters()) == {}
    file = tmp_path / "figures.csv"
    file.write_text("cik,fiscal_year_end,operating_income,assets,sales\n10,2005-12-31,1,2,3\n", encoding="utf-8")
    settings = Clusters(fundamentals=file)
    assert figures_of(settings, ["0000000010"])["sales"].to_list() == [3.0]
    before = figures_digest(settings)
    file.write_text("cik\n10\n", encoding="utf-8")
    assert figures_digest(settings) != before and "fundamentals" not in digests(settings)
    with pytest.raises(ProfileError, match=r"clusters.fundamentals: .*figures\.csv: no column fiscal_year_end"):
        figures_of(settings, ["0000000010"])
