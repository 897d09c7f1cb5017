"""A list that is not what was asked for is named, not kept, and asked for again; one bad row costs that row."""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from fakes.edgar_server import EdgarServer
from fakes.own_filings import own_companies, own_filings

from resources.edgar import EdgarError
from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.index import index_path
from resources.lake.progress import no_bar
from resources.settings.profile import Profile
from resources.universe import edgar_lists
from resources.universe.edgar_lists import LISTING, EdgarLists
from resources.universe.edgar_source import EdgarUniverse

INDEX = index_path(2003, 1)
HEAD = "CIK|Company Name|Form Type|Date Filed|Filename\n" + "-" * 80 + "\n"
TITLE = "SEC.gov | Your Request Originates from an Undeclared Automated Tool"
UNDECLARED = f"<html><head><title>{TITLE}</title></head></html>".encode()

WRONG = {
    "message": b'{"message": "Internal server error"}',
    "page": UNDECLARED,
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "many": b'{"fields": [' + b"[]," * 1_000_001 + b"[]]}",
    "empty": b"",
    "array": b"[1, 2]",
    "null": b"null",
    "cut": b'{"fields": ["cik", "name", "ticker", "exchange"], "data": [[1, "A", "A", nul',
    "other types": b'{"fields": "cik name ticker exchange", "data": {"0": 1}}',
    "bytes": bytes(range(256)),
}
wrong = pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)


@pytest.fixture
def server() -> Iterator[EdgarServer]:
    with EdgarServer(own_filings(), own_companies()) as running:
        yield running


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the long waits."""
    brief = replace(edgar_lists.BRIEFLY, first_wait=0.01, longest_wait=0.02)
    monkeypatch.setattr(edgar_lists, "BRIEFLY", brief)
    monkeypatch.setattr("resources.edgar.client.RetryPolicy", lambda: replace(brief, attempts=2))


def universe(server: EdgarServer, home: Path, year: int = 2003) -> EdgarUniverse:
    edgar = {"identity": "Jane Doe jane@example.com", "archive_url": server.url, "data_url": server.url}
    asked = {"name": "x", "filing_years": [year], "descriptions": {"source": "edgar", "edgar": edgar}}
    return EdgarUniverse(Profile.model_validate(asked), home)


def keep(home: Path, path: str, content: bytes, age: float = 60) -> None:
    """Store an answer as a version of peerlens did that looked at nothing but its last byte."""
    store = BlobStore(home / "edgar")
    store.point(Pointer(path, store.put(content), "whole", len(content), '"tag"', None, time.time() - age, None))


def asked(server: EdgarServer, path: str) -> int:
    return sum(logged.path == path for logged in server.log)


@wrong
def test_a_wrong_list_of_tickers_is_asked_for_again_in_the_same_run(
    server: EdgarServer, tmp_path: Path, content: bytes
) -> None:
    server.replaced_once[LISTING] = [content]
    assert universe(server, tmp_path, 2022).listed["ticker"].to_list() == ["XNEW"]
    assert asked(server, LISTING) == 2


@wrong
def test_a_wrong_list_of_tickers_is_named_and_not_kept(server: EdgarServer, tmp_path: Path, content: bytes) -> None:
    server.replaced[LISTING] = content
    with pytest.raises(EdgarError, match=rf"EDGAR has no {LISTING} \(2 attempts failed, .*{LISTING}: ") as caught:
        _ = universe(server, tmp_path, 2022).listed
    assert len(str(caught.value)) < 700
    assert not list((tmp_path / "edgar" / "blobs").glob(f"*/{hashlib.sha256(content).hexdigest()}.gz"))
    server.replaced.clear()
    assert universe(server, tmp_path, 2022).listed["ticker"].to_list() == ["XNEW"]


@wrong
def test_a_wrong_list_that_an_older_version_kept_heals(
    server: EdgarServer, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    keep(tmp_path, LISTING, content)
    assert universe(server, tmp_path, 2022).listed["ticker"].to_list() == ["XNEW"]
    assert f"{LISTING}: unexpected format: " in caplog.text
    assert "it is dropped and asked for again" in caplog.text
    (request,) = [logged for logged in server.log if logged.path == LISTING]
    assert "if-none-match" not in request.headers  # EDGAR might say that the wrong one has not changed


@wrong
def test_a_wrong_index_is_named_and_not_kept_and_a_kept_one_heals(
    server: EdgarServer, tmp_path: Path, content: bytes
) -> None:
    server.replaced[INDEX] = content
    with pytest.raises(EdgarError, match=rf"EDGAR has no {INDEX} \(2 attempts .*not a master index; it begins with"):
        universe(server, tmp_path).reports(2003)
    server.replaced.clear()
    keep(tmp_path, INDEX, content)
    assert universe(server, tmp_path).reports(2003).height == 2


@wrong
def test_a_wrong_page_of_a_company_costs_what_it_would_have_told_and_no_more(
    server: EdgarServer, tmp_path: Path, content: bytes
) -> None:
    page = "/submissions/CIK0009000004.json"
    server.replaced[page] = content
    ends = "company_id", "fiscal_year_end"
    lost = universe(server, tmp_path).companies(no_bar).select(ends)
    assert lost.filter(company_id="0009000004")["fiscal_year_end"].to_list() == [None]
    assert lost.filter(company_id="0009000005")["fiscal_year_end"].to_list() == ["12-31"]
    server.replaced.clear()
    keep(tmp_path, page, content)
    found = universe(server, tmp_path).companies(no_bar).select(ends)
    assert found["fiscal_year_end"].null_count() == 0
    keep(tmp_path, page, content, age=1e8)
    assert universe(server, tmp_path).companies(no_bar).select(ends).equals(found)


def test_a_wrong_answer_in_place_of_a_known_list_changes_nothing(
    server: EdgarServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def all_of_it() -> list[pl.DataFrame]:
        known = universe(server, tmp_path)
        return [known.reports(2003), known.listed, known.companies(no_bar)]

    before = all_of_it()
    universe(server, tmp_path).forget()
    server.replaced = dict.fromkeys({logged.path for logged in server.log}, UNDECLARED)
    for known, now in zip(before, all_of_it(), strict=True):
        assert now.equals(known)
    assert f"titled '{TITLE}'; going on" in caplog.text


@pytest.mark.parametrize("company", ["²", "9" * 5000, "", "0", "-1", "1.5", "12345678901", "٣", "x", "1e3"])
def test_a_row_without_a_cik_costs_that_row(server: EdgarServer, tmp_path: Path, company: str) -> None:
    line = "{}|SOMEONE|10-K|2003-03-14|edgar/data/9/0000000009-03-00000{}.txt\n"
    server.replaced[INDEX] = (HEAD + line.format(company, 1) + line.format(9, 2)).encode("latin-1", "replace")
    found = universe(server, tmp_path).reports(2003).filter(pl.col("url").str.contains("/data/9/"))
    assert found.select("accession", "companies").rows() == [("0000000009-03-000002", ["0000000009"])]


def test_a_row_whose_report_lies_in_the_folder_of_another_company_is_left_out(
    server: EdgarServer, tmp_path: Path
) -> None:
    line = "9|SOMEONE|10-K|2003-03-14|edgar/data/{}/0000000009-03-00000{}.txt\n"
    server.replaced[INDEX] = (HEAD + line.format(8, 1) + line.format(9, 2)).encode()
    found = universe(server, tmp_path).reports(2003).filter(pl.col("accession").str.starts_with("0000000009"))
    assert found["accession"].to_list() == ["0000000009-03-000002"]


ROWS = [
    '["²", "A", "A", "NYSE"]',
    f'[{"9" * 5000}, "A", "A", "NYSE"]',
    f'["{"9" * 5000}", "A", "A", "NYSE"]',
    '[1, "\\ud800", "A", "NYSE"]',
    '[1, "A", "\\udfff", "NYSE"]',
    '[1, "A", "A", "\\ud800\\ud800"]',
    '[true, "A", "A", null]',
    '[1.5, "A", "A", null]',
    "[null, null, 5, null]",
    '[1, {"a": []}, "A", null]',
    '[1, "A", ["A"], null]',
    '[1, "A", "A", 7]',
    '[1, "A"]',
    "[]",
    "null",
    '"text"',
    '{"cik": 1}',
    f'[1, "A", "{"A" * 100_000}", null]',
    '[1, "A", "KO ", null]',
    '[1, "A", "K\\nO", null]',
    '[1, "A", "KO\\u200b", null]',
]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_a_bad_row_of_the_tickers_costs_that_row(
    server: EdgarServer, tmp_path: Path, row: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = '{"fields": ["cik", "name", "ticker", "exchange"], "data": [[9000008, "X", "xnew", "NYSE"], '
    server.replaced[LISTING] = f"{told}{row}]}}".encode()
    assert universe(server, tmp_path, 2022).listed.rows() == [("0009000008", "X", "XNEW", "NYSE")]
    assert f"{LISTING}: 1 rows are not as EDGAR writes them" in caplog.text


@pytest.mark.parametrize(
    "changed",
    [
        {"fiscalYearEnd": 1231},
        {"fiscalYearEnd": "9999"},
        {"exchanges": [None, 5, ["NYSE"], "\ud800"]},
        {"filings": {"recent": {"form": [7, "10-K", None], "filingDate": ["2003-01-01", "²", None]}, "files": []}},
        {"filings": {"recent": {}, "files": [None, 5, {"name": 7}, {"name": ["a"]}, {"other": "x"}]}},
        {"name": "\ud800", "tickers": {"a": 9}},
    ],
)
def test_a_bad_value_on_the_page_of_a_company_costs_that_value(
    server: EdgarServer, tmp_path: Path, changed: dict[str, object]
) -> None:
    page = "/submissions/CIK0009000008.json"
    told = {"cik": "9000008", "fiscalYearEnd": "1231", "exchanges": ["NYSE"], "filings": {"recent": {}, "files": []}}
    server.replaced[page] = json.dumps({**told, **changed}).encode()
    facts = EdgarLists(universe(server, tmp_path).settings, tmp_path).facts(["0009000008"], lambda n: None)
    expected = {
        "company_id": "0009000008",
        "exchange": None if "exchanges" in changed else "NYSE",
        "fiscal_year_end": None if "fiscalYearEnd" in changed else "12-31",
        "first_report": None,
    }
    assert facts.rows(named=True) == [expected]


@pytest.mark.parametrize("told", ['"320193"', '"²"', "9" * 5000, "null", "[]", '"\\ud800"'])
def test_the_page_of_another_company_is_not_taken_for_the_one_asked_for(
    server: EdgarServer, tmp_path: Path, told: str
) -> None:
    body = b'{"cik": %s, "fiscalYearEnd": "0630", "filings": {"recent": {}, "files": []}}' % told.encode()
    server.replaced["/submissions/CIK0009000008.json"] = body
    facts = EdgarLists(universe(server, tmp_path).settings, tmp_path).facts(["0009000008"], lambda n: None)
    assert facts.height == 0


def test_the_index_of_another_quarter_is_not_taken_for_the_one_asked_for(server: EdgarServer, tmp_path: Path) -> None:
    line = "9|SOMEONE|10-K|2003-08-14|edgar/data/9/0000000009-03-000001.txt\n"
    server.replaced[INDEX] = (HEAD + line).encode()
    with pytest.raises(EdgarError, match="the index of another quarter; it has reports filed on 2003-08-14"):
        universe(server, tmp_path).reports(2003)


def test_an_index_cut_in_the_middle_of_a_line_is_not_kept(server: EdgarServer, tmp_path: Path) -> None:
    line = "9|SOMEONE|10-K|2003-03-1{0}|edgar/data/9/0000000009-03-00000{0}.txt\n"
    whole = (HEAD + line.format(1) + line.format(2)).encode()
    server.replaced_once[INDEX] = [whole[:-20]]
    server.replaced[INDEX] = whole
    assert universe(server, tmp_path).reports(2003)["companies"].to_list().count(["0000000009"]) == 2


def test_what_edgar_says_of_a_company_expires(server: EdgarServer, tmp_path: Path) -> None:
    page = "/submissions/CIK0009000008.json"

    def year_end() -> list[str | None]:
        told = universe(server, tmp_path, 2022).companies(lambda total, unit: nullcontext(lambda n: None))
        return told["fiscal_year_end"].to_list()

    assert year_end() == year_end() == ["12-31"]
    assert asked(server, page) == 1
    server.companies = [replace(company, fiscal_year_end="0630") for company in server.companies]
    store = BlobStore(tmp_path / "edgar")
    known = store.pointer(page)
    assert known is not None
    store.point(replace(known, fetched_at=time.time() - edgar_lists.A_MONTH - 1))
    assert year_end() == ["06-30"]
    store.point(replace(known, fetched_at=time.time() + 1e8))  # of a clock that was ahead
    assert year_end() == ["06-30"]
    assert asked(server, page) == 3


@pytest.mark.parametrize("ahead", [1e7, 1e9])
def test_an_index_that_was_asked_for_by_a_clock_ahead_is_not_final(
    server: EdgarServer, tmp_path: Path, ahead: float
) -> None:
    server.filings = [filing for filing in server.filings if filing.filed_at.year != 2003]
    assert universe(server, tmp_path).reports(2003).height == 0
    store = BlobStore(tmp_path / "edgar")
    for quarter in range(1, 5):
        known = store.pointer(index_path(2003, quarter))
        assert known is not None
        store.point(replace(known, fetched_at=time.time() + ahead))
    server.filings = own_filings()
    assert universe(server, tmp_path).reports(2003).height == 2
