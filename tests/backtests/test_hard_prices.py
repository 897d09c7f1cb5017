"""What prices can do to a book: zeros, halts, holes, one day, no move, an unadjusted split, two names that merge."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from assets.backtests.book import trade_pairs
from assets.backtests.close_matrix import CloseMatrix, formation_prices, trading_closes
from assets.backtests.reversion import LOOK_BACK_DAYS, residual_returns
from assets.backtests.windows import Window
from resources.settings.backtest import Backtest
from tests.backtests.planted import FORMATION, FREE, STRATEGIES, closes_of, formed_pairs, walks

AS_OF = date(2004, 12, 31)
RULES = Backtest(cost_bps=0, borrow_bps=0, leg_usd=1_000, stop_z=50)
LOW = float(np.exp(-0.015))


def pair(a: list[float], b: list[float], rules: Backtest = RULES) -> Window:
    """The book of a pair whose z is 100 times the log price ratio."""
    row = {"company_a": "a", "company_b": "b", "hedge_ratio": 1.0, "spread_mean": 0.0, "spread_sd": 0.01}
    closes = CloseMatrix(["a", "b"], [AS_OF + timedelta(i) for i in range(len(a))], np.column_stack([a, b]))
    return trade_pairs(closes, pl.DataFrame([row]), AS_OF, rules)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_price_of_zero_is_no_price(name: str) -> None:
    days = [AS_OF + timedelta(i) for i in range(40)]
    rows = [(c, day, 0.0 if (c, i) == ("a", 9) else 5.0 + i) for c in "abc" for i, day in enumerate(days)]
    prices = pl.DataFrame(rows, schema=["company_id", "date", "adj_close"], orient="row")
    closes = trading_closes(prices, AS_OF, days[-1])
    assert np.isnan(closes.prices[9, 0]) and np.isfinite(closes.prices[8, 0])
    trade, changes = STRATEGIES[name]
    holed = walks(1, FORMATION + 60, 10).prices
    holed[FORMATION + 20, 4] = np.nan
    found, _ = trade(closes_of(holed), FREE.model_copy(update=changes))
    assert np.isfinite(found["value"].to_numpy()).all()


def test_a_halted_leg_is_valued_at_its_last_price_and_sold_when_it_trades_again() -> None:
    nan = float("nan")
    days, trades = pair([LOW, LOW, LOW, nan, nan, 1.2, 1.2, 1.2], [1.0] * 8)
    (row,) = trades.rows(named=True)
    assert (row["opened"], row["closed"]) == (AS_OF + timedelta(1), AS_OF + timedelta(6))
    assert row["exit_reason"] == "mean"
    assert days["gross_pnl"].to_list()[2:4] == [0.0, 0.0]
    assert row["gross_pnl"] == pytest.approx(1_000 * (1.2 / LOW - 1), abs=0.01)


def test_of_constant_prices_there_is_no_pair_and_no_basket_and_held_they_earn_nothing() -> None:
    days, trades = pair([LOW] * 30, [1.0] * 30)
    assert trades["gross_pnl"].to_list() == [0.0]
    assert days["gross_pnl"].sum() == 0


def test_one_common_day_and_a_window_with_60_percent_missing_are_not_traded() -> None:
    days = [AS_OF - timedelta(i) for i in range(300)]
    rows = [("whole", day, 5.0 + i % 7) for i, day in enumerate(days)] + [("once", days[0], 3.0)]
    rows += [("also whole", day, 9.0 + i % 5) for i, day in enumerate(days)]
    rows += [("sparse", day, 4.0 + i % 3) for i, day in enumerate(days) if i % 5 < 2]
    prices = pl.DataFrame(rows, schema=["company_id", "date", "adj_close"], orient="row")
    assert formation_prices(prices, days[-1], AS_OF, Backtest().min_common_days)[0] == ["also whole", "whole"]
    nan = float("nan")
    assert pair([LOW, nan, nan, nan, nan], [1.0, nan, nan, nan, nan])[1].is_empty()
    assert pair([nan] * 4 + [LOW], [1.0] * 5)[1].is_empty()


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_a_split_that_was_not_adjusted_is_booked_flagged_and_ends_the_pair(factor: float) -> None:
    a = [LOW, LOW, LOW, *[LOW * factor] * 3, *[float(np.exp(0.015 * (-1) ** i)) * factor for i in range(20)]]
    _, trades = pair(a, [1.0] * len(a), RULES.model_copy(update={"stop_z": 3.0}))
    (row,) = trades.rows(named=True)
    assert row["jump"]
    assert row["exit_reason"] == ("mean" if factor > 1 else "stop")
    assert row["gross_pnl"] == pytest.approx(1_000 * (factor - 1), abs=0.01)


def test_no_pair_is_opened_after_a_jump_though_its_spread_comes_back() -> None:
    flat, off = [1.0] * 3, [LOW, LOW, 1.01, 1.01]
    quiet = pair([*flat, 1.0, 1.0, *off], [1.0] * 9)[1]
    jumped = pair([*flat, 1.9, 1.0, *off], [1.0] * 9)[1]
    assert quiet.height == 1 and jumped.is_empty()
    assert not quiet["jump"].any()


def test_two_names_that_merge_into_one_series_are_closed_after_a_week() -> None:
    random = np.random.default_rng(0)
    moves = np.exp(np.cumsum(random.normal(0, 0.01, 30)))
    a, b = [LOW, LOW, *(LOW * moves)], [1.0, 1.0, *moves]
    _, trades = pair(a, b)
    (row,) = trades.rows(named=True)
    assert row["exit_reason"] == "one series"
    assert (row["closed"] - row["opened"]).days == 5
    assert row["gross_pnl"] == pytest.approx(0, abs=30)


def test_a_name_is_not_bought_for_a_jump_that_looks_like_a_loss() -> None:
    prices = walks(0, 120, 4).prices
    prices[60:, 1] /= 2
    weights = np.zeros((4, 4))
    signal = residual_returns(prices, np.arange(4), weights)
    assert np.isnan(signal[60 : 60 + LOOK_BACK_DAYS, 1]).all()
    assert np.isfinite(signal[60 + LOOK_BACK_DAYS :, 1]).all()
    assert np.isfinite(signal[LOOK_BACK_DAYS:, [0, 2, 3]]).all()


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_jump_is_flagged_in_every_strategy(name: str) -> None:
    trade, changes = STRATEGIES[name]
    prices = walks(5, FORMATION + 60, 10).prices
    settings = FREE.model_copy(update=changes)
    assert not trade(closes_of(prices), settings)[1]["jump"].any()
    prices[FORMATION + 30 :] *= 2
    assert trade(closes_of(prices), settings)[1]["jump"].any()


def test_formation_leaves_no_row_of_a_pair_that_cannot_be_traded() -> None:
    prices = walks(2, FORMATION + 20, 6).prices
    prices[:, 1], prices[:, 3] = 7.0, 2 * prices[:, 2]
    formed = formed_pairs(closes_of(prices), FREE)
    assert not any("c01" in pair for pair in formed.select("company_a", "company_b").rows())
    assert ("c02", "c03") not in formed.select("company_a", "company_b").rows()
