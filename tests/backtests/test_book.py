"""Trading rules and accounts, by hand on a few days and by invariants on random walks."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets import schemas
from assets.backtests.accounts import Ledger, settle
from assets.backtests.book import chronological_book, hold_pairs, pair_market, trade_pairs
from assets.backtests.caps import NO_CAPS
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.engine import EXIT_REASONS, Held
from resources.settings.backtest import Backtest

AS_OF = date(2004, 12, 31)
RULES = Backtest(entry_z=1, exit_z=0, stop_z=2, leg_usd=1_000, cost_bps=10, borrow_bps=252)


def held(*z: float, tradable: list[bool] | None = None, rules: Backtest = RULES) -> tuple[list[int], list[str]]:
    """Positions and exit reasons of one pair, given z as known before each close."""
    days = np.ones(len(z), bool) if tradable is None else np.array(tradable)
    found, _ = accounts(np.array(z)[:, None], np.where(days, 1.0, np.nan)[:, None], np.ones((len(z), 1)), rules)
    return found.side[:, 0].tolist(), [EXIT_REASONS[code] for code in found.reason[:, 0] if code]


def accounts(
    signal: np.ndarray, close_a: np.ndarray, close_b: np.ndarray, rules: Backtest = RULES, **changes: object
) -> tuple[Held, Ledger]:
    """What is held of pairs of a hedge ratio of 1, given z as known before each close, and what it came to."""
    pairs = pl.concat([one_pair(company_a=f"a{i}", company_b=f"b{i}", **changes) for i in range(signal.shape[1])])
    names = [*pairs["company_a"], *pairs["company_b"]]
    dates = [AS_OF + timedelta(i) for i in range(len(signal))]
    market, legs = pair_market(CloseMatrix(names, dates, np.hstack([close_a, close_b])), pairs, rules)
    found = hold_pairs(signal, market, legs, NO_CAPS, pairs, rules)
    return found, settle(found, market, legs, rules)


def one_pair(**changes: object) -> pl.DataFrame:
    """A pair whose z is 100 times the log price ratio."""
    row = {"company_a": "a", "company_b": "b", "hedge_ratio": 1.0, "spread_mean": 0.0, "spread_sd": 0.01}
    return pl.DataFrame([row | changes])


def closes_of(**closes: list[float]) -> CloseMatrix:
    matrix = np.column_stack([np.array(prices, dtype=float) for prices in closes.values()])
    return CloseMatrix(list(closes), [AS_OF + timedelta(i) for i in range(len(matrix))], matrix)


def test_a_high_spread_is_sold_and_a_low_one_bought() -> None:
    assert held(0, 1.5, 1.2, 0.5) == ([0, -1, -1, 0], ["end of window"])
    assert held(0, -1.5, -1.2, -0.5) == ([0, 1, 1, 0], ["end of window"])


def test_a_position_is_closed_at_the_mean_and_opened_again_from_the_next_day() -> None:
    assert held(0, 1.5, -1.5, -1.5, 0.1, 0) == ([0, -1, 0, 1, 0, 0], ["mean", "mean"])


def test_nothing_is_opened_beyond_the_stop_or_inside_the_entry() -> None:
    assert held(0, 2.0, 1.0, -2.5, 0.9, 0) == ([0] * 6, [])


def test_after_a_stop_the_pair_waits_until_z_has_come_back() -> None:
    assert held(0, 1.5, 2.1, 1.5, 1.2, -0.1, 1.5, 1.5) == ([0, -1, 0, 0, 0, 0, -1, 0], ["stop", "end of window"])


def test_coming_back_may_be_the_next_entry() -> None:
    assert held(0, -1.5, -2.1, -1.5, 1.5, 1.5, 1) == ([0, 1, 0, 0, -1, -1, 0], ["stop", "end of window"])


def test_nothing_is_opened_on_the_last_day() -> None:
    assert held(0, 0, 1.5) == ([0, 0, 0], [])


def test_a_pair_whose_leg_has_stopped_trading_is_closed_and_not_opened() -> None:
    days, once = [True, True, True, False, False, True, True], RULES.model_copy(update={"halt_days": 1})
    z = (0, 1.5, 1.5, 1.5, np.nan, np.nan, 1.5)
    assert held(*z, tradable=days, rules=once) == ([0, -1, -1, 0, 0, 0, 0], ["stopped trading"])


def test_a_halted_name_can_be_neither_bought_nor_sold_until_it_trades_again() -> None:
    halted = [True, True, False, False, True, True, True]
    assert held(0, 1.5, -0.5, -0.5, -0.5, 0.5, 0.5, tradable=halted) == ([0, -1, -1, -1, 0, 0, 0], ["mean"])
    assert held(0, 0, 1.5, 1.5, 1.5, 1.5, 1.5, tradable=halted) == ([0, 0, 0, 0, -1, -1, 0], ["end of window"])


def test_a_time_stop_closes_and_the_pair_waits_until_z_has_come_back() -> None:
    patient = RULES.model_copy(update={"max_holding_days": 2})
    z = (0, 1.5, 1.5, 1.5, 1.5, 1.5, -0.1, 1.5, 1.5)
    assert held(*z, rules=patient) == ([0, -1, -1, 0, 0, 0, 0, -1, 0], ["time", "end of window"])


def test_the_time_stop_may_count_in_half_lives_of_the_spread() -> None:
    z, prices = np.full((8, 2), 1.5), np.ones((8, 2))
    z[0] = 0
    rules = RULES.model_copy(update={"max_holding_half_lives": 1.5})
    assert accounts(z, prices, prices, rules, half_life=2.0)[0].side[:, 0].tolist() == [0, -1, -1, -1, 0, 0, 0, 0]
    assert accounts(z, prices, prices, rules, half_life=None)[0].side[:, 0].tolist() == [0, *[-1] * 6, 0]


def test_a_trade_is_decided_by_the_close_before() -> None:
    closes = [1.0, np.exp(0.015), np.exp(0.012), 1.0, 1.0, 1.0]
    _, trades = trade_pairs(closes_of(a=closes, b=[1.0] * 6), one_pair(), AS_OF, RULES)
    assert trades.select("opened", "closed").rows() == [(AS_OF + timedelta(2), AS_OF + timedelta(4))]


def test_the_as_of_close_gives_the_first_signal() -> None:
    closes = [np.exp(0.015)] * 3 + [1.0] * 3
    _, trades = trade_pairs(closes_of(a=closes, b=[1.0] * 6), one_pair(), AS_OF, RULES)
    assert trades["opened"].to_list() == [AS_OF + timedelta(1)]


def test_accounts_of_one_trade_add_up_by_hand() -> None:
    close_a, close_b = np.array([[10.0], [10.0], [11.0], [12.0]]), np.array([[20.0], [20.0], [20.0], [18.0]])
    found, ledger = accounts(np.array([[0.0], [-1.5], [-1.5], [0.0]]), close_a, close_b)
    assert found.side[:, 0].tolist() == [0, 1, 1, 0]
    assert ledger.gross_pnl[:, 0].tolist() == pytest.approx([0, 0, 100, 100 + 100])
    assert ledger.exposure[:, 0].tolist() == pytest.approx([0, 0, 2000, 1100 + 1000])
    assert ledger.traded[:, 0].tolist() == pytest.approx([0, 2000, 0, 1200 + 900])
    borrow = 1000 * 252 / 1e4 / 252
    assert ledger.costs[:, 0].tolist() == pytest.approx([0, 2.0, borrow, 2.1 + borrow])
    assert ledger.received[:, 0].tolist() == pytest.approx([0, 0, 0, 1200 - 900 - (1000 - 1000)])
    assert ledger.value[:, 0].tolist() == pytest.approx([0, 0, 100, 0])


def test_the_other_direction_earns_the_opposite() -> None:
    random = np.random.default_rng(0)
    close_a, close_b = (50 * np.exp(np.cumsum(random.normal(0, 0.02, (100, 8)), axis=0)) for _ in range(2))
    signal = random.normal(0, 1.5, (100, 8))
    (one, ledger), (other, mirrored) = (accounts(s, close_a, close_b) for s in (signal, -signal))
    np.testing.assert_array_equal(one.side, -other.side)
    np.testing.assert_allclose(ledger.gross_pnl, -mirrored.gross_pnl)
    np.testing.assert_allclose(ledger.traded, mirrored.traded)


@pytest.mark.parametrize("delisting_return", [0.0, -0.3, -1.0])
def test_a_name_that_stops_trading_is_closed_at_its_last_price_less_the_delisting(delisting_return: float) -> None:
    nan, low = float("nan"), [np.exp(-0.015)] * 2
    quotes = closes_of(a=[*low, 0.9, nan, nan, nan], b=[1.0, 1.0, 1.0, 1.0, 1.1, 1.1])
    changes = {"stop_z": 99.0, "halt_days": 2, "delisting_return": delisting_return}
    days, trades = trade_pairs(quotes, one_pair(), AS_OF, RULES.model_copy(update=changes))
    (trade_row,) = trades.rows(named=True)
    assert trade_row["exit_reason"] == "stopped trading"
    assert trade_row["closed"] == AS_OF + timedelta(4)
    last = 0.9 * (1 + delisting_return)
    assert trade_row["gross_pnl"] == pytest.approx(1_000 * (last / low[0] - 1) - 100, abs=0.02)
    assert days["exposure"].to_list()[4:] == [0.0]


def test_a_name_that_is_gone_in_the_last_days_of_a_window_loses_what_a_delisting_takes() -> None:
    nan, low = float("nan"), [np.exp(-0.015)] * 2
    quotes = closes_of(a=[*low, 0.9, 0.9, nan], b=[1.0] * 5)
    changes = {"stop_z": 99.0, "halt_days": 5, "delisting_return": -0.3}
    _, trades = trade_pairs(quotes, one_pair(), AS_OF, RULES.model_copy(update=changes))
    (row,) = trades.rows(named=True)
    assert row["exit_reason"] == "stopped trading"
    assert row["gross_pnl"] == pytest.approx(1_000 * (0.9 * 0.7 / low[0] - 1), abs=0.02)


def test_a_pair_without_a_hedge_ratio_of_use_is_not_traded() -> None:
    quotes = closes_of(a=[np.exp(0.015)] * 5, b=[1.0] * 5)
    ratios = [{"hedge_ratio": ratio} for ratio in (-0.5, 0.0, 1e-3, 1e3, 1e14, float("inf"), float("nan"))]
    for change in (*ratios, {"spread_sd": 0.0}):
        days, trades = trade_pairs(quotes, one_pair(**change), AS_OF, RULES)
        assert trades.is_empty()
        assert days["pairs"].to_list() == [0] * 4


def test_a_company_that_is_no_longer_quoted_is_not_traded() -> None:
    days, trades = trade_pairs(closes_of(a=[1.5] * 5), one_pair(), AS_OF, RULES)
    assert trades.is_empty()
    assert days.height == 4


def test_an_empty_book_has_its_days_and_no_return() -> None:
    window = trade_pairs(closes_of(a=[1.0] * 5, b=[1.0] * 5), one_pair().clear(), AS_OF, RULES)
    book = chronological_book([window], RULES)
    assert book.capital == 0
    assert book.returns["net_return"].to_list() == [0.0] * 4
    assert schemas.PAIR_TRADES.validate(named(book.trades)).num_rows == 0


def named(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(strategy=pl.lit("pairs"), method=pl.lit("sae"), selection=pl.lit("bh"))


def random_window(seed: int, days: int = 120, n: int = 12) -> tuple[CloseMatrix, pl.DataFrame]:
    """Random walks of which some stop, and pairs of them."""
    random = np.random.default_rng(seed)
    prices = 50 * np.exp(np.cumsum(random.normal(0, 0.02, (days, n)), axis=0))
    prices[days // 2 :, :2] = np.nan
    names = [f"c{i:02d}" for i in range(n)]
    rows = [
        {
            "company_a": names[i],
            "company_b": names[i + 1],
            "hedge_ratio": 0.8,
            "spread_mean": float(np.log(prices[0, i]) - 0.8 * np.log(prices[0, i + 1])),
            "spread_sd": 0.05,
        }
        for i in range(n - 1)
    ]
    return CloseMatrix(names, [AS_OF + timedelta(i) for i in range(days)], prices), pl.DataFrame(rows)


def test_trades_and_days_tell_the_same_story() -> None:
    quotes, pairs = random_window(5)
    book = chronological_book([trade_pairs(quotes, pairs, AS_OF, RULES)], RULES)
    assert schemas.PAIR_TRADES.validate(named(book.trades)).num_rows > 10
    assert schemas.BACKTEST_RETURNS.validate(named(book.returns.drop("traded"))).num_rows == 119
    assert set(book.trades["exit_reason"]) == {"mean", "stop", "stopped trading", "end of window"}
    assert book.capital == (1 + 0.8) * 1_000 * 11
    for column in ("gross_pnl", "costs"):
        assert book.trades[column].sum() == pytest.approx(book.returns[column].sum())
    earned = (book.returns["gross_pnl"] - book.returns["costs"]).sum()
    assert book.returns["net_return"].sum() * book.capital == pytest.approx(earned)


def test_windows_that_overlap_share_days_and_need_more_capital() -> None:
    quotes, pairs = random_window(2)
    first, second = (trade_pairs(quotes, p, AS_OF, RULES) for p in (pairs[:5], pairs[5:]))
    both, whole = (
        chronological_book([first, second], RULES),
        chronological_book([trade_pairs(quotes, pairs, AS_OF, RULES)], RULES),
    )
    assert both.capital == whole.capital
    assert both.trades.equals(whole.trades)
    np.testing.assert_allclose(both.returns.drop("date").to_numpy(), whole.returns.drop("date").to_numpy(), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000), cut=st.integers(1, 118), factor=st.floats(0.2, 5))
def test_later_prices_change_nothing_that_was_done_before(seed: int, cut: int, factor: float) -> None:
    quotes, pairs = random_window(seed)
    future = quotes.prices.copy()
    future[cut + 1 :] *= factor ** np.random.default_rng(seed).normal(size=future[cut + 1 :].shape)
    day = quotes.dates[cut]
    known = trade_pairs(quotes, pairs, AS_OF, RULES)
    changed = trade_pairs(CloseMatrix(quotes.company_ids, quotes.dates, future), pairs, AS_OF, RULES)
    for before, after in zip(known, changed, strict=True):
        column = "date" if "date" in before.columns else "closed"
        assert before.filter(pl.col(column) <= day).equals(after.filter(pl.col(column) <= day))
    opened = pl.col("opened") <= day
    assert known[1].filter(opened)["opened"].to_list() == changed[1].filter(opened)["opened"].to_list()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_costs_are_never_negative_and_no_position_outlives_the_window(seed: int) -> None:
    quotes, pairs = random_window(seed)
    days, trades = trade_pairs(quotes, pairs, AS_OF, RULES)
    assert days["costs"].min() >= 0
    assert (trades["closed"] > trades["opened"]).all()
    assert days["exposure"].max() < 11 * 2 * 1_000 * 4
    order = trades.sort("company_a", "opened").with_columns(before=pl.col("closed").shift(1).over("company_a"))
    assert order.filter(pl.col("opened") <= pl.col("before")).is_empty()


def test_a_window_without_a_trading_day_adds_nothing() -> None:
    days, trades = trade_pairs(closes_of(a=[1.0], b=[1.0]), one_pair(), AS_OF, RULES)
    assert (days.height, trades.height) == (0, 0)
