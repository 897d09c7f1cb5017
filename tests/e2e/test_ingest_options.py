"""`peerlens ingest` with flags that narrow it, wrong use, and what is asked again on a later day."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from edgar_lake import rows, write_profile
from fakes.edgar_server import EdgarServer, Faults
from fakes.own_filings import own_companies, own_filings
from peerlens_command import artefacts, peerlens

from resources.clock import local_day


@pytest.fixture(scope="module")
def server() -> Iterator[EdgarServer]:
    with EdgarServer(own_filings(), own_companies()) as running:
        yield running


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


def test_years_without_a_last_one_go_to_this_year_also_where_nothing_was_filed(
    server: EdgarServer, tmp_path: Path
) -> None:
    file = Path(write_profile(tmp_path, server.url))
    text = file.read_text(encoding="utf-8")
    listed = text.splitlines()[1]
    file.write_text(text.replace(listed, "filing_years: {first: 2022}"), encoding="utf-8")
    done = peerlens(tmp_path / "home", "ingest", "--profile", str(file))
    assert done.returncode == 0, done.stderr
    years = {name.split("/")[1] for name in artefacts(tmp_path / "home" / "mine") if name.startswith("filings/")}
    assert years == {str(year) for year in range(2022, local_day().year + 1)}
    assert set(rows(tmp_path / "home", "filings")["filed_at"].dt.year()) == {2022}
