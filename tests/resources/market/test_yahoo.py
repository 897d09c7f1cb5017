"""Yahoo through yfinance, over real HTTP to a fake that re-adjusts, throttles and truncates as Yahoo does."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fakes.yahoo_server import Walk, YahooServer, spread

from resources.market.quotes import QUOTES, PriceError
from resources.market.yahoo import YahooMarket
from resources.market.yahoo.market import WORKERS, yahoo_symbol
from resources.network.retry import RetryPolicy
from resources.places import ROOT
from resources.settings.prices import Yahoo

POLICY = RetryPolicy(attempts=4, first_wait=0.02, longest_wait=0.05, startup_timeout=60, outage_timeout=60, timeout=60)
SHORT_OUTAGE = replace(POLICY, startup_timeout=0.8, outage_timeout=0.8)
OCTOBER, NOVEMBER, DECEMBER = date(2017, 10, 20), date(2017, 11, 20), date(2017, 12, 20)
DELISTED = "No data found, symbol may be delisted"


def market(server: YahooServer, root: Path, first: str = "2015-01", policy: RetryPolicy = POLICY) -> YahooMarket:
    settings = Yahoo(first=first, requests_per_second=10, url=server.url)
    return YahooMarket(settings, root, today=server.today, policy=policy)


def weekdays(first: date, last: date) -> frozenset[date]:
    return frozenset(first + timedelta(days=i) for i in range((last - first).days + 1))


def asked(server: YahooServer, since: int) -> list[tuple[str, date]]:
    """Symbol and first day of the requested charts, after the first `since` of them."""
    charts = server.charts()[since:]
    return [(c.symbol or "", datetime.fromtimestamp(int(c.params["period1"]), UTC).date()) for c in charts]


def closes(rows: pl.DataFrame, ticker: str) -> dict[date, float]:
    return dict(rows.filter(pl.col("ticker") == ticker).select("date", "adj_close").iter_rows())


def told(walk: Walk, today: date, last: date) -> dict[date, float]:
    """Adjusted closes that the server has up to a day."""
    columns = walk.told(today)
    pairs = zip(columns["day"], columns["adjclose"], strict=True)
    return {day: value for day, value in pairs if day <= last and value is not None}


def assert_same_up_to_a_constant(found: dict[date, float], expected: dict[date, float]) -> None:
    assert found.keys() == expected.keys()
    logs = [math.log(found[day] / expected[day]) for day in expected]
    assert max(logs) - min(logs) < 1e-6


def busiest_second(server: YahooServer) -> int:
    times = [logged.at for logged in server.log]
    return max(sum(at <= later < at + 1 for later in times) for at in times)


def test_every_ticker_ends_complete_or_missing_with_its_reason_at_the_rate_allowed(tmp_path: Path) -> None:
    walks = {f"T{i:02}": Walk(i, first=date(2016, 6, 1), dividends={date(2017, 3, 10): 0.02}) for i in range(64)}
    shares = {"429": 0.3, "404": 0.05, "half": 0.05, "reset": 0.03, "down": 0.03, "short": 0.03, "late": 0.03}
    faults = spread(walks, shares, seed=7)
    done: list[int] = []
    with YahooServer(walks, OCTOBER) as server:
        server.faults = {symbol: fault for symbol, fault in faults.items() if fault in {"404", "short", "late"}}
        server.next_faults = {symbol: [fault] for symbol, fault in faults.items() if symbol not in server.faults}
        quotes = market(server, tmp_path).quotes(walks, done.append)
        assert busiest_second(server) <= 10 + WORKERS  # each worker may have had one on its way for long
        first_status = len(server.charts())
        again = market(server, tmp_path).quotes(walks)
    assert sum(done) == len(walks)
    assert quotes.missing.keys() == server.faults.keys()
    for symbol, reason in quotes.missing.items():
        assert reason.startswith({"404": DELISTED}.get(faults[symbol], "truncated: "))
    for symbol in walks.keys() - quotes.missing.keys():
        assert closes(quotes.rows, symbol) == told(walks[symbol], OCTOBER, date(2017, 9, 30))
    assert quotes.rows.schema == pl.Schema(QUOTES)
    assert quotes.rows.equals(quotes.rows.unique(["ticker", "date"]).sort("ticker", "date"))
    truncated = {symbol for symbol, fault in server.faults.items() if fault != "404"}
    assert {symbol for symbol, _ in asked(server, first_status)} == truncated
    assert again.rows.equals(quotes.rows)


def test_a_ticker_costs_one_request_known_or_not(tmp_path: Path) -> None:
    with YahooServer({"KO": Walk(1), "PEP": Walk(2)}, OCTOBER) as server:
        market(server, tmp_path).quotes(["KO", "PEP", "GONE"])
        assert sorted(logged.path for logged in server.log) == [
            "/",
            "/v1/test/getcrumb",
            *(f"/v8/finance/chart/{symbol}" for symbol in ("GONE", "KO", "PEP")),
        ]


def test_a_second_call_sends_no_request(tmp_path: Path) -> None:
    with YahooServer({"KO": Walk(1)}, OCTOBER) as server:
        before = market(server, tmp_path)
        now = before.now()
        first = before.quotes(["KO", "GONE"])
    second = market(server, tmp_path).quotes(["GONE", "KO"])
    assert second.rows.equals(first.rows)
    assert second.missing == first.missing == {"GONE": DELISTED}
    assert market(server, tmp_path).now() == now


def test_a_month_later_only_new_days_and_ten_old_ones_are_fetched(tmp_path: Path) -> None:
    walks = {"KO": Walk(1), "PEP": Walk(2), "DIED": Walk(3, last=date(2016, 8, 15))}
    with YahooServer(walks, OCTOBER) as server:
        before = market(server, tmp_path).quotes(walks).rows
        now = market(server, tmp_path).now()
        server.today = NOVEMBER
        after = market(server, tmp_path).quotes(walks).rows
        assert market(server, tmp_path).now() != now
    overlap = date(2017, 9, 17)  # ten trading days end on the 29th; a day is added for exchanges east of Greenwich
    assert sorted(asked(server, 3)) == [("DIED", date(2016, 8, 1)), ("KO", overlap), ("PEP", overlap)]
    assert after.filter(pl.col("date") <= date(2017, 9, 30)).equals(before)
    assert closes(after, "KO") == told(walks["KO"], NOVEMBER, date(2017, 10, 31))
    assert closes(after, "DIED") == told(walks["DIED"], NOVEMBER, date(2016, 8, 15))


def test_after_a_dividend_or_split_the_history_is_fetched_once_and_old_prices_keep_their_bits(tmp_path: Path) -> None:
    walks = {
        "PAYS": Walk(1, dividends={date(2017, 10, 5): 0.03, date(2017, 2, 3): 0.02}),
        "SPLITS": Walk(2, splits={date(2017, 10, 12): 3}, dividends={date(2017, 11, 14): 0.01}),
        "NEITHER": Walk(3),
    }
    with YahooServer(walks, OCTOBER.replace(day=2)) as server:
        first = market(server, tmp_path).quotes(walks).rows
        server.today = NOVEMBER
        second = market(server, tmp_path).quotes(walks).rows
        costs = [len(server.charts(symbol)) for symbol in walks]
        server.today = DECEMBER
        third = market(server, tmp_path).quotes(walks).rows
    assert costs == [3, 3, 2]
    assert [len(server.charts(symbol)) for symbol in walks] == [4, 4, 3]  # nothing new happened
    assert second.filter(pl.col("date") <= date(2017, 9, 30)).equals(first)
    assert third.filter(pl.col("date") <= date(2017, 10, 31)).equals(second)
    for symbol, walk in walks.items():
        assert_same_up_to_a_constant(closes(third, symbol), told(walk, DECEMBER, date(2017, 11, 30)))
    traded = second.filter(ticker="SPLITS").select(pl.col("close") * pl.col("volume")).to_series()
    columns = walks["SPLITS"].told(NOVEMBER)
    expected = [close * volume for close, volume in zip(columns["close"], columns["volume"], strict=True)]
    assert traded.to_list() == pytest.approx(expected[: len(traded)], rel=1e-6)


def test_a_throttled_month_loses_no_history_and_is_fetched_again(tmp_path: Path) -> None:
    walks = {"KO": Walk(1), "PEP": Walk(2)}
    with YahooServer(walks, OCTOBER) as server:
        market(server, tmp_path).quotes(walks)
        server.today, server.faults = NOVEMBER, {"KO": "429"}
        now = market(server, tmp_path).now()
        throttled = market(server, tmp_path).quotes(walks)
        left = market(server, tmp_path).now()
        server.faults = {}
        whole = market(server, tmp_path).quotes(walks)
        assert market(server, tmp_path).now() == left != now
    assert throttled.missing == whole.missing == {}
    assert max(closes(throttled.rows, "KO")) == date(2017, 9, 29)
    assert max(closes(throttled.rows, "PEP")) == max(closes(whole.rows, "KO")) == date(2017, 10, 31)
    assert throttled.behind == {"KO": "4 attempts failed, the last with: too many requests"}
    assert whole.behind == {}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("429", "4 attempts failed, the last with: too many requests"),
        ("503", "4 attempts failed, the last with: HTTP 503"),
        ("401", "4 attempts failed, the last with: access denied"),
        ("half", "4 attempts failed, the last with: .*(18|transfer closed)"),
        ("reset", "4 attempts failed, the last with: .*(56|reset)"),
        ("down", "4 attempts failed, the last with: HTTP 200 without a chart: .*Will be right back"),
        (
            "short",
            r"truncated: ends on 2017-09-29; Yahoo has quotes from 2015-01-02 to 2017-10-20 \(4 attempts\)",
        ),
        (
            "late",
            r"truncated: begins on 2015-01-23; Yahoo has quotes from 2015-01-02 to 2017-10-20 \(4 attempts\)",
        ),
    ],
)
def test_a_ticker_that_keeps_failing_alone_is_deferred(tmp_path: Path, fault: str, reason: str) -> None:
    with YahooServer({"KO": Walk(1)}, OCTOBER) as server:
        server.faults = {"KO": fault}
        now = market(server, tmp_path).now()
        quotes = market(server, tmp_path).quotes(["KO"])
        assert market(server, tmp_path).now() != now
    assert quotes.rows.is_empty()
    assert re.match(reason, quotes.missing["KO"])


def test_when_yahoo_stops_responding_fetched_histories_are_kept(tmp_path: Path) -> None:
    walks = {f"T{i}": Walk(i) for i in range(6)}
    with YahooServer(walks, OCTOBER) as server:
        market(server, tmp_path).quotes(["T0"])
        server.share, server.kinds = 1.0, ("503", "429", "reset")
        with pytest.raises(PriceError, match=r"Yahoo does not answer .*fetched prices are kept; run the same command"):
            market(server, tmp_path, policy=SHORT_OUTAGE).quotes(walks)
        server.share = 0.0
        before = len(server.charts())
        assert market(server, tmp_path).quotes(walks).missing == {}
    assert sorted(symbol for symbol, _ in asked(server, before)) == ["T1", "T2", "T3", "T4", "T5"]


def test_an_unreachable_server_is_one_clear_error(tmp_path: Path) -> None:
    with YahooServer({}, OCTOBER) as server:
        pass
    with pytest.raises(PriceError, match="Yahoo does not answer"):
        market(server, tmp_path, policy=SHORT_OUTAGE).quotes(["KO"])


def test_charts_arrive_with_and_without_a_crumb(tmp_path: Path) -> None:
    with YahooServer({"KO": Walk(1), "PEP": Walk(2)}, OCTOBER) as server:
        server.wants_crumb = True
        assert market(server, tmp_path / "a").quotes(["KO", "PEP"]).missing == {}
        server.wants_crumb, server.crumbs = False, 429
        before = len(server.log)
        assert market(server, tmp_path / "b").quotes(["KO", "PEP"]).missing == {}
    assert len(server.log) - before == 4  # cookie and crumb are tried once


def test_a_ticker_that_yahoo_no_longer_knows_keeps_its_history(tmp_path: Path) -> None:
    with YahooServer({"TWTR": Walk(1)}, OCTOBER) as server:
        before = market(server, tmp_path).quotes(["TWTR"])
        server.today, server.walks = NOVEMBER, {}
        after = market(server, tmp_path).quotes(["TWTR"])
        market(server, tmp_path).quotes(["TWTR"])
        assert len(server.charts()) == 2
        server.today = DECEMBER
        later = market(server, tmp_path).quotes(["TWTR"])
    assert len(server.charts()) == 3
    assert after.rows.equals(before.rows)
    assert later.rows.equals(before.rows)
    assert after.missing == later.missing == {}
    assert after.behind == {"TWTR": DELISTED}
    assert later.behind == {}  # a second month has said so


def test_unknown_once_is_not_delisted(tmp_path: Path) -> None:
    with YahooServer({"KO": Walk(1)}, OCTOBER) as server:
        market(server, tmp_path).quotes(["KO"])
        behind = []
        for server.today, fault in ((NOVEMBER, "404"), (DECEMBER, None), (date(2018, 1, 20), "404")):
            server.next_faults = {"KO": [fault]} if fault else {}
            behind.append(market(server, tmp_path).quotes(["KO"]).behind)
        market(server, tmp_path).forget()
        server.next_faults = {"KO": ["404"]}
        behind.append(market(server, tmp_path).quotes(["KO"]).behind)  # a second time, but no second month
    assert behind == [{"KO": DELISTED}, {}, {"KO": DELISTED}, {"KO": DELISTED}]


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (Walk(1, replaced={date(2017, 10, 5): 0.0}), "adj_close 0.0 on 2017-10-05: not a positive, finite price"),
        (Walk(1, currency="CAD"), "quoted in CAD, not in USD"),
    ],
)
def test_unusable_new_quotes_leave_a_known_ticker_behind(tmp_path: Path, now: Walk, reason: str) -> None:
    with YahooServer({"KO": Walk(1)}, OCTOBER) as server:
        before = market(server, tmp_path).quotes(["KO"]).rows
        server.walks = {"KO": now}
        for server.today in (NOVEMBER, DECEMBER):
            quotes = market(server, tmp_path).quotes(["KO"])
            assert quotes.rows.equals(before)
            assert (quotes.missing, quotes.behind) == ({}, {"KO": reason})


def test_a_reused_ticker_is_another_security(tmp_path: Path) -> None:
    old, new = Walk(1, last=date(2016, 8, 15)), Walk(2, first=date(2017, 10, 2))
    with YahooServer({"X": old}, OCTOBER.replace(month=9)) as server:
        market(server, tmp_path).quotes(["X"])
        server.today, server.walks = NOVEMBER, {"X": new}
        rows = market(server, tmp_path).quotes(["X"]).rows
    assert rows["security"].unique(maintain_order=True).to_list() == ["2015-01-02", "2017-10-02"]
    assert closes(rows, "X") == told(old, NOVEMBER, NOVEMBER) | told(new, NOVEMBER, date(2017, 10, 31))


def test_an_unknown_ticker_is_fetched_again_after_a_year_or_after_forget(tmp_path: Path) -> None:
    with YahooServer({}, OCTOBER) as server:
        market(server, tmp_path).quotes(["NEW"])
        server.walks = {"NEW": Walk(1)}
        server.today = date(2018, 10, 19)
        assert market(server, tmp_path).quotes(["NEW"]).missing == {"NEW": DELISTED}
        server.today = date(2018, 10, 20)
        assert market(server, tmp_path).quotes(["NEW"]).missing == {}
        market(server, tmp_path).quotes(["GONE"])
        market(server, tmp_path).forget()
        market(server, tmp_path).quotes(["GONE"])
    assert [symbol for symbol, _ in asked(server, 0)] == ["NEW", "NEW", "GONE", "GONE"]


def test_forgetting_fetches_everything_and_changes_nothing(tmp_path: Path) -> None:
    walks = {"KO": Walk(1, dividends={date(2017, 10, 5): 0.03}), "PEP": Walk(2)}
    with YahooServer(walks, OCTOBER.replace(day=2)) as server:
        before = market(server, tmp_path)
        rows, now = before.quotes(walks).rows, before.now()
        server.today = OCTOBER
        before.forget()
        assert before.now() != now
        assert market(server, tmp_path).quotes(walks).rows.equals(rows)
    assert sorted(asked(server, 2)) == [("KO", date(2014, 12, 31)), ("PEP", date(2014, 12, 31))]


def test_an_earlier_first_month_is_fetched(tmp_path: Path) -> None:
    with YahooServer({"KO": Walk(1)}, OCTOBER) as server:
        late = market(server, tmp_path, first="2016-07").quotes(["KO"]).rows
        early = market(server, tmp_path, first="2015-07").quotes(["KO"]).rows
        assert (
            market(server, tmp_path, first="2016-07")
            .quotes(["KO"])
            .rows.select("date", "adj_close")
            .equals(late.select("date", "adj_close"))
        )
    assert len(server.charts()) == 2
    assert (late["date"][0], early["date"][0]) == (date(2016, 7, 1), date(2015, 7, 1))


def test_days_without_numbers_are_days_without_a_trade(tmp_path: Path) -> None:
    walk = Walk(1, nulls=frozenset({date(2016, 5, 4), date(2017, 9, 29)}))
    with YahooServer({"KO": walk}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["KO"])
    assert closes(quotes.rows, "KO") == told(walk, OCTOBER, date(2017, 9, 30))
    assert date(2016, 5, 4) not in closes(quotes.rows, "KO")


def test_days_of_zeros_are_days_without_a_trade(tmp_path: Path) -> None:
    with YahooServer({"KO": Walk(1, zeros=frozenset({date(2016, 5, 4)}))}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["KO"])
    assert date(2016, 5, 4) not in closes(quotes.rows, "KO")
    assert closes(quotes.rows, "KO") == told(Walk(1, nulls=frozenset({date(2016, 5, 4)})), OCTOBER, date(2017, 9, 30))


@pytest.mark.parametrize("how", ["nulls", "untold"])
def test_a_stock_that_was_halted_at_the_end_of_the_month_is_whole(tmp_path: Path, how: str) -> None:
    halt = {how: weekdays(date(2017, 9, 11), date(2017, 10, 10))}
    walk = Walk(1, **halt)  # type: ignore[arg-type]
    with YahooServer({"THIN": walk}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["THIN"])
    assert (quotes.missing, quotes.behind) == ({}, {})
    assert max(closes(quotes.rows, "THIN")) == date(2017, 9, 8)
    assert len(server.charts()) == 1


def test_a_stock_without_a_trade_in_its_first_days_is_whole(tmp_path: Path) -> None:
    walk = Walk(1, first=date(2016, 3, 1), nulls=weekdays(date(2016, 3, 1), date(2016, 3, 15)))
    with YahooServer({"NEW": walk}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["NEW"])
    assert quotes.missing == {}
    assert min(closes(quotes.rows, "NEW")) == date(2016, 3, 16)


def test_a_history_that_begins_late_on_a_second_day_too_counts_as_whole(tmp_path: Path) -> None:
    walk = Walk(1, first=date(2016, 3, 1), listed=date(2015, 6, 1), dividends={date(2017, 10, 5): 0.02})
    with YahooServer({"LATE": walk}, OCTOBER.replace(day=2)) as server:
        refused = [market(server, tmp_path).quotes(["LATE"]).missing for _ in range(2)]
        server.today = OCTOBER.replace(day=3)
        believed = market(server, tmp_path).quotes(["LATE"])
        asked_for_it = len(server.charts())
        server.today = NOVEMBER  # the dividend has it asked for whole again
        later = market(server, tmp_path).quotes(["LATE"])
    assert [missing["LATE"][:31] for missing in refused] == ["truncated: begins on 2016-03-01"] * 2
    assert asked_for_it == 4 + 4 + 1
    assert (believed.missing, later.missing, later.behind) == ({}, {}, {})
    assert closes(later.rows, "LATE").keys() == told(walk, NOVEMBER, date(2017, 10, 31)).keys()
    assert len(server.charts()) == asked_for_it + 2


def test_a_pause_of_more_than_ninety_days_begins_another_security(tmp_path: Path) -> None:
    pauses = weekdays(date(2015, 3, 5), date(2015, 6, 1)) | weekdays(date(2016, 6, 1), date(2016, 8, 31))
    walk = Walk(1, nulls=pauses | weekdays(date(2017, 7, 3), date(2017, 10, 13)))
    with YahooServer({"REUSED": walk}, OCTOBER) as server:
        before = market(server, tmp_path).quotes(["REUSED"]).rows
        server.today = NOVEMBER
        after = market(server, tmp_path).quotes(["REUSED"]).rows
    first = ["2015-01-02", "2016-09-01"]  # the pause of 2015 is 90 days from quote to quote
    assert before["security"].unique(maintain_order=True).to_list() == first
    assert after["security"].unique(maintain_order=True).to_list() == [*first, "2017-10-16"]
    assert after[: before.height].equals(before)
    assert (
        after.group_by("security")
        .agg(pl.col("date").min().dt.to_string())
        .filter(pl.col("security") != pl.col("date"))
        .is_empty()
    )


def test_a_ticker_taken_over_by_a_company_with_a_past_is_another_security_from_its_first_day(tmp_path: Path) -> None:
    old, new = Walk(1), Walk(2, first=date(2016, 3, 1))
    with YahooServer({"X": old}, OCTOBER) as server:
        market(server, tmp_path).quotes(["X"])
        server.today, server.walks = NOVEMBER, {"X": new}
        rows = market(server, tmp_path).quotes(["X"]).rows
    assert rows["security"].unique(maintain_order=True).to_list() == ["2015-01-02", "2016-03-01"]
    assert closes(rows, "X") == told(old, OCTOBER, date(2016, 2, 29)) | told(new, NOVEMBER, date(2017, 10, 31))


@pytest.mark.parametrize(
    ("lacks", "last"),
    [
        ("currency", date(2030, 1, 1)),
        ("firstTradeDate", date(2030, 1, 1)),
        ("regularMarketTime", date(2016, 8, 15)),
    ],
)
def test_missing_metadata_cause_no_further_request(tmp_path: Path, lacks: str, last: date) -> None:
    walk = Walk(1, last=last, without=frozenset({lacks}))
    with YahooServer({"KO": walk}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["KO"])
    assert (quotes.missing, quotes.behind) == ({}, {})
    assert closes(quotes.rows, "KO") == told(walk, OCTOBER, date(2017, 9, 30))
    assert len(server.charts()) == 1


def test_a_chart_without_quotes_and_first_trade_is_a_valid_response(tmp_path: Path) -> None:
    walk = Walk(1, first=date(2012, 1, 3), last=date(2014, 1, 3), without=frozenset({"firstTradeDate"}))
    with YahooServer({"OLD": walk}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["OLD"])
    assert quotes.missing == {"OLD": "no quotes from 2015-01-01 on"}
    assert len(server.charts()) == 1


@pytest.mark.parametrize("value", [0.0, -1.5, math.inf])
def test_an_impossible_price_is_a_reason_that_names_day_and_value(tmp_path: Path, value: float) -> None:
    with YahooServer({"KO": Walk(1, replaced={date(2016, 5, 4): value})}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["KO"])
    assert quotes.missing == {"KO": f"adj_close {value} on 2016-05-04: not a positive, finite price"}


def test_prices_in_another_currency_are_not_used(tmp_path: Path) -> None:
    with YahooServer({"VOD.L": Walk(1, currency="GBp")}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["VOD.L"])
    assert quotes.missing == {"VOD.L": "quoted in GBp, not in USD"}


def test_a_company_that_lists_this_month_is_fetched_next_month(tmp_path: Path) -> None:
    with YahooServer({"IPO": Walk(1, first=date(2017, 10, 9))}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["IPO"])
        server.today = NOVEMBER
        assert market(server, tmp_path).quotes(["IPO"]).rows["date"][0] == date(2017, 10, 9)
    assert quotes.missing == {"IPO": "no quotes from 2015-01-01 to 2017-09-30"}


def test_share_classes_use_yahoos_spelling_and_return_under_the_requested_one(tmp_path: Path) -> None:
    with YahooServer({"BRK-B": Walk(1)}, OCTOBER) as server:
        quotes = market(server, tmp_path).quotes(["BRK.B", "BRK/B", "BRK-B", "brk-b"])
    assert len(server.charts()) == 1
    assert quotes.rows["ticker"].unique().sort().to_list() == ["BRK-B", "BRK.B", "BRK/B", "brk-b"]
    assert quotes.rows.n_unique(["adj_close", "date"]) * 4 == quotes.rows.height


@pytest.mark.parametrize(
    ("ticker", "symbol"),
    [("MOG.A", "MOG-A"), ("VOD.L", "VOD.L"), ("SAP.DE", "SAP.DE"), ("^GSPC", "^GSPC"), ("", None), ("A" * 21, None)],
)
def test_a_ticker_is_converted_to_yahoos_symbol(ticker: str, symbol: str | None) -> None:
    assert yahoo_symbol(ticker) == symbol


def test_hostile_tickers_are_missing_and_touch_nothing(tmp_path: Path) -> None:
    hostile = ["../x", "'; drop", "..", ".", "", "a/b/c", "x\0y", "é", "ß", "%2e%2e", "US0378331005\n", "-K"]
    root = tmp_path / "in" / "here"
    with YahooServer({}, OCTOBER) as server:
        quotes = market(server, root).quotes(hostile)
    assert quotes.missing.keys() == set(hostile)
    assert quotes.missing["../x"] == "'../x' cannot be a symbol at Yahoo"
    assert server.log == []
    assert list(tmp_path.rglob("*")) == []


def test_two_markets_in_one_process_share_no_responses(tmp_path: Path) -> None:
    with YahooServer({"KO": Walk(1)}, OCTOBER) as one, YahooServer({"KO": Walk(2)}, OCTOBER) as two:
        first = market(one, tmp_path / "one").quotes(["KO"]).rows
        second = market(two, tmp_path / "two").quotes(["KO"]).rows
    assert closes(first, "KO") == told(Walk(1), OCTOBER, date(2017, 9, 30))
    assert closes(second, "KO") == told(Walk(2), OCTOBER, date(2017, 9, 30))


def test_the_span_is_the_complete_months(tmp_path: Path) -> None:
    settings = Yahoo(first="1999-12")
    assert YahooMarket(settings, tmp_path, today=date(2018, 3, 1)).span() == (date(1999, 12, 1), date(2018, 2, 28))
    with pytest.raises(PriceError, match=r"prices.yahoo.first: 2018-03 is after 2018-02"):
        YahooMarket(Yahoo(first="2018-03"), tmp_path, today=date(2018, 3, 31)).span()


def test_no_thread_waits_for_yahoo_after_the_run_ends(tmp_path: Path) -> None:
    with YahooServer({}, OCTOBER) as server:
        server.share, server.kinds, server.retry_after = 1.0, ("429",), 3600
        command = [sys.executable, "-c", FETCH, server.url, str(tmp_path), *(f"T{i}" for i in range(6))]
        worker = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        while not server.charts() and worker.poll() is None:
            time.sleep(0.02)
        time.sleep(0.5)  # so that the pause begins
        worker.send_signal(signal.SIGINT)
        try:
            told = worker.communicate(timeout=300)[1]
        finally:
            worker.kill()
    assert "KeyboardInterrupt" in told
    assert len(server.charts()) <= WORKERS


FETCH = """
import sys
from datetime import date
from pathlib import Path
from resources.market.yahoo import YahooMarket
from resources.settings.prices import Yahoo
url, root, *tickers = sys.argv[1:]
settings = Yahoo(first="2015-01", requests_per_second=10, url=url)
YahooMarket(settings, Path(root), today=date(2017, 10, 20)).quotes(tickers)
"""


def test_a_run_killed_at_any_moment_resumes_and_writes_nothing_to_the_home_folder(tmp_path: Path) -> None:
    walks = {f"T{i:02}": Walk(i) for i in range(24)}
    root, home = tmp_path / "root", tmp_path / "home"
    home.mkdir()
    with YahooServer(walks, OCTOBER) as server:
        server.faults = {f"T{i:02}": "503" for i in range(16, 24)}  # it cannot be done before it is killed
        command = [sys.executable, "-c", FETCH, server.url, str(root), *walks]
        worker = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        )
        while len(kept := list(root.glob("histories/*.parquet"))) < 8 and worker.poll() is None:
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        server.faults, before = {}, len(server.charts())
        quotes = market(server, root).quotes(walks)
    again = {symbol for symbol, _ in asked(server, before)}
    assert 8 <= len(kept) < len(walks)
    assert again.isdisjoint(file.stem for file in kept)
    assert sum(chart.outcome == 200 for chart in server.charts()) <= len(walks) + WORKERS
    assert quotes.missing == {}
    for symbol, walk in walks.items():
        assert closes(quotes.rows, symbol) == told(walk, OCTOBER, date(2017, 9, 30))
    assert list(home.rglob("*")) == []
