"""What a pair is tested on where prices are missing, and what is not tested at all."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from statsmodels.tsa.stattools import coint

from assets.backtests.candidate_pairs import pairs_within
from assets.backtests.cointegration import REASONS, cointegrated_pairs, engle_granger
from resources.settings.backtest import Backtest

DAYS = 300


def prices(n: int = 6) -> np.ndarray:
    """Closes [days, n] of random walks (USD)."""
    return 40 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, (DAYS, n)), axis=0))


def row(closes: np.ndarray, share: float = 0.9) -> dict[str, object]:
    """The first pair's row; a close of 0 or less has no logarithm, as no close has none."""
    logs = np.log(np.where(closes > 0, closes, np.nan))
    found = engle_granger(logs, np.array([[0, 1]]), "aic", share).row(0, named=True)
    return found | {"reason": REASONS[found["reason"]]}


@pytest.mark.parametrize("lags", ["aic", 2])
def test_each_pair_is_tested_on_its_own_days_as_statsmodels_does(lags: int | str) -> None:
    logs, random = np.log(prices()), np.random.default_rng(1)
    for company in range(1, 6):
        logs[random.choice(DAYS, 2 * company, replace=False), company] = np.nan
    pairs = pairs_within(np.zeros(6))
    tested = engle_granger(logs, pairs, lags, 0.9)
    assert tested["reason"].to_list() == [0] * 15
    options = {"autolag": lags} if isinstance(lags, str) else {"autolag": None, "maxlag": lags}
    for found, (a, b) in zip(tested.rows(named=True), pairs, strict=True):
        common = np.isfinite(logs[:, [a, b]]).all(axis=1)
        t, p, _ = coint(logs[common, a], logs[common, b], **options)
        assert found["days"] == common.sum()
        assert found["t_stat"] == pytest.approx(t, rel=1e-9)
        assert found["p_value"] == pytest.approx(p, rel=1e-9)
        assert found["hedge_ratio"] == pytest.approx(np.polyfit(logs[common, b], logs[common, a], 1)[0], rel=1e-9)


@pytest.mark.parametrize(("missing", "reason"), [(30, ""), (31, "too few common days")])
def test_nine_tenths_of_the_days_are_enough(missing: int, reason: str) -> None:
    closes = prices(2)
    closes[100 : 100 + missing, 0] = np.nan
    found = row(closes)
    assert (found["reason"], found["days"]) == (reason, DAYS - missing)
    assert (found["p_value"] == 1.0) == bool(reason)


def test_days_are_counted_for_the_pair_and_not_for_each_company() -> None:
    closes = prices(2)
    closes[:20, 0] = closes[-20:, 1] = np.nan
    assert row(closes)["reason"] == "too few common days"


def test_the_largest_share_asks_for_every_day() -> None:
    closes = prices(2)
    closes[7, 0] = np.nan
    assert row(closes, 1.0)["reason"] == "too few common days"
    assert row(closes, 0.9)["reason"] == ""


@pytest.mark.parametrize("share", [0.9, 0.001])
def test_one_day_of_overlap_is_not_tested(share: float) -> None:
    closes = prices(2)
    closes[:150, 0] = closes[151:, 1] = np.nan
    found = row(closes, share)
    assert (found["reason"], found["days"], found["t_stat"], found["half_life"]) == (
        "too few common days",
        1,
        0.0,
        None,
    )


def test_a_window_of_which_most_is_missing_is_not_tested() -> None:
    closes = prices(2)
    closes[: int(0.6 * DAYS), 1] = np.nan
    assert row(closes)["reason"] == "too few common days"


@pytest.mark.parametrize("nothing", [0.0, -3.0, np.nan])
def test_a_close_of_nothing_is_a_missing_day(nothing: float) -> None:
    closes, without = prices(2), prices(2)
    closes[40, 0], without[40, 0] = nothing, np.nan
    assert row(closes) == row(without)
    assert row(closes)["days"] == DAYS - 1


def test_a_halted_name_is_not_tested() -> None:
    closes = prices(2)
    closes[:, 1] = 12.5
    assert row(closes)["reason"] == "constant price"


def test_a_name_halted_for_half_of_the_window_has_no_hedge_ratio_there() -> None:
    closes = prices(2)
    closes[150:, 1] = closes[149, 1]
    found = row(closes)
    assert found["reason"] == ""
    assert found["hedge_ratio_second"] is None
    first = np.log(closes[:150])
    assert found["hedge_ratio_first"] == pytest.approx(np.polyfit(first[:, 1], first[:, 0], 1)[0])


def test_halves_have_their_own_hedge_ratios() -> None:
    x = np.cumsum(np.random.default_rng(2).normal(0, 0.02, DAYS))
    logs = np.column_stack([np.where(np.arange(DAYS) < 150, 0.5 * x, 3 * x), x])
    logs += np.random.default_rng(3).normal(0, 1e-4, logs.shape)
    found = engle_granger(logs, np.array([[0, 1]]), "aic")
    assert found["hedge_ratio_first"].item() == pytest.approx(0.5, abs=1e-2)
    assert found["hedge_ratio_second"].item() == pytest.approx(3, abs=1e-2)


def test_identical_series_are_not_tested() -> None:
    closes = prices(1).repeat(2, axis=1)
    closes[5, 0] = np.nan
    assert row(closes)["reason"] == "one series"


def test_pairs_that_are_not_tested_take_no_part_in_the_correction() -> None:
    logs, settings, counted = np.log(prices()), Backtest(), Counter[str]()
    short = np.column_stack([logs, np.where(np.arange(DAYS) < 200, np.nan, logs[:, 0])])
    names, pairs = [f"c{i}" for i in range(7)], pairs_within(np.zeros(6))
    alone = cointegrated_pairs(names[:6], logs, pairs, settings)
    mixed = cointegrated_pairs(names, short, np.vstack([pairs, [0, 6]]), settings, counted)
    assert mixed.equals(alone)
    assert counted == {"too few common days": 1}


def test_no_day_at_all_is_not_tested() -> None:
    found = engle_granger(np.full((50, 2), np.nan), np.array([[0, 1]]), 1, 0.9)
    assert found.select("days", "p_value").row(0) == (0, 1.0)
    assert found.select(pl.col("half_life", "hedge_ratio_first").is_null().all()).row(0) == (True, True)
