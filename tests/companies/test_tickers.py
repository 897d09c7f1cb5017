"""Tickers move between companies; the history follows covers and today's list and invents nothing."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets import schemas
from assets.companies.tickers import ticker_history

SEEN = {"company_id": pl.String(), "filed_at": pl.Date(), "tickers": pl.List(pl.String)}
LISTED = {"company_id": pl.String, "ticker": pl.String}
Report = tuple[str, date, list[str]]
Days = tuple[date | None, date | None]


def day(year: int) -> date:
    return date(year, 3, 1)


def after(year: int) -> date:
    return day(year) + timedelta(days=1)


def history(seen: list[Report], listed: list[tuple[str, str]]) -> pl.DataFrame:
    return ticker_history(
        pl.DataFrame(seen, schema=SEEN, orient="row"), pl.DataFrame(listed, schema=LISTED, orient="row")
    )


def days(seen: list[Report], listed: list[tuple[str, str]]) -> dict[tuple[str, str], Days]:
    return {(row[0], row[1]): (row[2], row[3]) for row in history(seen, listed).iter_rows()}


META = [("META", day(year), ["FB" if year < 2022 else "META"]) for year in range(2019, 2025)]


def test_a_new_name_ends_the_old_ticker_and_begins_the_new_one() -> None:
    assert days(META, [("META", "META")]) == {
        ("FB", "META"): (None, day(2021)),
        ("META", "META"): (day(2022), None),
    }


def test_a_ticker_of_the_first_report_may_be_older() -> None:
    assert days([("A", day(2019), ["T"]), ("A", day(2020), ["T"])], [("A", "T")]) == {("T", "A"): (None, None)}


def test_an_unlisted_company_had_its_ticker_until_its_last_report() -> None:
    assert days([("A", day(2019), ["T"]), ("A", day(2020), ["T"])], []) == {("T", "A"): (None, day(2020))}


def test_a_report_without_symbols_is_no_evidence() -> None:
    seen = [("A", day(2018), []), ("A", day(2019), ["T"]), ("A", day(2020), [])]
    assert days(seen, [("A", "T")]) == {("T", "A"): (None, None)}
    assert days(seen, []) == {("T", "A"): (None, day(2019))}


def test_a_ticker_only_in_the_list_has_no_days() -> None:
    assert history([("A", day(2019), [])], [("A", "T")]).rows() == [("T", "A", None, None, "EDGAR list")]


def test_a_ticker_that_went_to_another_company_ended_for_the_first() -> None:
    seen = [("OLD", day(2019), ["T"]), ("NEW", day(2019), ["N"]), ("NEW", day(2022), ["T"])]
    assert days(seen, [("NEW", "T")]) == {
        ("N", "NEW"): (None, day(2019)),
        ("T", "NEW"): (day(2022), None),
        ("T", "OLD"): (None, day(2019)),
    }


def test_of_two_companies_in_the_list_the_one_whose_report_is_newer_keeps_the_ticker() -> None:
    seen = [("OLD", day(2005), ["T"]), ("NEW", day(2015), ["T"])]
    listed = [("OLD", "T"), ("NEW", "T")]
    assert days(seen, listed) == {("T", "NEW"): (after(2005), None), ("T", "OLD"): (None, day(2005))}


def test_a_company_that_succeeds_another_has_its_ticker_from_the_day_after_the_last_report() -> None:
    old, new = [("OLD", day(2017), ["T"]), ("OLD", day(2018), ["T"])], [("NEW", day(2019), ["T"])]
    assert days(old + new, [("NEW", "T")]) == {
        ("T", "NEW"): (after(2018), None),
        ("T", "OLD"): (None, day(2018)),
    }


def test_each_of_several_successors_begins_where_the_one_before_ended() -> None:
    seen = [("C", day(2021), ["T"]), ("A", day(2017), ["T"]), ("B", day(2019), ["T"])]
    assert days(seen, [("C", "T")]) == {
        ("T", "A"): (None, day(2017)),
        ("T", "B"): (after(2017), day(2019)),
        ("T", "C"): (after(2019), None),
    }


@pytest.mark.parametrize("last", [2020, 2021])
def test_companies_with_overlapping_reports_have_no_known_first_day(last: int) -> None:
    seen = [("A", day(2019), ["T"]), ("A", day(last), ["T"]), ("B", day(2020), ["T"]), ("B", day(2022), ["T"])]
    assert days(seen, [("B", "T")]) == {("T", "A"): (None, day(last)), ("T", "B"): (None, None)}


def test_nobody_succeeds_a_company_that_still_has_the_ticker() -> None:
    seen = [("A", day(2019), ["T"]), ("B", day(2020), ["T"])]
    assert days(seen, [("A", "T")]) == {("T", "A"): (None, None), ("T", "B"): (None, day(2020))}


def test_a_company_that_the_list_names_without_a_report_overtakes_one_with_reports() -> None:
    assert days([("OLD", day(2019), ["T"])], [("OLD", "T"), ("NEW", "T")]) == {
        ("T", "NEW"): (None, None),
        ("T", "OLD"): (None, day(2019)),
    }


def test_a_ticker_that_is_listed_today_has_not_ended_where_a_later_cover_left_it_out() -> None:
    seen = [("A", day(2019), ["GOOG", "GOOGL"]), ("A", day(2020), ["GOOGL"])]
    assert days(seen, [("A", "GOOG"), ("A", "GOOGL")])["GOOG", "A"] == (None, None)
    assert days(seen, [("A", "GOOGL")])["GOOG", "A"] == (None, day(2019))


def test_dots_on_covers_are_hyphens_in_the_list() -> None:
    seen = [("B", day(2020), ["BRK.A", "BRK/B"])]
    assert history(seen, [("B", "BRK-A"), ("B", "BRK-B")])["ticker"].to_list() == ["BRK-A", "BRK-B"]
    assert days(seen, [("B", "BRK-A")]) == {("BRK-A", "B"): (None, None), ("BRK/B", "B"): (None, day(2020))}


def test_the_spelling_of_a_source_that_writes_dots_is_kept() -> None:
    assert history([("B", day(2020), ["BRK.B"])], [("B", "BRK.B")])["ticker"].to_list() == ["BRK.B"]


def test_companies_that_spell_one_ticker_differently_have_one_ticker() -> None:
    seen = [("OLD", day(2019), ["V.A"]), ("OTHER", day(2020), ["V/A"]), ("OLD", day(2018), ["V A", "V-A"])]
    assert history(seen, [("NEW", "V-A")])["ticker"].to_list() == ["V A", "V-A", "V-A", "V-A"]
    assert history(seen, [])["ticker"].to_list() == ["V A", "V/A", "V/A"]


def test_the_source_names_cover_page_and_list() -> None:
    rows = history([("A", day(2020), ["T", "OLD"])], [("A", "T"), ("A", "W")])
    assert dict(rows.select("ticker", "source").iter_rows()) == {
        "OLD": "cover page",
        "T": "cover page and EDGAR list",
        "W": "EDGAR list",
    }


def test_two_reports_of_one_day_count_together() -> None:
    seen = [("A", day(2019), ["T"]), ("A", day(2019), ["U"]), ("A", day(2020), ["U"])]
    assert days(seen, [("A", "U")]) == {("T", "A"): (None, day(2019)), ("U", "A"): (None, None)}


def test_no_evidence_is_an_empty_table() -> None:
    assert history([], []).is_empty()
    untyped = pl.DataFrame({"company_id": ["A"], "filed_at": [day(2020)], "tickers": [[]]})
    assert ticker_history(untyped, pl.DataFrame(schema=LISTED)).is_empty()


companies = st.sampled_from("ABC")
tickers = st.sampled_from(["T", "U", "V.A", "V-A"])
dates = st.integers(0, 2000).map(lambda n: day(2019) + timedelta(days=n))
reports = st.lists(st.tuples(companies, dates, st.lists(tickers, max_size=3)), max_size=12)
listings = st.lists(st.tuples(companies, tickers), max_size=6)


@settings(deadline=None)
@given(reports, listings)
def test_every_history_fits_its_table_and_its_days_are_in_order(
    seen: list[Report], listed: list[tuple[str, str]]
) -> None:
    rows = history(seen, listed)
    assert schemas.TICKERS.validate(rows).num_rows == rows.height
    assert rows.select("ticker", "company_id").is_unique().all()
    assert (
        rows.select("ticker", pl.col("ticker").str.replace(r"\.", "-").alias("symbol"))
        .unique()["symbol"]
        .is_unique()
        .all()
    )
    assert rows.filter(pl.col("valid_from") > pl.col("valid_to")).is_empty()


@settings(deadline=None)
@given(reports, listings)
def test_every_day_is_that_of_a_report_that_shows_the_ticker_or_follows_a_claim(
    seen: list[Report], listed: list[tuple[str, str]]
) -> None:
    shown = {(t.replace(".", "-"), company, filed) for company, filed, symbols in seen for t in symbols}
    rows = history(seen, listed).rows()
    for ticker, company, valid_from, valid_to, _ in rows:
        known = {filed for t, c, filed in shown if (t, c) == (ticker.replace(".", "-"), company)}
        ends = {row[3] + timedelta(days=1) for row in rows if row[0] == ticker and row[1] != company and row[3]}
        assert valid_from is None or valid_from == min(known) or (valid_from in ends and valid_from < min(known))
        assert valid_to is None or valid_to == max(known)


@settings(deadline=None)
@given(reports, listings, st.randoms())
def test_the_order_of_the_rows_does_not_matter(
    seen: list[Report], listed: list[tuple[str, str]], random: object
) -> None:
    shuffled, other = list(seen), list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(other)  # type: ignore[attr-defined]
    assert history(shuffled, other).equals(history(seen, listed))
