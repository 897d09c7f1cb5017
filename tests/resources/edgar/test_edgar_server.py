"""The fake EDGAR responds like the real one and fails as configured."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import httpx
import pytest
from fakes.edgar_formats import DAILY, master_index, older_submissions, submissions
from fakes.edgar_server import EdgarServer, ServedFiling
from fakes.own_filings import own_companies, own_filings
from fakes.tenk import real_file

POLITE = {"User-Agent": "Jane Doe jane@example.com"}
SMALL = [
    ServedFiling(9, "SMALL CO", "10-K", date(2003, 3, day), f"0000000009-03-{day:06}", b"%d " % day * 2000)
    for day in range(1, 11)
]
PATHS = [f"/Archives/{filing.path}" for filing in SMALL]


@pytest.fixture
def server() -> Iterator[EdgarServer]:
    with EdgarServer(own_filings(), own_companies(), limit=None, recent=1) as running:
        yield running


@pytest.fixture
def client(server: EdgarServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=POLITE) as open_client:
        yield open_client


def sample(name: str) -> bytes:
    return real_file(f"edgar_api/{name}")


def test_every_filing_comes_as_it_was_filed(server: EdgarServer, client: httpx.Client) -> None:
    for filing in server.filings:
        answer = client.get(f"/Archives/{filing.path}")
        assert (answer.status_code, answer.content) == (200, filing.content)
    assert [logged.path for logged in server.log] == [f"/Archives/{filing.path}" for filing in server.filings]
    assert {logged.user_agent for logged in server.log} == {POLITE["User-Agent"]}


def test_bodies_are_compressed_only_where_the_client_asks_for_it(server: EdgarServer, client: httpx.Client) -> None:
    path, content = f"/Archives/{server.filings[0].path}", server.filings[0].content
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert int(plain.headers["content-length"]) == len(content)
    assert "content-encoding" not in plain.headers
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(content)
    assert packed.content == content


@pytest.mark.parametrize(
    "path",
    [
        "/Archives/edgar/data/9/0000000009-03-999999.txt",
        "/Archives/edgar/full-index/1992/QTR4/master.idx",
        "/Archives/edgar/full-index/2999/QTR1/master.idx",
        "/submissions/CIK0000000001.json",
        "/submissions/CIK0009000001-submissions-001.json",
        "/",
    ],
)
def test_what_does_not_exist_is_not_found(path: str, client: httpx.Client) -> None:
    assert client.get(path).status_code == 404


def test_absence_can_be_told_as_the_storage_behind_edgar_does() -> None:
    with EdgarServer(SMALL, absent=403) as server:
        answer = httpx.get(server.url + "/Archives/edgar/full-index/2999/QTR1/master.idx", headers=POLITE)
    assert answer.status_code == 403
    assert "AccessDenied" in answer.text


@pytest.mark.parametrize("agent", ["python-httpx/0.28", "Jane Doe", ""])
def test_clients_without_an_address_are_undeclared_tools(agent: str, server: EdgarServer, client: httpx.Client) -> None:
    answer = client.get("/files/company_tickers.json", headers={"User-Agent": agent})
    assert answer.status_code == 403
    assert "Undeclared Automated Tool" in answer.text
    assert server.log[-1].status == 403


def test_registrants_of_one_filing_get_the_same_bytes(server: EdgarServer, client: httpx.Client) -> None:
    together = [filing for filing in server.filings if filing.accession == "0009000005-03-000006"]
    assert [filing.cik for filing in together] == [9000005, 9000006]
    assert len({client.get(f"/Archives/{filing.path}").content for filing in together}) == 1


@pytest.mark.parametrize(
    ("name", "dates", "rules"),
    [("master_sample.idx", "%Y-%m-%d", 10), ("master.20181231.idx", DAILY, 6)],
)
def test_indexes_are_written_like_the_real_ones(name: str, dates: str, rules: int) -> None:
    real = sample(name).decode("latin-1").splitlines()
    rows = [line.split("|") for line in real[rules + 1 :]]
    filings = [_indexed(row) for row in rows]
    year, quarter = filings[0].filed_at.year, 4
    ours = master_index(list(reversed(filings)), year, quarter, dates).decode("latin-1").splitlines()
    assert ours[rules + 1 :] == real[rules + 1 :]
    assert ours[: rules + 1] == real[: rules + 1]


def _indexed(row: list[str]) -> ServedFiling:
    cik, name, form, filed, path = row
    accession = path.rsplit("/", 1)[1].removesuffix(".txt")
    return ServedFiling(int(cik), name, form, date.fromisoformat(filed), accession, b"")


def test_the_index_of_a_quarter_lists_what_was_filed_in_it(client: httpx.Client) -> None:
    lines = client.get("/Archives/edgar/full-index/2003/QTR1/master.idx").text.splitlines()
    assert [line for line in lines if "|" in line][1:] == [
        "9000004|EXAMPLE BAKERY CO|10-KSB|2003-03-28|edgar/data/9000004/0009000004-03-000002.txt",
        "9000005|EXAMPLE POWER & WATER CO|10-K|2003-03-14|edgar/data/9000005/0009000005-03-000006.txt",
        "9000006|EXAMPLE GAS LIGHT CO|10-K|2003-03-14|edgar/data/9000006/0009000005-03-000006.txt",
    ]


def test_a_quarter_without_filings_has_an_index_without_rows(client: httpx.Client) -> None:
    answer = client.get("/Archives/edgar/full-index/2003/QTR2/master.idx")
    assert answer.status_code == 200
    assert answer.text.endswith("Filename\n" + "-" * 80 + "\n")


def test_submissions_have_the_fields_of_the_real_ones() -> None:
    filed = [filing for filing in own_filings() if filing.cik == 9000008]
    company = next(company for company in own_companies() if company.cik == 9000008)
    ours, real = json.loads(submissions(company, filed, 1)), json.loads(sample("CIK0000320193.json"))
    older = json.loads(older_submissions(filed, 1, 1) or b"")
    assert list(ours) == list(real)
    assert list(ours["filings"]["recent"]) == list(real["filings"]["recent"]) == list(older)
    assert list(ours["filings"]["files"][0]) == list(real["filings"]["files"][0])
    assert list(ours["formerNames"][0]) == list(real["formerNames"][0])
    assert set(older) == set(json.loads(sample("CIK0000320193-submissions-001.json")))


def test_tickers_have_the_fields_of_the_real_ones(client: httpx.Client) -> None:
    exchange = client.get("/files/company_tickers_exchange.json").json()
    real = json.loads(sample("company_tickers_exchange.json"))
    assert exchange["fields"] == real["fields"]
    assert [9000009, "Example Circuits Corp", "XCHPW", "Nasdaq"] in exchange["data"]
    tickers = client.get("/files/company_tickers.json").json()
    assert list(tickers["0"]) == list(json.loads(sample("company_tickers.json"))["0"])
    assert len(tickers) == len(exchange["data"])


def test_older_pages_hold_what_the_newest_page_does_not(client: httpx.Client) -> None:
    main = client.get("/submissions/CIK0009000008.json").json()
    assert main["filings"]["recent"]["accessionNumber"] == ["0009000008-22-000004"]
    assert main["filings"]["recent"]["reportDate"] == ["2021-12-31"]
    assert main["filings"]["recent"]["isInlineXBRL"] == [1]
    (older,) = main["filings"]["files"]
    assert older["filingFrom"] == older["filingTo"] == "2020-03-05"
    page = client.get(f"/submissions/{older['name']}").json()
    assert page["accessionNumber"] == ["0009000008-20-000003"]
    assert page["primaryDocument"] == ["xold-20191231.htm"]


@pytest.mark.parametrize(("told", "asked"), [("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")])
def test_what_has_not_changed_is_not_sent_again(
    told: str, asked: str, server: EdgarServer, client: httpx.Client
) -> None:
    path = "/Archives/edgar/full-index/2003/QTR1/master.idx"
    first = client.get(path)
    again = client.get(path, headers={asked: first.headers[told]})
    assert (again.status_code, again.content) == (304, b"")
    server.filings.append(replace(SMALL[0], cik=8))
    changed = client.get(path, headers={asked: first.headers[told]})
    assert changed.status_code == 200
    assert changed.headers[told] != first.headers[told]
    assert "|SMALL CO|" in changed.text


def test_more_requests_than_the_limit_within_a_second_are_refused() -> None:
    with EdgarServer(SMALL, limit=5) as server, httpx.Client(headers=POLITE) as client:
        statuses = [client.get(server.url + PATHS[0]).status_code for _ in range(8)]
    assert server.log[-1].at - server.log[0].at < 1, "the machine was too slow for this test"
    assert statuses == [200] * 5 + [429] * 3


def test_a_server_that_is_left_hangs_up_and_can_come_back_at_its_address() -> None:
    with httpx.Client(headers=POLITE) as client:
        with EdgarServer(SMALL) as first:
            assert client.get(first.url + PATHS[0]).status_code == 200
        with pytest.raises(httpx.TransportError):
            client.get(first.url + PATHS[0])
        port = int(re.findall(r"\d+$", first.url)[0])
        with EdgarServer(SMALL, port=port) as second:
            assert second.url == first.url
            assert client.get(second.url + PATHS[0]).status_code == 200
