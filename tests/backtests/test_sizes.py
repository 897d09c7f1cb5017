"""How large legs are, what caps keep out, when reversion trades, and what is earned where prices do revert."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from assets.backtests.book import trade_pairs
from assets.backtests.caps import Caps, admitted, caps_of
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.legs import Legs, basket_legs, pair_legs, tradable
from assets.backtests.performance import sharpe
from assets.backtests.reversion import part, rebalancing_days
from resources.settings.backtest import Backtest
from tests.backtests.planted import FORMATION, FREE, closes_of, hedged, pairs, planted_baskets, reversion, walks

AS_OF = date(2004, 12, 31)


def ratios(*hedge_ratio: float) -> pl.DataFrame:
    count = len(hedge_ratio)
    return pl.DataFrame({
        "company_a": ["a"] * count, "company_b": ["b"] * count, "hedge_ratio": hedge_ratio,
        "spread_mean": [0.0] * count, "spread_sd": [0.01] * count,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("legs", "expected"),
    [("beta_neutral", [1000, -500, 1000, 2000]), ("dollar_neutral", [1000, -1000, 1000, 1000])],
)
def test_the_second_leg_is_the_hedge_ratio_times_the_first_or_as_large(legs: str, expected: list[float]) -> None:
    settings = Backtest(legs=legs, leg_usd=1000)
    assert pair_legs(ratios(0.5, -2.0), {"a": 0, "b": 1}, settings).usd.tolist() == expected


def test_beta_neutral_legs_earn_the_change_of_the_spread() -> None:
    low, later = [np.exp(-0.03)] * 2, 1.001
    settings = Backtest(cost_bps=0, borrow_bps=0, leg_usd=1000, stop_z=10)
    closes = CloseMatrix(
        ["a", "b"],
        [AS_OF + timedelta(i) for i in range(4)],
        np.column_stack([[*low, low[0] * later, low[0]], [1, 1, later**2, 1]]),
    )
    days, _ = trade_pairs(closes, ratios(0.5), AS_OF, settings)
    assert days["gross_pnl"][1] == pytest.approx(0, abs=0.01)  # log a + .001, log b + .002, hedge ratio a half


def test_negative_hedge_ratios_are_left_out_or_traded_on_one_side() -> None:
    assert tradable(ratios(0.5, -2.0, 1e-4, -1e4), Backtest())["hedge_ratio"].to_list() == [0.5]
    one_side = Backtest(negative_hedge="one_side")
    assert tradable(ratios(0.5, -2.0, 1e-4, -1e4), one_side)["hedge_ratio"].to_list() == [0.5, -2.0]


def test_a_share_of_the_names_is_counted_in_whole_names_and_not_cut_by_rounding() -> None:
    shares = [
        (0.29, 100, 29),
        (0.57, 100, 57),
        (0.2, 100, 20),
        (0.2, 104, 20),
        (0.2, 4, 0),
        (0.5, 7, 3),
        (0.07, 300, 21),
    ]
    assert [int(part(share, np.array(names))) for share, names, _ in shares] == [count for *_, count in shares]


LEGS = Legs(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 2, 2, 3]), np.array([10.0, -10, 10, -10, 10, -10]))


def granted(name: float, gross: float, held: list[float] | None = None) -> list[bool]:
    return admitted(np.ones(3, bool), LEGS, np.array(held or [0.0] * 6), Caps(name, gross)).tolist()


def test_a_cap_on_a_name_keeps_out_what_would_exceed_it_and_lets_others_in() -> None:
    assert granted(20, 100) == [True, True, True]
    assert granted(19, 100) == [True, False, True]
    assert granted(9, 100) == [False, False, False]
    assert granted(20, 100, held=[5.0, 0, 0, 0, 0, 0]) == [True, False, True]


def test_a_cap_on_everything_is_first_come_first_served() -> None:
    assert granted(99, 40) == [True, True, False]
    assert granted(99, 40, held=[0, 0, 0, 0, 30.0, 0]) == [False, False, False]
    assert caps_of(1000, Backtest(max_name_share=None, max_gross=None)) == Caps(float("inf"), float("inf"))


def test_what_a_cap_kept_out_is_counted() -> None:
    closes = walks(1, FORMATION + 100, 10)
    free, capped = (pairs(closes, FREE.model_copy(update={"max_gross": cap, "max_pairs": 10})) for cap in (None, 0.3))
    assert free[0]["refused"].sum() == 0
    assert capped[0]["refused"].sum() > 0
    # Openings stay below the cap of .3 times 10 pairs; what is open may drift.
    assert capped[0]["exposure"].max() < 0.3 * 10 * 2 * 5_000 * 1.3 < free[0]["exposure"].max()


def test_a_basket_s_legs_are_the_name_and_its_weights_sold() -> None:
    baskets = pl.DataFrame({"company_id": ["b", "a", "a"], "peer_id": ["a", "b", "gone"], "weight": [0.5, 0.2, 0.3]})
    legs = basket_legs(["a", "b"], baskets, {"a": 0, "b": 1}, Backtest(leg_usd=100))
    assert legs.position.tolist() == [0, 0, 0, 1, 1]
    assert legs.company.tolist() == [0, 1, 2, 1, 0]
    assert legs.usd.tolist() == [100, -20, -30, 100, -50]


def test_reversion_trades_on_the_first_trading_day_of_a_week_or_a_month() -> None:
    days = [date(2004, 12, 30) + timedelta(i) for i in range(40) if (date(2004, 12, 30) + timedelta(i)).weekday() < 5]
    monthly, weekly = (
        [day for day, trades in zip(days, rebalancing_days(days, Backtest(rebalance=every)), strict=True) if trades]
        for every in ("monthly", "weekly")
    )
    assert monthly == [date(2004, 12, 31), date(2005, 1, 3), date(2005, 2, 1)]
    assert weekly[:3] == [date(2004, 12, 31), date(2005, 1, 3), date(2005, 1, 10)]


def test_reversion_buys_what_fell_sells_what_rose_and_both_sides_are_one_size() -> None:
    prices = walks(0, FORMATION + 40, 10).prices
    prices[FORMATION - 1 :, 2] *= 0.7
    prices[FORMATION - 1 :, 7] *= 1.4
    settings = FREE.model_copy(update={"reversion_share": 0.1, "max_name_share": None})
    days, trades = reversion(closes_of(prices), settings)
    first = trades.filter(pl.col("opened") == trades["opened"].min())
    assert sorted(first.select("company_a", "direction").rows()) == [("c02", 1), ("c07", -1)]
    assert days["value"][0] == 0
    assert set(trades["company_b"]) == {"basket"}


def test_hedged_holding_is_the_name_less_its_basket() -> None:
    closes = walks(0, FORMATION + 20, 12)
    _, trades = hedged(closes, FREE.model_copy(update={"leg_usd": 100.0}))
    growth = closes.prices[-1] / closes.prices[FORMATION] - 1
    expected = {
        name: 100 * (growth[i] - 0.2 * sum(growth[(i + step) % 12] for step in range(1, 5)))
        for i, name in enumerate(closes.company_ids)
    }
    assert dict(trades.select("company_a", "gross_pnl").rows()) == pytest.approx(expected, abs=0.03)
    assert planted_baskets(closes).height == 48


def reverting(seed: int, half_life: float, companies: int = 12) -> CloseMatrix:
    """Walks of which every second one is the one before it, but for a spread of this half-life (days) and 3 %."""
    random, keep = np.random.default_rng(seed), 0.5 ** (1 / half_life)
    prices = walks(seed, FORMATION + 250, companies).prices
    spread = np.zeros((len(prices), companies // 2))
    shocks = random.normal(0, 0.03 * np.sqrt(1 - keep**2), spread.shape)
    for day in range(1, len(prices)):
        spread[day] = keep * spread[day - 1] + shocks[day]
    prices[:, 1::2] = prices[:, ::2] * np.exp(spread)
    return closes_of(prices)


def test_pairs_whose_spread_reverts_earn_money_and_the_more_the_sooner_it_does() -> None:
    means = []
    for half_life in (3, 10):
        found = []
        for seed in range(4):
            closes = reverting(seed, half_life)
            days, _ = pairs(closes, FREE.model_copy(update={"stop_z": 6.0}))
            found.append(sharpe(days["gross_pnl"].to_numpy()))
        assert min(found) > 0
        means.append(np.mean(found))
    assert means[0] > means[1] > 1


def test_names_that_revert_to_their_peers_earn_money() -> None:
    for seed in range(4):
        closes = reverting(seed, half_life=5)
        twins = [(own, closes.company_ids[i ^ 1], 1.0) for i, own in enumerate(closes.company_ids)]
        baskets = pl.DataFrame(twins, schema=["company_id", "peer_id", "weight"], orient="row")
        days, _ = reversion(closes, FREE.model_copy(update={"rebalance": "weekly"}), baskets)
        assert sharpe(days["gross_pnl"].to_numpy()) > 0
