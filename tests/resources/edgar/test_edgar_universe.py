"""A profile's universe at EDGAR: who files, what counts, and what is fetched again."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fakes.edgar_server import EdgarServer, Faults
from fakes.own_filings import own_companies, own_filings

from resources.edgar import EdgarError
from resources.edgar.blobs import BlobStore
from resources.edgar.index import index_path, is_index, is_json
from resources.environment import PROFILES
from resources.lake.progress import no_bar
from resources.settings.profile import Profile, ProfileError, load_profile
from resources.universe.company_names import named_companies
from resources.universe.edgar_source import EdgarUniverse
from resources.universe.table_source import TableUniverse

YEARS = [2003, 2004]


@pytest.fixture(scope="module")
def server() -> Iterator[EdgarServer]:
    with EdgarServer(own_filings(), own_companies()) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests that do not count requests, because every request takes a ninth of a second."""
    return tmp_path_factory.mktemp("edgar-home")


def profile(server: EdgarServer, years: list[int], tickers: list[str] | None = None, **edgar: Any) -> Profile:
    asked = {"identity": "Jane Doe jane@example.com", "archive_url": server.url, "data_url": server.url, **edgar}
    descriptions = {"source": "edgar", "edgar": asked}
    return Profile.model_validate(
        {"name": "x", "filing_years": years, "tickers": tickers, "descriptions": descriptions}
    )


def test_a_report_of_two_companies_is_one_row_that_names_both(server: EdgarServer, home: Path) -> None:
    universe = EdgarUniverse(profile(server, YEARS), home)
    assert universe.reports(2003).select("accession", "companies").rows() == [
        ("0009000004-03-000002", ["0009000004"]),
        ("0009000005-03-000006", ["0009000005", "0009000006"]),
    ]
    assert "0009000006" in universe.filers["company_id"].to_list()
    gas = EdgarUniverse(profile(server, YEARS, tickers=["9000006"]), home).reports(2003)
    assert gas.select("accession", "companies").rows() == [("0009000005-03-000006", ["0009000006"])]


def test_months_and_forms_narrow_a_year(server: EdgarServer, home: Path) -> None:
    def found(**edgar: Any) -> list[str]:
        return EdgarUniverse(profile(server, [2003], **edgar), home).reports(2003)["form"].to_list()

    everything = EdgarUniverse(profile(server, [2003]), home).reports(2003)
    month = everything["filed_at"].max().strftime("%Y-%m")  # type: ignore[union-attr]
    assert sorted(found()) == ["10-K", "10-KSB"]
    assert found(forms=["10-KSB"]) == ["10-KSB"]
    assert found(first="2003-12") == []
    assert found(last=month) == everything["form"].to_list()
    assert found(last="2003-01") == []


def test_a_year_that_has_not_begun_sends_no_request(server: EdgarServer, tmp_path: Path) -> None:
    before = len(server.log)
    assert EdgarUniverse(profile(server, [2999]), tmp_path).reports(2999).height == 0
    assert len(server.log) == before


def test_companies_have_their_newest_name_and_their_first_report(server: EdgarServer, home: Path) -> None:
    counted: list[int] = []
    universe = EdgarUniverse(profile(server, [2022]), home)
    (company,) = universe.companies(lambda total, unit: nullcontext(counted.append)).rows(named=True)
    assert company == {
        "company_id": "0009000008",
        "name": company["name"],
        "fiscal_year_end": "12-31",
        "cik": "0009000008",
        "exchange": "Nasdaq",
        "sector": None,
        "industry": None,
        "first_report": min(f.filed_at for f in own_filings() if f.cik == 9000008),
    }
    assert company["name"] == "EXAMPLE MOBILITY INC"
    assert sum(counted) == universe.filers.height == 1
    assert universe.listed.select("ticker", "company_id").rows() == [("XNEW", "0009000008")]


def test_older_pages_of_the_submissions_are_read(tmp_path: Path) -> None:
    with EdgarServer(own_filings(), own_companies(), recent=1) as paged:
        facts = EdgarUniverse(profile(paged, [2004], tickers=["XBAK"]), tmp_path).companies(no_bar)
        pages = [entry.path for entry in paged.log if "submissions-001" in entry.path]
    assert facts["first_report"].to_list() == [min(f.filed_at for f in own_filings() if f.cik == 9000004)]
    assert pages == ["/submissions/CIK0009000004-submissions-001.json"]


def test_a_list_names_companies_by_ticker_or_cik_with_remarks(server: EdgarServer, home: Path, tmp_path: Path) -> None:
    names = tmp_path / "mine.txt"
    names.write_text("# bakers\nxbak # Example Bakery\n\n9000005,\n", encoding="utf-8")
    universe = EdgarUniverse(profile(server, YEARS, universe=names), home)
    assert universe.filers["company_id"].to_list() == ["0009000004", "0009000005"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("XBAC\n", ["mine.txt line 1", "'XBAC'", "did you mean XBAK?"]),
        ("XBAK\nENRNQ\n", ["mine.txt line 2", "'ENRNQ'", "give the CIK"]),
        ("# nobody\n", ["mine.txt names no company"]),
    ],
)
def test_a_list_with_an_unknown_name_is_refused(
    server: EdgarServer, home: Path, tmp_path: Path, content: str, words: list[str]
) -> None:
    names = tmp_path / "mine.txt"
    names.write_text(content, encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        EdgarUniverse(profile(server, YEARS, universe=names), home).reports(2003)
    assert all(word in str(caught.value) for word in words), caught.value


def test_stored_indexes_need_no_request_and_a_new_report_changes_only_its_year(tmp_path: Path) -> None:
    filings = own_filings()
    with EdgarServer([f for f in filings if f.filed_at.year != 2004], own_companies()) as server:
        asked = profile(server, YEARS)
        universe = EdgarUniverse(asked, tmp_path)
        before = [universe.filings_now(year) for year in YEARS], universe.companies_now(), universe.tickers_now()
        requests = len(server.log)
        again = EdgarUniverse(asked, tmp_path)
        assert ([again.filings_now(year) for year in YEARS], again.companies_now(), again.tickers_now()) == before
        assert len(server.log) == requests == 9

        server.filings.extend(f for f in filings if f.filed_at.year == 2004)
        EdgarUniverse(asked, tmp_path).forget()
        later = EdgarUniverse(asked, tmp_path)
        assert later.filings_now(2003) == before[0][0]
        assert sorted(later.filings_now(2004)) == [
            f"{f.filed_at} {f.accession}" for f in filings if f.filed_at.year == 2004 and f.cik != 9000006
        ]
        assert len(server.log) == requests + 8


def test_a_stored_list_is_used_while_edgar_is_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with EdgarServer(own_filings(), own_companies()) as server:
        asked = profile(server, [2022], last="2022-03")
        known = EdgarUniverse(asked, tmp_path).filings_now(2022)
    EdgarUniverse(asked, tmp_path).forget()
    assert EdgarUniverse(asked, tmp_path).filings_now(2022) == known
    assert "/Archives/edgar/full-index/2022/QTR1/master.idx: EDGAR has not answered" in caplog.text


def test_the_index_of_a_quarter_that_is_over_cannot_be_missing(tmp_path: Path) -> None:
    with (
        EdgarServer([], []) as server,
        pytest.raises(EdgarError, match=r"EDGAR has no /Archives/.*1992/QTR1/master.idx"),
    ):
        EdgarUniverse(profile(server, [1992]), tmp_path).reports(1992)


def test_an_index_that_is_missing_for_a_moment_changes_nothing_and_is_fetched_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with EdgarServer(own_filings(), own_companies()) as server:
        asked = profile(server, [2003], last="2003-03")
        known = EdgarUniverse(asked, tmp_path).filings_now(2003)
        EdgarUniverse(asked, tmp_path).forget()
        server.faults = Faults(share=1.0, kinds=("404",), where="master.idx")
        assert EdgarUniverse(asked, tmp_path).filings_now(2003) == known
        assert "HTTP 404 Not Found; going on with the one that is kept" in caplog.text
        server.faults = Faults()
        requests = len(server.log)
        assert EdgarUniverse(asked, tmp_path).filings_now(2003) == known
        assert len(server.log) == requests + 1


def test_a_page_in_place_of_an_index_is_never_kept(tmp_path: Path) -> None:
    page = b"<html>EDGAR is being maintained</html>"
    assert not is_index(page) and not is_json(page)
    assert is_index(b"Description:\nCIK|Company Name|Form Type|Date Filed|Filename\n")
    assert is_json(b'{"a": 1}\n')


def test_a_row_of_another_year_is_left_out_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:

    head = "CIK|Company Name|Form Type|Date Filed|Filename\n" + "-" * 80 + "\n"
    rows = [
        f"9|LATE CO|10-K|{day}|edgar/data/9/0000000009-04-00000{n}.txt"
        for n, day in enumerate(("2003-12-31", "2004-01-02"))
    ]
    BlobStore(tmp_path / "edgar").put_named(index_path(2004, 1), (head + "\n".join(rows)).encode())
    with EdgarServer([], []) as server:
        found = EdgarUniverse(profile(server, [2004], last="2004-03"), tmp_path).reports(2004)
    assert found["filed_at"].to_list() == [date(2004, 1, 2)]
    assert "1 lines are not as EDGAR writes them, or of another year" in caplog.text


def test_the_bundled_list_is_the_sample(tmp_path: Path) -> None:
    named = {name for name, _ in named_companies(load_profile(PROFILES / "edgar.yaml"))}
    assert named == set(TableUniverse(Profile(name="sample"), tmp_path).filers["company_id"])
