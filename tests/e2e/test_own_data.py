"""Bring your own data: the same graph on a universe of Parquet files."""

import json
import shutil
from pathlib import Path

import pytest
from own_data import CIKS, TEXTS
from peerlens_command import artefacts, peerlens, refreshed

LOOK_AHEAD = "LOOK-AHEAD: the texts are younger than the dates they are used at."


@pytest.fixture
def profile(own_home: Path) -> tuple[str, str]:
    return "--profile", str(own_home / "own.yaml")


def ask(home: Path, profile: tuple[str, str], query: str) -> list[dict[str, object]]:
    done = peerlens(home, "sql", query, "--json", *profile)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


def test_own_data_runs_the_whole_graph(own_home: Path, profile: tuple[str, str]) -> None:
    made = artefacts(own_home / "own")
    assert {"warehouse/all", "atlas/2007-12", "backtest_summary/all"} <= set(made)
    (books,) = ask(own_home, profile, "select count(*)::int as n from backtest_summary")
    assert books["n"] > 0


def test_companies_without_a_cik_are_known_by_their_ticker(own_home: Path, profile: tuple[str, str]) -> None:
    rows = ask(own_home, profile, "select distinct company_id from peer_clusters where method = 'sae'")
    expected = {CIKS[t].zfill(10) if t in CIKS else f"ticker:{t}" for t in TEXTS}
    assert {row["company_id"] for row in rows} == expected


def test_an_empty_text_is_kept_with_its_reason(own_home: Path, profile: tuple[str, str]) -> None:
    rows = ask(own_home, profile, "select company_id, reason from descriptions_rejected")
    assert rows == [{"company_id": "ticker:GE", "reason": "the text is empty"}]


def test_sectors_of_the_file_are_a_baseline(own_home: Path, profile: tuple[str, str]) -> None:
    query = "select company_id, cluster from peer_clusters where method = 'sector' and as_of = '2007-12-31'"
    clusters = {row["company_id"]: row["cluster"] for row in ask(own_home, profile, query)}
    assert clusters["0000034088"] == clusters["0000093410"] != clusters["ticker:PFE"] == clusters["ticker:AMGN"]


def test_the_look_ahead_banner_is_on_everything(own_home: Path, profile: tuple[str, str]) -> None:
    done = peerlens(own_home, "peers", "XOM", *profile)
    assert done.returncode == 0
    assert LOOK_AHEAD in " ".join(done.stderr.split())
    (banner,) = ask(own_home, profile, "from banner")
    assert banner["banner"] == f"{LOOK_AHEAD} OWN: six companies of our own."
    pages = list((own_home / "own" / "atlas").glob("*/*/*.html"))
    assert pages and all(LOOK_AHEAD in page.read_text(encoding="utf-8") for page in pages)


def test_a_home_and_files_may_have_any_name(own_copy: Path) -> None:
    home = own_copy.rename(own_copy.with_name("[h]*om{e} %20"))
    for name in ("texts", "quotes"):
        (home / f"{name}.parquet").rename(home / f"{name} [1]*?%20{{b}}.parquet")
        (home / f"{name}1.parquet").write_bytes(b"not a table, and not meant")
    profile = (home / "own.yaml").rename(home / "own [1].yaml")
    text = "name: own\n" + profile.read_text(encoding="utf-8")
    for name in ("texts", "quotes"):
        text = text.replace(f"{name}.parquet", f'"{name} [1]*?%20{{b}}.parquet"')
    profile.write_text(text, encoding="utf-8")
    shutil.rmtree(home / "own" / "filings" / "2007")
    assert "filings 2007" in refreshed(home, str(profile))
    assert refreshed(home, str(profile)) == []
    assert ask(home, ("--profile", str(profile)), "select count(*)::int as n from filings")[0]["n"] == 8
    assert peerlens(home, "status", "--profile", str(profile)).returncode == 0
