"""EDGAR's lists are parsed, with real samples first."""

import json
from contextlib import suppress
from datetime import date

import pytest
from fakes.tenk import real_file
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.edgar.index import (
    EdgarFormatError,
    annual_reports,
    base_form,
    company_facts,
    company_id,
    first_report,
    index_path,
    is_amendment,
    listing,
    older_pages,
    quarter_end,
)

HEAD = "Description: Master Index\n\nCIK|Company Name|Form Type|Date Filed|Filename\n" + "-" * 80 + "\n"


def sample(name: str) -> bytes:
    return real_file(f"edgar_api/{name}")


def index(*lines: str) -> bytes:
    return (HEAD + "\n".join(lines) + "\n").encode("latin-1")


def test_the_index_of_1993_holds_the_annual_reports_with_iso_dates() -> None:
    found, unreadable = annual_reports(sample("master_sample.idx"), "1993")
    disney = found.filter(company_id="0000029082").row(0, named=True)
    assert unreadable == 0
    assert disney == {
        "company_id": "0000029082",
        "name": "DISNEY WALT CO",
        "form": "10-K",
        "filed_at": date(1993, 12, 22),
        "accession": "0000950131-94-000021",
        "url": "/Archives/edgar/data/29082/0000950131-94-000021.txt",
    }
    assert "10-K/A" in found["form"].to_list()
    assert not {"10-Q", "11-KT", "REGDEX"} & set(found["form"])


def test_a_daily_index_writes_its_dates_without_dashes() -> None:
    text = sample("master.20181231.idx").decode("latin-1")
    lines = text.splitlines()[-2:]
    as_annual = "\n".join(
        [*text.splitlines(), *(line.replace("|4|", "|10-K|").replace("|424B2|", "|10-K|") for line in lines)]
    )
    found, _ = annual_reports(as_annual.encode("latin-1"), "daily")
    assert found["filed_at"].unique().to_list() == [date(2018, 12, 31)]


@pytest.mark.parametrize(
    "form", ["10-K", "10-K405", "10-KSB", "10KSB", "10-KSB40", "10-KT", "10KT405", "10-K/A", "10-K405/A"]
)
def test_every_spelling_of_an_annual_report_is_one(form: str) -> None:
    line = f"37996|FORD MOTOR CO|{form}|2003-03-14|edgar/data/37996/0000037996-03-000013.txt"
    assert annual_reports(index(line), "x")[0]["form"].to_list() == [form]


@pytest.mark.parametrize("form", ["10-Q", "NT 10-K", "10-D", "11-K", "20-F", "10-KX", "8-K"])
def test_other_forms_are_not_annual_reports(form: str) -> None:
    line = f"37996|FORD MOTOR CO|{form}|2003-03-14|edgar/data/37996/0000037996-03-000013.txt"
    assert annual_reports(index(line), "x")[0].height == 0


def test_lines_that_edgar_would_not_write_are_counted_and_left_out() -> None:
    good = "37996|FORD MOTOR CO|10-K|2003-03-14|edgar/data/37996/0000037996-03-000013.txt"
    found, unreadable = annual_reports(
        index(
            good,
            good,
            "1|UP|10-K|2003-03-14|../../etc/passwd",
            "2|NO DAY|10-K|2003-13-45|edgar/data/2/0000000002-03-000001.txt",
            "x|NO CIK|10-K|2003-03-14|edgar/data/3/0000000003-03-000001.txt",
            "four|fields|10-K|2003-03-14",
        ),
        "x",
    )
    assert found["company_id"].to_list() == ["0000037996"]
    assert unreadable == 4


def test_a_report_of_two_companies_has_a_row_for_each() -> None:
    path = "edgar/data/{}/0000092122-03-000012.txt"
    lines = [
        f"{cik}|{name}|10-K|2003-03-14|{path.format(cik)}"
        for cik, name in ((92122, "SOUTHERN CO"), (3153, "ALABAMA POWER CO"))
    ]
    assert annual_reports(index(*lines), "x")[0]["company_id"].to_list() == ["0000003153", "0000092122"]


@pytest.mark.parametrize("content", [b"", b"<html>Request Rate Threshold Exceeded</html>", b"CIK|Company Name|no rule"])
def test_content_that_is_not_an_index_is_an_error_that_names_it(content: bytes) -> None:
    with pytest.raises(EdgarFormatError, match=r"QTR1/master.idx: not a master index; it begins with"):
        annual_reports(content, index_path(2003, 1))


def test_a_form_has_a_base_and_may_amend() -> None:
    assert (base_form("10-K405/A"), is_amendment("10-K405/A")) == ("10K405", True)
    assert (base_form("10-KSB"), is_amendment("10-KSB")) == ("10KSB", False)
    assert company_id("320193") == company_id(320193) == "0000320193"
    assert [quarter_end(2020, q) for q in (1, 2, 4)] == [date(2020, 3, 31), date(2020, 6, 30), date(2020, 12, 31)]


def test_the_present_tickers_are_upper_case_and_one_row_each() -> None:
    found = listing(sample("company_tickers_exchange.json"), "listing")
    assert found.filter(ticker="AAPL").row(0) == ("0000320193", "Apple Inc.", "AAPL", "Nasdaq")
    assert found.filter(company_id="0001652044")["ticker"].to_list() == ["GOOG", "GOOGL"]
    assert found.select("ticker", "company_id").is_unique().all()


@pytest.mark.parametrize("content", [b"<html>", b"[1]", b'{"fields": ["cik"], "data": []}'])
def test_content_that_is_not_a_listing_is_an_error_that_names_it(content: bytes) -> None:
    with pytest.raises(EdgarFormatError, match=r"^listing: "):
        listing(content, "listing")


def test_the_older_pages_have_the_first_annual_report() -> None:
    main, older = sample("CIK0000320193.json"), sample("CIK0000320193-submissions-001.json")
    assert older_pages(main, "apple") == ["/submissions/CIK0000320193-submissions-001.json"]
    alone, whole = company_facts(main, {}, "apple"), company_facts(main, {"page": older}, "apple")
    assert (whole["exchange"], whole["fiscal_year_end"]) == ("Nasdaq", "09-30")
    assert whole["first_report"] < date(1996, 1, 1) < date(2012, 1, 1) < alone["first_report"]


def test_missing_facts_of_a_company_are_empty() -> None:
    little = json.dumps(
        {"name": "X", "exchanges": [None], "fiscalYearEnd": None, "filings": {"recent": {}, "files": []}}
    )
    assert company_facts(little.encode(), {}, "x") == {"exchange": None, "fiscal_year_end": None, "first_report": None}


def test_a_page_name_cannot_lead_to_another_path() -> None:
    content = json.dumps({"filings": {"files": [{"name": "../../etc/passwd"}, {"name": "CIK1-submissions-001.json"}]}})
    assert older_pages(content.encode(), "x") == []


KEYS = [
    "cik",
    "fields",
    "data",
    "filings",
    "recent",
    "files",
    "name",
    "form",
    "filingDate",
    "exchanges",
    "fiscalYearEnd",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), anything) | anything, st.lists(anything, max_size=5))
def test_any_json_is_read_or_is_not_what_edgar_lists(value: object, rows: list[object]) -> None:
    told = {"fields": ["cik", "name", "ticker", "exchange"], "data": [*rows, [1, "A", "A", None]]}
    assert listing(json.dumps(told).encode(), "x")["ticker"].to_list() == ["A"]
    content = json.dumps(value).encode()
    for parse in (listing, older_pages, first_report, lambda body, where: company_facts(body, {}, where)):
        with suppress(EdgarFormatError):
            parse(content, "/submissions/CIK0000000001.json")


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=4, max_size=6), max_size=5))
def test_any_lines_of_an_index_cost_those_lines(rows: list[list[str]]) -> None:
    good = "37996|FORD MOTOR CO|10-K|2003-03-14|edgar/data/37996/0000037996-03-000013.txt"
    lines = ["|".join(row) for row in rows]
    content = (HEAD + "\n".join([good, *lines, good]) + "\n").encode("utf-8", "surrogatepass")
    assert annual_reports(content, "x")[0]["company_id"].to_list() == ["0000037996"]


@given(st.binary(max_size=200))
def test_any_bytes_are_no_other_error(content: bytes) -> None:
    for body in (content, HEAD.encode() + content):
        for parse in (listing, older_pages, first_report, annual_reports):
            with suppress(EdgarFormatError):
                parse(body, "x")  # type: ignore[operator]
