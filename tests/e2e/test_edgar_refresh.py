"""The whole graph on annual reports that came over HTTP: from a filing on a server to peers that can be asked for."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fakes.edgar_server import EdgarServer
from fakes.own_filings import own_companies, own_filings
from peerlens_command import peerlens, refreshed

PROFILE = """
notice: "OWN: companies that exist only in our tests, with made-up prices."
filing_years: [1996, 2003, 2004, 2005]
as_of: {{first: "2005-12", last: "2005-12"}}
max_filing_age_months: null
descriptions:
  source: edgar
  edgar: {{identity: Jane Doe jane@example.com, archive_url: "{url}", data_url: "{url}"}}
prices: {{source: parquet, path: quotes.parquet}}
activations: {{blocks: [0, 1, 2]}}
corpus: {{held_out_share: 0.34, cutoff: 2005-12-31}}
groups: {{count: 1}}
saes: {{expansion: 1, k: 16, tokens: 2048, batch_tokens: 128, transfer: {{entries: 0}}}}
scores: {{ce_tokens: 20}}
passages: {{blocks: [1]}}
passage_saes: {{latents: 16, k: 2, passages: 512, batch: 32, second_seed: null}}
features: {{blocks: [1]}}
clusters: {{methods: [sae, tfidf, sic4], placebo_draws: 20, neighbours: 3}}
backtest: {{formation_months: 24, random_pairs: 2, max_pairs: 2}}
"""
TICKERS = ("XBEV", "XBAK", "XPWR", "XMIN")


def write_quotes(file: Path) -> None:
    """Random walks of five years; synthetic."""
    days = pl.date_range(date(2002, 1, 1), date(2006, 12, 31), interval="1d", eager=True)
    days = days.filter(days.dt.weekday() <= 5)
    steps = np.random.default_rng(1).normal(0, 0.01, (len(TICKERS), len(days)))
    closes = 20 * np.exp(steps.cumsum(axis=1))
    frames = [pl.DataFrame({"ticker": t, "date": days, "adj_close": c}) for t, c in zip(TICKERS, closes, strict=True)]
    pl.concat(frames).write_parquet(file)


@pytest.fixture(scope="module")
def server() -> Iterator[EdgarServer]:
    with EdgarServer(own_filings(), own_companies()) as running:
        yield running


@pytest.fixture(scope="module")
def home(server: EdgarServer, models_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished lake; its profile lies beside it."""
    home = tmp_path_factory.mktemp("edgar") / "home"
    home.mkdir()
    (home / "models").symlink_to(models_home, target_is_directory=True)
    (home.parent / "own.yaml").write_text(PROFILE.format(url=server.url), encoding="utf-8")
    write_quotes(home.parent / "quotes.parquet")
    ran = refreshed(home, str(home.parent / "own.yaml"))
    assert ran[0] == "companies"
    assert "atlas 2005-12" in ran
    return home


def asked(home: Path, *arguments: str) -> list[dict[str, object]]:
    done = peerlens(home, *arguments, "--profile", str(home.parent / "own.yaml"), "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_peers_are_companies_whose_reports_came_over_http(home: Path) -> None:
    peers = asked(home, "peers", "XBEV")
    assert {row["ticker"] for row in peers} <= {"XBAK", "XPWR", "XMIN", "0009000006"}
    assert len(peers) == 3


def test_the_amended_report_is_the_one_that_counts(home: Path) -> None:
    query = "select accession from company_vectors where company_id = '0009000003' group by accession"
    assert [row["accession"] for row in asked(home, "sql", query)] == ["0009000003-05-000011"]


def test_a_second_refresh_asks_nothing_and_makes_nothing(server: EdgarServer, home: Path) -> None:
    requests = len(server.log)
    assert refreshed(home, str(home.parent / "own.yaml")) == []
    assert len(server.log) == requests
