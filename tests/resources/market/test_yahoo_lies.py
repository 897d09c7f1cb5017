"""Yahoo may send anything: an answer has a limit in bytes and seconds, and what is not a chart is no error of ours."""

import base64
import gzip
import itertools
import json
import threading
import zlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from curl_cffi.requests.exceptions import RequestException
from fakes.lying_server import Lie, LyingServer, answer, drips, gzip_bomb, numbered, sends
from fakes.yahoo_server import Walk, YahooServer

from resources.market.quotes import Quotes
from resources.market.yahoo import YahooMarket
from resources.market.yahoo.session import MAX_REDIRECTS, YahooSession
from resources.network.rate_limit import RateLimit
from resources.network.retry import RetryPolicy, TransientError
from resources.settings.prices import Yahoo

TODAY = date(2017, 10, 20)
POLICY = RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.02, startup_timeout=60, outage_timeout=60, timeout=20)
KO = "https://query2.finance.yahoo.com/v8/finance/chart/KO"
BROTLI_BOMB = (
    "y///P/gnAOKxQCD3/o///3/wTwDEYRGA7v0f////4J8AiMMCAN37P/7//8E/ARCHBQC693/8//+DfwIgDgsAdO//8g9eD/8EQBwWAOig6wE="
)
"""Fifty million zeros; Python has no compressor for it."""
CHART = b'{"chart": {"error": null, "result": [{"meta": {}}]}}'


def quotes(server: YahooServer, root: Path, today: date = TODAY) -> Quotes:
    settings = Yahoo(first="2015-01", requests_per_second=10, url=server.url)
    return YahooMarket(settings, root, today=today, policy=POLICY).quotes(["KO", "PEP"])


def fetch(root: Path, lie: Lie, timeout: float = 20, max_bytes: int = 1_000_000, url: str = KO) -> bytes:
    """Content of a chart that comes with this lie."""
    with LyingServer({}, lie) as server:
        limit, stopped = RateLimit(root / "rate-limit", 10), threading.Event()
        return YahooSession(server.url, limit, timeout, stopped, max_bytes).get(url).content


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity"])
def test_a_bomb_is_given_up_before_it_is_unpacked(tmp_path: Path, encoding: str) -> None:
    body = {
        "gzip": lambda: gzip_bomb(50_000_000),
        "deflate": lambda: zlib.compress(b"\0" * 50_000_000),
        "br": lambda: base64.b64decode(BROTLI_BOMB),
        "zstd": _zstd_bomb,
        "identity": lambda: b" " * 2_000_000,
    }[encoding]()
    with pytest.raises(TransientError, match="longer than 1,000,000 bytes"):
        fetch(tmp_path, sends(answer(body, Content_Encoding=encoding)))


def _zstd_bomb() -> bytes:
    """A frame of 400 blocks that each repeat one byte 128 KiB times (RFC 8878, 3.1.1)."""
    block = (1 << 1 | 131_072 << 3).to_bytes(3, "little") + b"\0"
    last = (1 | 1 << 1 | 131_072 << 3).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd" + b"\x00" + b"\x50" + block * 399 + last


def test_a_chart_within_the_limit_comes_through(tmp_path: Path) -> None:
    lie = sends(answer(gzip.compress(CHART), Content_Encoding="gzip"))
    assert json.loads(fetch(tmp_path, lie)) == {"chart": {"error": None, "result": [{"meta": {"currency": None}}]}}


@pytest.mark.parametrize(
    "lie",
    [
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-Header: x\r\n"),
        drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["body", "headers", "early hints"],
)
def test_an_answer_that_never_ends_is_given_up(tmp_path: Path, lie: Lie) -> None:
    with pytest.raises(TransientError, match=r"\(28\)|timed out"):
        fetch(tmp_path, lie, timeout=0.4)


def test_a_redirect_to_another_host_is_not_followed(tmp_path: Path) -> None:
    with LyingServer({}, sends(answer(CHART))) as other:
        with pytest.raises(TransientError, match=f"redirected to another host: '{other.url}/private'"):
            fetch(tmp_path, sends(answer(b"", 302, Location=f"{other.url}/private")))
        assert other.log == []


@pytest.mark.parametrize("location", ["http://[", "//", "gopher://x", "\xff\xfe", "http://127.0.0.1:99999/"])
def test_a_redirect_to_nowhere_is_an_error_of_the_answer(tmp_path: Path, location: str) -> None:
    with pytest.raises(TransientError):
        fetch(tmp_path, sends(answer(b"", 302, Location=location)))


def test_a_redirect_at_the_same_host_is_followed(tmp_path: Path) -> None:
    assert b"meta" in fetch(tmp_path, numbered(sends(answer(b"", 301, Location="/other")), sends(answer(CHART))))


def test_a_redirect_loop_ends_and_keeps_to_the_rate_limit(tmp_path: Path) -> None:
    with LyingServer({}, sends(answer(b"", 301, Location="/again"))) as server:
        session = YahooSession(server.url, RateLimit(tmp_path / "limit", 10), 20, threading.Event())
        with pytest.raises(TransientError, match=f"more than {MAX_REDIRECTS} redirects"):
            session.get(KO)
    assert len(server.log) == 1 + MAX_REDIRECTS
    gaps = [after - before for (_, before), (_, after) in itertools.pairwise(server.log)]
    assert sum(gaps) > 0.8 * MAX_REDIRECTS / 10


def test_a_page_in_place_of_a_crumb_is_put_into_no_address(tmp_path: Path) -> None:
    with pytest.raises(RequestException, match="a page instead of a crumb"):
        fetch(tmp_path, sends(answer(b"x" * 5000)), url="https://query1.finance.yahoo.com/v1/test/getcrumb")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"chart": ' + b"[" * 100_000,
        b'{"chart": {"error": null, "result": [' + b"[]," * 300_000 + b"[]]}}",
        b'{"chart": 5}',
        b'{"chart": {"error": "text", "result": null}}',
        b'{"chart": {"error": {"code": ["Not Found"]}, "result": null}}',
        b'{"chart": {"error": [1], "result": null}}',
        b'{"chart": {"error": null, "result": {}}}',
        b'{"chart": {"error": null, "result": [null]}}',
        b'{"chart": {"error": null, "result": [{"meta": []}]}}',
        b'{"chart": {"error": null, "result": [{"meta": {"currency": ["USD"]}}]}}',
        b'{"chart": {"error": null, "result": [{"meta": {"symbol": "GE"}}]}}',
        b'{"chart": {"error": null, "result": [{"meta": {"dataGranularity": "1mo"}}]}}',
        b'{"chart": {"error": null, "result": [{"timestamp": [1], "indicators": {"quote": [{"close": [1.0]}]}}]}}',
        b'{"chart": {"error": {"description": "\\ud800"}, "result": null}}',
    ],
    ids=range(17),
)
def test_what_is_not_the_chart_of_the_symbol_is_an_error_of_the_answer(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TransientError) as caught:
        fetch(tmp_path, sends(answer(content)))
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


TIMES = [None, 0, -1, 1e300, -1e300, 9**40, "1962-01-02", "²", True, [], {}, float("nan"), float("inf"), 2**63, 1.5]


@pytest.mark.parametrize("time", TIMES, ids=range(len(TIMES)))
def test_a_first_trade_date_of_any_content_is_no_error(tmp_path: Path, time: object) -> None:
    with YahooServer({"KO": Walk(1), "PEP": Walk(2)}, TODAY) as server:
        true = quotes(server, tmp_path / "true")
        server.meta = {"KO": {"firstTradeDate": time}, "PEP": {"firstTradeDate": time, "regularMarketTime": time}}
        told = quotes(server, tmp_path / "told")
    assert told.rows.filter(ticker="KO").equals(true.rows.filter(ticker="KO"))
    assert told.missing.keys() <= {"PEP"}  # where the last trade is long ago, all quotes of it are later


@pytest.mark.parametrize(
    "meta",
    [
        {"exchangeTimezoneName": "Nowhere/Land"},
        {"exchangeTimezoneName": None, "timezone": []},
        {"instrumentType": 5, "priceHint": "x"},
        {"currentTradingPeriod": {"regular": 5}},
        {"tradingPeriods": "x"},
        {"symbol": "GE"},
        {"dataGranularity": {}, "validRanges": None},
    ],
    ids=range(7),
)
def test_metadata_of_any_content_cost_that_ticker_at_most(tmp_path: Path, meta: Mapping[str, Any]) -> None:
    with YahooServer({"KO": Walk(1), "PEP": Walk(2)}, TODAY) as server:
        server.meta = {"KO": dict(meta)}
        told = quotes(server, tmp_path)
    assert told.missing.keys() <= {"KO"}
    assert not told.rows.filter(ticker="PEP").is_empty()


def test_prices_fetched_by_a_clock_that_was_ahead_do_not_stop_new_ones(tmp_path: Path) -> None:
    walks = {"KO": Walk(1), "PEP": Walk(2)}
    with YahooServer(walks, TODAY) as server:
        expected = quotes(server, tmp_path / "right").rows
        quotes(server, tmp_path / "ahead", today=date(2030, 1, 1))
        before = len(server.charts())
        assert quotes(server, tmp_path / "ahead").rows.equals(expected)
        assert len(server.charts()) == before + 2
        server.today = date(2017, 11, 20)
        new = quotes(server, tmp_path / "ahead", today=server.today)
        assert new.rows.select("ticker", "date").equals(
            quotes(server, tmp_path / "right", today=server.today).rows.select("ticker", "date")
        )
        assert (new.missing, new.behind) == ({}, {})


def test_an_unknown_symbol_asked_for_by_a_clock_that_was_ahead_is_asked_for_again(tmp_path: Path) -> None:
    with YahooServer({"PEP": Walk(2)}, TODAY) as server:
        assert quotes(server, tmp_path, today=date(2030, 1, 1)).missing.keys() == {"KO"}
        server.walks |= {"KO": Walk(1)}
        assert quotes(server, tmp_path).missing == {}
