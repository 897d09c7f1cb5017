"""`peerlens ingest` against a server that behaves like EDGAR: what comes in, what does not, and what a kill costs."""

import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from edgar_lake import rows, write_profile
from fakes.edgar_server import EdgarServer, Faults
from fakes.own_filings import EXPECTED, HOSTILE, own_companies, own_filings
from peerlens_command import artefacts, peerlens, start

FILED = {filing.accession: filing for filing in reversed(own_filings()) if filing.filed_at.year > 2000}


@pytest.fixture(scope="module")
def server() -> Iterator[EdgarServer]:
    with EdgarServer(own_filings(), own_companies()) as running:
        yield running


@pytest.fixture(scope="module")
def ingested(server: EdgarServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with every filing since 2001; its profile lies beside it."""
    folder = tmp_path_factory.mktemp("ingested")
    done = peerlens(folder / "home", "ingest", "--profile", write_profile(folder, server.url))
    assert done.returncode == 0, done.stderr
    assert "2003" in done.stdout
    assert "an amendment without an Item 1" in done.stderr
    return folder / "home"


def test_every_filing_is_a_text_or_has_a_reason(ingested: Path) -> None:
    texts, rejected = rows(ingested, "descriptions"), rows(ingested, "descriptions_rejected")
    without = {accession for accession in FILED if EXPECTED[accession].reason}
    assert set(rows(ingested, "filings")["accession"]) == set(FILED)
    assert set(texts["accession"]) == set(FILED) - without
    assert set(rejected["accession"]) == without
    assert rejected["reason"].str.len_chars().min() > 10  # type: ignore[operator]


def test_header_facts_and_symbols_are_those_of_the_document(ingested: Path) -> None:
    for filing in rows(ingested, "filings").iter_rows(named=True):
        expected = EXPECTED[filing["accession"]]
        told = (filing["sic"], filing["period"], tuple(filing["tickers"]))
        assert told == (expected.sic, expected.period, expected.symbols), filing["accession"]


def test_an_amendment_with_an_item_1_is_the_newer_text(ingested: Path) -> None:
    mine = rows(ingested, "descriptions").filter(company_id="0009000003").sort("filed_at")
    assert mine["accession"].to_list() == ["0009000003-05-000004", "0009000003-05-000011"]
    assert mine["text"].n_unique() == 2


def test_a_ticker_has_the_dates_that_cover_pages_tell(ingested: Path) -> None:
    tickers = {row["ticker"]: row for row in rows(ingested, "tickers").iter_rows(named=True)}
    assert (tickers["XOLD"]["valid_from"], tickers["XOLD"]["source"]) == (None, "cover page")
    assert tickers["XOLD"]["valid_to"] == FILED["0009000008-20-000003"].filed_at
    assert tickers["XNEW"]["valid_from"] == FILED["0009000008-22-000004"].filed_at
    assert (tickers["XNEW"]["valid_to"], tickers["XNEW"]["source"]) == (None, "cover page and EDGAR list")
    assert (tickers["XBAK"]["valid_from"], tickers["XBAK"]["source"]) == (None, "EDGAR list")


def test_hostile_text_is_text(ingested: Path) -> None:
    company = rows(ingested, "companies").filter(company_id="0009000012").row(0, named=True)
    text = rows(ingested, "descriptions").filter(company_id="0009000012")["text"].item()
    assert HOSTILE in company["name"]
    assert not [word for word in EXPECTED["0009000012-15-000001"].never if word in text]
    assert not list(ingested.rglob("*passwd*"))


def test_what_is_there_is_not_asked_for_again(server: EdgarServer, ingested: Path) -> None:
    before, asked = artefacts(ingested / "mine"), len(server.log)
    again = peerlens(ingested, "ingest", "--profile", str(ingested.parent / "mine.yaml"), "--json")
    assert again.returncode == 0, again.stderr
    assert "everything is up to date" in again.stderr
    assert artefacts(ingested / "mine") == before
    assert len(server.log) == asked
    by_year = {row["year"]: row for row in json.loads(again.stdout)}
    assert (by_year["2005"]["filings"], by_year["2021"]["without"]) == (2, 1)


def killed(home: Path, profile: str, server: EdgarServer, documents: int, seconds: float) -> set[str]:
    """Kill an ingest after so many more documents or seconds; returns the addresses of the documents it committed."""
    process, before, until = start(home, "ingest", "--profile", profile), asked_for(server), time.monotonic() + seconds
    while asked_for(server) < before + documents and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    pointers = (json.loads(file.read_text(encoding="utf-8")) for file in (home / "edgar" / "pointers").glob("*/*.json"))
    return {known["url"] for known in pointers if "/edgar/data/" in known["url"]}


def asked_for(server: EdgarServer) -> int:
    """How many documents were asked for so far."""
    return sum("/edgar/data/" in entry.path for entry in server.log)


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_faults_and_kills_leave_the_same_digests_and_ask_for_nothing_twice(
    ingested: Path, tmp_path: Path, kills: int
) -> None:
    moments = random.Random(7)
    with EdgarServer(own_filings(), own_companies(), faults=Faults(share=0.3, seed=4)) as faulty:
        home, profile = tmp_path / "home", write_profile(tmp_path, faulty.url)
        left = [
            (killed(home, profile, faulty, moments.randint(2, 6), moments.uniform(20, 40)), len(faulty.log))
            for _ in range(kills)
        ]
        done = peerlens(home, "ingest", "--profile", profile)
    assert done.returncode == 0, done.stderr
    for committed, requests in left:
        assert not committed & {entry.path for entry in faulty.log[requests:]}
    assert any(committed for committed, _ in left)
    assert artefacts(home / "mine") == artefacts(ingested / "mine")
