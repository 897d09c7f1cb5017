"""Prices through the graph: from Yahoo's or a file's quotes to returns that count, and nothing where they are bad."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fakes.yahoo_server import Walk, YahooServer
from own_data import write_own_data
from peerlens_command import peerlens

from pipelines.dagster_assets import materialize_result
from pipelines.graph import open_graph
from pipelines.refresh import plan
from resources.environment import open_lake
from resources.lake.build import CheckFailedError, Made, build
from resources.lake.lake import Lake
from resources.market.yahoo import YahooMarket
from resources.settings.profile import Profile, load_profile

TODAY = date(2026, 11, 20)
MADE = (("companies", None), ("filings", "2004"), ("filings", "2005"), ("filings", "2007"), ("tickers", None))
LISTED = ("XOM", "CVX", "JPM", "WFC", "AMGN", "PFE")
Refresh = Callable[[Profile], dict[str, Made]]


@pytest.fixture
def yahoo(monkeypatch: pytest.MonkeyPatch) -> Iterator[YahooServer]:
    """A Yahoo that does not know GE."""
    monkeypatch.setattr("resources.market.yahoo.market.local_day", lambda: TODAY)
    walks = {ticker: Walk(seed) for seed, ticker in enumerate(LISTED)}
    with YahooServer(walks, TODAY) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a profile of seven companies beside it."""
    monkeypatch.setenv("PEERLENS_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return write_own_data(tmp_path)


def with_prices(file: Path, **prices: object) -> Profile:
    profile = load_profile(file)
    given = profile.prices.model_dump() | prices
    return Profile.model_validate(profile.model_dump() | {"prices": given})


def made(profile: Profile) -> dict[str, Made]:
    """Prices and returns, and what they need, as a refresh makes them."""
    graph, lake = open_graph(profile, TODAY), open_lake(profile)
    for name, partition in MADE:
        if partition in (None, *graph.partitions(name)):
            build(graph, lake, name, partition)
    return {name: build(graph, lake, name, None) for name in ("prices", "monthly_returns")}


def table(profile: Profile, asset: str, name: str) -> pl.DataFrame:
    lake = open_lake(profile)
    known = lake.manifest(asset, None)
    assert known is not None
    return pl.concat([pl.read_parquet(file) for file in lake.table_files(known, name)])


def test_quotes_of_yahoo_become_returns_and_a_second_refresh_asks_for_nothing(own: Path, yahoo: YahooServer) -> None:
    profile = with_prices(
        own, source="yfinance", yahoo={"url": yahoo.url, "first": "2024-01", "requests_per_second": 10}
    )
    first = made(profile)
    prices, missing = table(profile, "prices", "prices"), table(profile, "prices", "prices_missing")
    assert prices.group_by("ticker").len().height == len(LISTED)
    assert prices["volume"].null_count() == 0
    assert missing.select("ticker", "through", "reason").rows() == [
        ("GE", None, "No data found, symbol may be delisted")
    ]
    returns = table(profile, "monthly_returns", "monthly_returns")
    months_after_the_first = 2 * 12 + 10 - 1
    assert returns.group_by("company_id").len()["len"].to_list() == [months_after_the_first] * len(LISTED)
    asked = len(yahoo.log)
    assert all(not again.reasons for again in made(profile).values())
    assert len(yahoo.log) == asked
    YahooMarket(profile.prices.yahoo, Path(own.parent / "home" / "yahoo")).forget()
    later = made(profile)
    assert later["prices"].reasons == ("source",)
    assert later["prices"].manifest.digest == first["prices"].manifest.digest
    assert not later["monthly_returns"].reasons
    assert len(yahoo.log) > asked


def test_planner_and_body_have_one_home_the_lakes(
    own: Path, yahoo: YahooServer, monkeypatch: pytest.MonkeyPatch, models_home: Path
) -> None:
    """Whatever the environment says by then: histories are found where the body keeps them."""
    another = own.parent / "another"
    monkeypatch.setenv("PEERLENS_HOME", str(another))
    settings = {"url": yahoo.url, "first": "2024-01", "requests_per_second": 10}
    profile = with_prices(own, source="yfinance", yahoo=settings)
    graph, lake = open_graph(profile, TODAY), Lake(own.parent / "home", profile.name)
    (lake.home / "models").symlink_to(models_home, target_is_directory=True)
    for name, partition in (*MADE, ("prices", None), ("monthly_returns", None)):
        if partition in (None, *graph.partitions(name)):
            build(graph, lake, name, partition)
    named = {body.asset for body in plan(graph, lake)}  # asks the fingerprint of every asset
    assert not named & {*dict(MADE), "prices", "monthly_returns"}
    assert list((lake.home / "yahoo").rglob("*.parquet"))
    assert not another.exists()


def test_too_few_companies_with_prices_commit_nothing(own: Path, yahoo: YahooServer) -> None:
    settings = {"url": yahoo.url, "first": "2026-01", "requests_per_second": 10}
    with pytest.raises(
        CheckFailedError, match=r"85.7% of the companies with a ticker .* asks for 90.0%; most often: No"
    ):
        made(with_prices(own, source="yfinance", yahoo=settings, min_coverage=0.9))
    assert open_lake(load_profile(own)).manifest("prices", None) is None


def test_excluded_flags_are_marked_and_counted(own: Path) -> None:
    profile = load_profile(own)
    quotes = pl.read_parquet(own.parent / "quotes.parquet")
    spike = (pl.col("Symbol") == "XOM") & (pl.col("Day") == date(2006, 6, 30))
    closes = pl.when(spike).then(pl.col("Close") * 10).otherwise(pl.col("Close"))
    quotes.with_columns(Close=closes).write_parquet(own.parent / "quotes.parquet")
    made(profile)
    before = table(profile, "monthly_returns", "monthly_returns")
    strict = profile.model_copy(update={"returns": profile.returns.model_copy(update={"exclude": ("reversal",)})})
    again = made(strict)
    assert not again["prices"].reasons
    assert again["monthly_returns"].reasons == ("config",)
    after = table(strict, "monthly_returns", "monthly_returns")
    assert before["used"].all()
    assert after.drop("used").equals(before.drop("used"))
    left_out = after.filter(~pl.col("used"))
    assert left_out.select("month", "flags").rows() == [
        (date(2006, 6, 30), ["outlier"]),
        (date(2006, 7, 31), ["outlier", "reversal"]),
    ]
    assert again["monthly_returns"].manifest.metadata["left_out"] == 2


def test_the_picture_of_the_returns_is_in_the_metadata(own: Path) -> None:
    profile = load_profile(own)
    returns = made(profile)["monthly_returns"]
    graph, lake = open_graph(profile, TODAY), Lake(own.parent / "home", profile.name)
    shown = materialize_result(graph, lake, returns).metadata
    assert shown is not None
    assert "data:image/png;base64," in str(shown["quality"])
    assert shown["outlier"] == 0 and shown["missing"] == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("XOM;2004-03-01;45,67", "line 3, column adj_close, ticker XOM: 45,67: a decimal comma"),
        ("XOM;2004-03-01;-1", "line 3, column adj_close, ticker XOM: -1: "),
        ("XOM;2004-02-27;41", "line 3, column date, ticker XOM: 2004-02-27"),
        ("XOM;03/01/2004;41", "line 3, column date"),
        ("XOM;2004-03-01T00:00:00+09:00;41", "line 3, column date"),
    ],
)
def test_a_bad_csv_ends_the_refresh_before_anything_is_written(own: Path, line: str, words: str) -> None:
    file = own.parent / "quotes.csv"
    file.write_text(f"ticker;date;adj_close\nXOM;2004-02-27;40.5\n{line}\nXOM;2012-01-02;50\n", encoding="utf-8")
    text = own.read_text(encoding="utf-8")
    start, end = text.index("prices:"), text.index("activations:")
    own.write_text(
        f"{text[:start]}prices: {{source: csv, path: quotes.csv, separator: ';'}}\n{text[end:]}", encoding="utf-8"
    )
    done = peerlens(own.parent / "home", "refresh", "--profile", str(own))
    assert done.returncode == 2
    assert "quotes.csv" in done.stderr and len(done.stderr.splitlines()) == 1
    assert words in done.stderr
    assert not list((own.parent / "home").rglob("manifest.json"))
