"""Rows of `filings` hold the facts of the index and the document, and the reason for a missing document."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fakes.edgar_server import EdgarServer, ServedFiling
from fakes.own_filings import own_companies, own_filings

from assets import schemas
from resources.edgar import Request
from resources.settings.profile import Profile
from resources.universe.edgar_filings import contents, download, filing_rows, in_ranges
from resources.universe.edgar_source import EdgarUniverse


def universe(server: EdgarServer, home: Path, **edgar: object) -> EdgarUniverse:
    asked = {"identity": "Jane Doe jane@example.com", "archive_url": server.url, "data_url": server.url, **edgar}
    profile = {"name": "x", "filing_years": [2003], "descriptions": {"source": "edgar", "edgar": asked}}
    return EdgarUniverse(Profile.model_validate(profile), home)


@pytest.mark.parametrize(
    ("sic", "ranges", "chosen"),
    [
        ("3711", ["3711"], True),
        ("3712", ["3711"], False),
        ("2000", ["2000-2999"], True),
        ("2999", ["2000-2999"], True),
        ("3000", ["2000-2999", "3711"], False),
        ("0100", ["0100-0999"], True),
    ],
)
def test_ranges_of_codes_have_their_ends(sic: str, ranges: list[str], chosen: bool) -> None:
    assert in_ranges(sic, ranges) is chosen


def test_a_missing_document_is_a_row_with_the_reason(tmp_path: Path) -> None:
    gone = ServedFiling(9, "GONE CO", "10-K", date(2003, 5, 2), "0000000009-03-000001", b"")
    filed = [filing for filing in own_filings() if filing.filed_at.year == 2003]
    with EdgarServer([*filed, gone], own_companies()) as server:
        asked = universe(server, tmp_path)
        reports = asked.reports(2003)
        server.filings.remove(gone)
        counted: list[int] = []
        got = download(asked.settings, asked.root, reports, counted.append)
    rows = filing_rows(reports, got, asked.store)
    schemas.FILINGS.validate(rows)
    refused = rows.filter(pl.col("sha256").is_null())
    facts = ("accession", "name", "sic", "refused")
    assert refused.select(facts).rows() == [(gone.accession, "GONE CO", None, "HTTP 404 Not Found")]
    assert sum(counted) == reports.height == 3
    assert rows.drop_nulls("sha256")["sic"].to_list() == ["2050", "4931"]
    assert contents(reports, got)[gone.accession] == ["0000000009", "GONE CO", None, "HTTP 404 Not Found"]


def test_with_sic_ranges_only_headers_of_other_reports_are_fetched(tmp_path: Path) -> None:
    padded = [
        ServedFiling(f.cik, f.name, f.form, f.filed_at, f.accession, f.content + b" " * 4_000_000)
        for f in own_filings()
        if f.filed_at.year == 2003
    ]
    with EdgarServer(padded, own_companies()) as server:
        asked = universe(server, tmp_path, sic=["2050"])
        got = download(asked.settings, asked.root, asked.reports(2003), lambda n: None)
        requested = [entry.path for entry in server.log if "/data/" in entry.path]
    assert [url for url in got if "0009000004-03" in url] == list(got)
    assert len(requested) == 3
    assert max(pointer.n_bytes for pointer in got.values()) < 1_000_000


def test_a_report_of_two_companies_has_the_code_of_the_one_it_stands_for(tmp_path: Path) -> None:
    with EdgarServer(own_filings(), own_companies()) as server:
        profile = universe(server, tmp_path).profile.model_copy(update={"tickers": ["9000006"]})
        gas = EdgarUniverse(profile, tmp_path)
        reports = gas.reports(2003)
        rows = filing_rows(reports, download(gas.settings, gas.root, reports, lambda n: None), gas.store)
    (named,) = {f.name for f in own_filings() if f.cik == 9000006}
    assert rows.select("company_id", "name", "sic").rows() == [("0009000006", named, "4924")]


def test_a_filing_has_the_name_of_its_time_and_a_new_one_changes_no_older_row(tmp_path: Path) -> None:
    older = next(f for f in own_filings() if f.filed_at.year == 2003 and f.cik == 9000004)
    later = replace(older, name="RENAMED BAKERY", filed_at=date(2004, 3, 1), accession="0009000004-04-000009")
    with EdgarServer([older], own_companies()) as server:
        before = universe(server, tmp_path / "before").filings_now(2003)
    with EdgarServer([older, later], own_companies()) as server:
        asked = universe(server, tmp_path / "after")
        rows = [
            filing_rows(reports, download(asked.settings, asked.root, reports, lambda n: None), asked.store)
            for reports in (asked.reports(2003), asked.reports(2004))
        ]
        assert asked.filings_now(2003) == before
    assert [part["name"].to_list() for part in rows] == [[older.name], ["RENAMED BAKERY"]]


def test_a_filing_refused_for_now_changes_its_slice_until_it_is_there(tmp_path: Path) -> None:
    filed = [filing for filing in own_filings() if filing.filed_at.year == 2003]
    with EdgarServer(filed, own_companies()) as server:
        asked = universe(server, tmp_path)
        before = asked.filings_now(2003)
        url = asked.reports(2003)["url"][0]
        asked.store.point(Request(url).refused("8 attempts failed", for_now=True))
        refused = asked.filings_now(2003)
        download(asked.settings, asked.root, asked.reports(2003), lambda n: None)
        after = asked.filings_now(2003)
    assert [name for name in before if before[name] != refused[name]] == [next(iter(before))]
    assert after == before
