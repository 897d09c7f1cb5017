"""`peerlens ingest` against a server that behaves like EDGAR: what comes in, what does not, and what is asked again."""

import json
import random
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fakes.edgar_server import EdgarServer, Faults
from fakes.own_filings import EXPECTED, HOSTILE, own_companies, own_filings
from peerlens_command import artefacts, peerlens, start

from resources.lake.lake import Lake

PROFILE = """
filing_years: [2001, 2003, 2004, 2005, 2010, 2015, 2020, 2021, 2022]
descriptions:
  source: edgar
  edgar: {{identity: Jane Doe jane@example.com, archive_url: "{url}", data_url: "{url}"}}
"""
of_one_lake = pytest.mark.xdist_group("ingested")
FILED = {filing.accession: filing for filing in reversed(own_filings()) if filing.filed_at.year > 2000}


def write_profile(folder: Path, url: str) -> str:
    (folder / "mine.yaml").write_text(PROFILE.format(url=url), encoding="utf-8")
    return str(folder / "mine.yaml")


def rows(home: Path, table: str) -> pl.DataFrame:
    """A table of the lake as its manifests point to it."""
    lake = Lake(home, "mine")
    places = [manifest.parent for manifest in sorted((home / "mine").glob("*/*/manifest.json"))]
    made = [lake.manifest(place.parent.name, None if place.name == "all" else place.name) for place in places]
    files = [file for known in made if known for file in lake.table_files(known, table)]
    return pl.concat([pl.read_parquet(file) for file in files])


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


@of_one_lake
def test_every_filing_is_a_text_or_has_a_reason(ingested: Path) -> None:
    texts, rejected = rows(ingested, "descriptions"), rows(ingested, "descriptions_rejected")
    without = {accession for accession in FILED if EXPECTED[accession].reason}
    assert set(rows(ingested, "filings")["accession"]) == set(FILED)
    assert set(texts["accession"]) == set(FILED) - without
    assert set(rejected["accession"]) == without
    assert rejected["reason"].str.len_chars().min() > 10  # type: ignore[operator]


@of_one_lake
def test_header_facts_and_symbols_are_those_of_the_document(ingested: Path) -> None:
    for filing in rows(ingested, "filings").iter_rows(named=True):
        expected = EXPECTED[filing["accession"]]
        told = (filing["sic"], filing["period"], tuple(filing["tickers"]))
        assert told == (expected.sic, expected.period, expected.symbols), filing["accession"]


@of_one_lake
def test_an_amendment_with_an_item_1_is_the_newer_text(ingested: Path) -> None:
    mine = rows(ingested, "descriptions").filter(company_id="0009000003").sort("filed_at")
    assert mine["accession"].to_list() == ["0009000003-05-000004", "0009000003-05-000011"]
    assert mine["text"].n_unique() == 2


@of_one_lake
def test_a_ticker_has_the_dates_that_cover_pages_tell(ingested: Path) -> None:
    tickers = {row["ticker"]: row for row in rows(ingested, "tickers").iter_rows(named=True)}
    assert (tickers["XOLD"]["valid_from"], tickers["XOLD"]["source"]) == (None, "cover page")
    assert tickers["XOLD"]["valid_to"] == FILED["0009000008-20-000003"].filed_at
    assert tickers["XNEW"]["valid_from"] == FILED["0009000008-22-000004"].filed_at
    assert (tickers["XNEW"]["valid_to"], tickers["XNEW"]["source"]) == (None, "cover page and EDGAR list")
    assert (tickers["XBAK"]["valid_from"], tickers["XBAK"]["source"]) == (None, "EDGAR list")


@of_one_lake
def test_hostile_text_is_text(ingested: Path) -> None:
    company = rows(ingested, "companies").filter(company_id="0009000012").row(0, named=True)
    text = rows(ingested, "descriptions").filter(company_id="0009000012")["text"].item()
    assert HOSTILE in company["name"]
    assert not [word for word in EXPECTED["0009000012-15-000001"].never if word in text]
    assert not list(ingested.rglob("*passwd*"))


@of_one_lake
def test_what_is_there_is_not_asked_for_again(server: EdgarServer, ingested: Path) -> None:
    before, asked = artefacts(ingested / "mine"), len(server.log)
    again = peerlens(ingested, "ingest", "--profile", str(ingested.parent / "mine.yaml"), "--json")
    assert again.returncode == 0, again.stderr
    assert "everything is up to date" in again.stderr
    assert artefacts(ingested / "mine") == before
    assert len(server.log) == asked
    by_year = {row["year"]: row for row in json.loads(again.stdout)}
    assert (by_year["2005"]["filings"], by_year["2021"]["without"]) == (2, 1)


def test_months_companies_and_sic_codes_of_the_filing_narrow_what_comes_in(server: EdgarServer, tmp_path: Path) -> None:
    profile = write_profile(tmp_path, server.url)
    (tmp_path / "list.txt").write_text("XBAK\n9000005 # Power & Water\n", encoding="utf-8")
    asked = ("--profile", profile, "--from", "2003-01", "--to", "2003-12")
    done = peerlens(tmp_path / "home", "ingest", *asked, "--universe", str(tmp_path / "list.txt"))
    assert done.returncode == 0, done.stderr
    assert sorted(rows(tmp_path / "home", "descriptions")["company_id"]) == ["0009000004", "0009000005"]
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("{identity", "{sic: ['2000-2999'], identity"), encoding="utf-8")
    chosen = peerlens(tmp_path / "chosen", "ingest", *asked)
    assert chosen.returncode == 0, chosen.stderr
    assert rows(tmp_path / "chosen", "filings")["sic"].to_list() == ["2050"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "2020-13"), "--from '2020-13': expected a month, as in 2020-01"),
        (("--from", "2004-05", "--to", "2004-01"), "the last month, 2004-01, is before the first, 2004-05"),
        (("--from", "1990-01", "--to", "1990-12"), "EDGAR has filings of 1993 to"),
        (("--identity", "jane"), "'jane' is not a name and an e-mail address"),
        (("--universe", "gone.txt"), "gone.txt cannot be read"),
    ],
)
def test_wrong_use_is_one_line_and_no_request(
    server: EdgarServer, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    asked = len(server.log)
    done = peerlens(tmp_path / "home", "ingest", "--profile", write_profile(tmp_path, server.url), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(server.log) == asked
    assert not (tmp_path / "home").exists()


def test_nobody_is_asked_without_an_identity(tmp_path: Path) -> None:
    done = peerlens(tmp_path / "home", "ingest", "--from", "2003-01", "--to", "2003-03")
    assert done.returncode == 2
    assert "PEERLENS_EDGAR_IDENTITY" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_profile_that_reads_no_edgar_is_refused(tmp_path: Path) -> None:
    done = peerlens(tmp_path / "home", "ingest", "--profile", "sample")
    assert done.returncode == 2
    assert "use --profile edgar" in done.stderr


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


@of_one_lake
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


def test_a_later_day_finds_a_new_report_and_leaves_other_years_alone(tmp_path: Path) -> None:
    early = [filing for filing in own_filings() if filing.filed_at < date(2004, 1, 1)]
    with EdgarServer(early, own_companies()) as server:
        home, profile = tmp_path / "home", write_profile(tmp_path, server.url)
        asked = ("ingest", "--profile", profile, "--from", "2003-01", "--to", "2004-12")
        assert peerlens(home, *asked).returncode == 0
        before = artefacts(home / "mine")
        server.filings.extend(filing for filing in own_filings() if filing.filed_at.year == 2004)
        requests = len(server.log)
        assert "everything is up to date" in peerlens(home, *asked).stderr
        done = peerlens(home, *asked, "--all")
        fetched = [entry.path for entry in server.log[requests:] if "/data/" in entry.path]
    after = artefacts(home / "mine")
    assert {name for name in before if before[name] != after[name]} == {"filings/2004", "descriptions/2004"}, (
        done.stderr
    )
    assert len(fetched) == 2


def test_what_was_refused_is_asked_for_again_when_all_is(tmp_path: Path) -> None:
    filed = [filing for filing in own_filings() if filing.filed_at.year == 2004]
    with EdgarServer(filed, own_companies()) as server:
        home, profile = tmp_path / "home", write_profile(tmp_path, server.url)
        asked = ("ingest", "--profile", profile, "--from", "2004-01", "--to", "2004-12")
        server.faults = Faults(share=1.0, kinds=("404",), where="0009000004-04-000002")
        first = peerlens(home, *asked)
        assert "HTTP 404" in first.stderr, first.stderr
        server.faults = Faults()
        assert "everything is up to date" in peerlens(home, *asked).stderr
        assert peerlens(home, *asked, "--all").returncode == 0
    assert rows(home, "filings")["refused"].null_count() == 2
    assert "0009000004-04-000002" in rows(home, "descriptions")["accession"].to_list()
