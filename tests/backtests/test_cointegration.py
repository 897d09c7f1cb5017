"""Engle-Granger in blocks, against statsmodels pair by pair."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.tsa.stattools import coint
from threadpoolctl import threadpool_limits

from assets import schemas
from assets.backtests.candidate_pairs import pairs_within, random_pairs
from assets.backtests.close_matrix import FormationError
from assets.backtests.cointegration import MAY_BE_NULL, REASONS, cointegrated_pairs, engle_granger
from assets.backtests.false_discovery import benjamini_hochberg
from resources.settings.backtest import Backtest, Criterion, fewest_days


def walks(days: int, n: int, seed: int) -> np.ndarray:
    """n random walks; the second half follow the first with stationary noise, so that some pairs are cointegrated."""
    random = np.random.default_rng(seed)
    free = 3 + np.cumsum(random.normal(0, 0.02, (days, n // 2)), axis=0)
    noise = np.zeros((days, n - n // 2))
    for t in range(1, days):
        noise[t] = 0.9 * noise[t - 1] + random.normal(0, 0.01, n - n // 2)
    return np.hstack([free, 1 + 0.7 * free[:, : n - n // 2] + noise])


def by_statsmodels(series: np.ndarray, pairs: np.ndarray, lags: int | Criterion) -> list[tuple[float, float]]:
    """t and p of each pair; threads only wait for each other on matrices this small."""
    options = {"maxlag": lags, "autolag": None} if isinstance(lags, int) else {"autolag": lags}
    with threadpool_limits(1):
        return [coint(series[:, a], series[:, b], trend="c", **options)[:2] for a, b in pairs]


@pytest.mark.parametrize("lags", [0, 1, 3, "aic", "bic"])
@pytest.mark.parametrize("days", [60, 700])
def test_t_and_p_are_those_of_statsmodels(days: int, lags: int | Criterion) -> None:
    series = walks(days, 10, seed=days)
    pairs = pairs_within(np.zeros(10))
    tested = engle_granger(series, pairs, lags)
    expected = by_statsmodels(series, pairs, lags)
    np.testing.assert_allclose(tested["t_stat"], [t for t, _ in expected], rtol=1e-8)
    np.testing.assert_allclose(tested["p_value"], [p for _, p in expected], rtol=1e-8)
    assert tested["p_value"].min() < 0.05
    assert tested["p_value"].max() > 0.2


def test_hedge_ratio_and_spread_are_the_least_squares_line() -> None:
    series = walks(300, 4, seed=1)
    row = engle_granger(series, np.array([[0, 1]]), 1).row(0, named=True)
    slope, intercept = np.polyfit(series[:, 1], series[:, 0], 1)
    spread = series[:, 0] - slope * series[:, 1]
    assert row["hedge_ratio"] == pytest.approx(slope)
    assert row["intercept"] == pytest.approx(intercept)
    assert row["spread_mean"] == pytest.approx(spread.mean())
    assert row["spread_sd"] == pytest.approx(spread.std(ddof=1))


def test_half_life_of_a_spread_that_loses_a_tenth_a_day() -> None:
    random = np.random.default_rng(0)
    x = np.cumsum(random.normal(0, 0.02, 20_000))
    spread = np.zeros_like(x)
    for t in range(1, len(x)):
        spread[t] = 0.9 * spread[t - 1] + random.normal(0, 0.01)
    tested = engle_granger(np.column_stack([x + spread, x]), np.array([[0, 1]]), 1)
    assert tested["half_life"].item() == pytest.approx(np.log(2) / -np.log(0.9), rel=0.05)


def test_a_spread_that_runs_away_has_no_half_life() -> None:
    time_ = np.arange(200.0)
    series = np.column_stack([np.exp(time_ / 20), np.sin(time_)])
    assert engle_granger(series, np.array([[0, 1]]), 1)["half_life"].to_list() == [None]


@pytest.mark.parametrize("other", ["same", "flat"])
def test_series_that_leave_no_spread_are_never_cointegrated(other: str) -> None:
    series = walks(100, 2, seed=2)[:, :1]
    second = 2 + 3 * series if other == "same" else np.full_like(series, 1.1)
    tested = engle_granger(np.hstack([series, second]), np.array([[0, 1], [1, 0]]), 1)
    assert tested["t_stat"].to_list() == [0.0, 0.0]
    assert tested["p_value"].to_list() == [1.0, 1.0]
    assert np.isfinite(tested.drop(MAY_BE_NULL).to_numpy()).all()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    series, pairs, told = walks(100, 12, seed=3), pairs_within(np.zeros(12)), []
    whole = engle_granger(series, pairs, "aic")
    monkeypatch.setattr("assets.backtests.cointegration.BLOCK", 7)
    assert engle_granger(series, pairs, "aic", progress=told.append).equals(whole)
    assert sum(told) == len(pairs) == 66


@pytest.mark.parametrize(("days", "lags"), [(5, 1), (21, "aic"), (21, "bic")])
def test_a_short_window_is_refused(days: int, lags: int | Criterion) -> None:
    with pytest.raises(FormationError, match=f"{days} days: too short for .*{lags}"):
        engle_granger(walks(days, 2, seed=0), np.array([[0, 1]]), lags)


@given(st.lists(st.floats(0, 1), max_size=50))
def test_q_values_are_those_of_scipy(p: list[float]) -> None:
    expected = false_discovery_control(p) if p else np.empty(0)
    np.testing.assert_allclose(benjamini_hochberg(np.array(p)), expected, rtol=1e-12)


def test_a_p_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 3 p-values are NaN"):
        benjamini_hochberg(np.array([0.01, np.nan, 0.5]))


@given(st.lists(st.integers(0, 4), max_size=25))
def test_pairs_within_are_all_pairs_that_share_a_label(labels: list[int]) -> None:
    n = len(labels)
    expected = [(i, j) for i in range(n) for j in range(i + 1, n) if labels[i] == labels[j]]
    assert [tuple(pair) for pair in pairs_within(labels).tolist()] == expected


@settings(max_examples=50)
@given(st.integers(0, 30), st.integers(1, 500), st.integers(0, 5))
def test_random_pairs_are_different_ordered_and_repeatable(n: int, count: int, seed: int) -> None:
    pairs = random_pairs(n, count, seed)
    assert len(pairs) == len(set(map(tuple, pairs.tolist()))) == min(count, n * (n - 1) // 2)
    assert all(0 <= i < j < n for i, j in pairs.tolist())
    np.testing.assert_array_equal(pairs, random_pairs(n, count, seed))


def test_every_pair_is_drawn_equally_often() -> None:
    drawn = np.concatenate([random_pairs(6, 5, seed) for seed in range(3_000)])
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 15
    np.testing.assert_allclose(counts, 1_000, rtol=0.12)


def test_rows_are_ranked_by_p_and_pass_by_q() -> None:
    company_ids = [f"c{i}" for i in range(8)]
    rows = cointegrated_pairs(company_ids, walks(400, 8, seed=5), pairs_within(np.zeros(8)), Backtest())
    written = rows.with_columns(method=pl.lit("sae"), as_of=pl.date(2004, 12, 31))
    assert schemas.COINTEGRATED_PAIRS.validate(written).num_rows == 28
    assert rows.sort("rank")["p_value"].is_sorted()
    assert rows["rank"].sort().to_list() == list(range(1, 29))
    assert rows.filter("passes")["q_value"].max() <= 0.05 < rows.filter(~pl.col("passes"))["q_value"].min()
    assert {("c0", "c4"), ("c3", "c7")} <= set(rows.filter("passes").select("company_a", "company_b").rows())


def test_no_pairs_give_no_rows() -> None:
    rows = cointegrated_pairs([], np.empty((0, 0)), random_pairs(0, 5, 0), Backtest())
    written = rows.with_columns(method=pl.lit("sae"), as_of=pl.date(2004, 12, 31))
    assert schemas.COINTEGRATED_PAIRS.validate(written).num_rows == 0


def odd_series(days: int = 60) -> dict[str, np.ndarray]:
    """Log prices on which rounding would decide, beside two random walks."""
    random = np.random.default_rng(4)
    walk, other = 3 + np.cumsum(random.normal(0, 0.02, (2, days)), axis=1)
    return {
        "walk": walk,
        "other": other,
        "flat": np.full(days, np.log(37.13)),
        "flat but for rounding": np.log(37.13 + random.choice([0, 7.1e-15], days)),
        "flat in single precision": np.log(37.13 * (1 + random.uniform(-6e-8, 6e-8, days))),
        "one with the walk": 2 + 3 * walk,
        "one but for rounding": walk + random.normal(0, 1e-15, days),
        "one in single precision": walk.astype(np.float32).astype(float),
        "a day on, a day off": np.arange(days) % 2 * 1.0,
        "every third day": np.arange(days) % 3 * 1.0,
    }


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ("walk", "flat", "constant price"),
        ("walk", "flat but for rounding", "constant price"),
        ("walk", "flat in single precision", "constant price"),
        ("flat", "flat but for rounding", "constant price"),
        ("walk", "one with the walk", "one series"),
        ("walk", "one but for rounding", "one series"),
        ("walk", "one in single precision", "one series"),
        ("a day on, a day off", "every third day", "collinear regressors"),
        ("walk", "other", ""),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_rounding_would_decide_is_not_tested(a: str, b: str, reason: str, turned: bool) -> None:
    series = odd_series()
    pair = [series[b], series[a]] if turned and reason != "collinear regressors" else [series[a], series[b]]
    row = engle_granger(np.column_stack(pair), np.array([[0, 1]]), 1).row(0, named=True)
    assert REASONS[row["reason"]] == reason
    assert all(np.isfinite(value) for name, value in row.items() if name not in MAY_BE_NULL)
    if reason:
        assert (row["t_stat"], row["p_value"], row["half_life"]) == (0.0, 1.0, None)


def test_a_spread_without_noise_is_not_tested() -> None:
    """Statsmodels finds t of about -1e16 and p = 0 in what is left by rounding."""
    series = np.column_stack([np.tile([0.0, 1.0], 30), np.tile([0.0, 0.0, 1.0, 1.0], 15)])
    row = engle_granger(series, np.array([[0, 1]]), 0).row(0, named=True)
    assert (REASONS[row["reason"]], row["t_stat"], row["p_value"]) == ("no noise", 0.0, 1.0)


@pytest.mark.parametrize("lags", [0, 1, 2, 4])
@pytest.mark.parametrize("days", range(6, 21))
def test_short_windows_are_tested_as_statsmodels_does(days: int, lags: int) -> None:
    series, pairs = walks(days, 8, seed=days), pairs_within(np.zeros(8))
    if days < fewest_days(lags):
        with pytest.raises(FormationError, match=f"{days} days"):
            engle_granger(series, pairs, lags)
        return
    tested = engle_granger(series, pairs, lags)
    expected = by_statsmodels(series, pairs, lags)
    assert tested["reason"].to_list() == [0] * len(pairs)
    np.testing.assert_allclose(tested["t_stat"], [t for t, _ in expected], rtol=1e-6)
    np.testing.assert_allclose(tested["p_value"], [p for _, p in expected], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("criterion", ["aic", "bic"])
@pytest.mark.parametrize("days", [*range(fewest_days("aic"), 34), 101, 252])
def test_any_length_of_window_has_the_lags_of_statsmodels(days: int, criterion: Criterion) -> None:
    series, pairs = walks(days, 8, seed=days), pairs_within(np.zeros(8))
    tested = engle_granger(series, pairs, criterion)
    expected = by_statsmodels(series, pairs, criterion)
    np.testing.assert_allclose(tested["t_stat"], [t for t, _ in expected], rtol=1e-6)
    np.testing.assert_allclose(tested["p_value"], [p for _, p in expected], rtol=1e-6, atol=1e-12)


def test_pairs_that_are_not_tested_are_counted_and_change_no_other() -> None:
    series = odd_series()
    sound = walks(60, 6, seed=1)
    together = np.column_stack([sound, *(series[n] for n in ("flat but for rounding", "walk", "one but for rounding"))])
    names = [f"c{i}" for i in range(9)]
    counted: Counter[str] = Counter()
    alone = cointegrated_pairs(names[:6], sound, pairs_within(np.zeros(6)), Backtest())
    odd = np.array([[0, 6], [6, 7], [7, 8]])
    mixed = cointegrated_pairs(names, together, np.concatenate([pairs_within(np.zeros(6)), odd]), Backtest(), counted)
    assert counted == {"constant price": 2, "one series": 1}
    assert mixed.equals(alone)


@settings(max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(22, 40),
    st.sampled_from([0, 1, 2, "aic", "bic"]),
    st.integers(-16, 0),
    st.booleans(),
)
def test_whatever_the_prices_every_number_is_one(
    seed: int, days: int, lags: int | Criterion, size: int, steps: bool
) -> None:
    random = np.random.default_rng(seed)
    moves = random.choice([0.0, 1.0], (days, 6), p=[0.8, 0.2]) if steps else random.normal(0, 1, (days, 6))
    series = 3 + 10.0**size * np.cumsum(moves, axis=0)
    tested = engle_granger(series, pairs_within(np.zeros(6)), lags)
    assert np.isfinite(tested.drop(MAY_BE_NULL).to_numpy()).all()
    assert not tested.select(pl.col(MAY_BE_NULL).is_nan().any()).to_numpy().any()
    assert tested["p_value"].is_between(0, 1).all()
    assert not np.isnan(benjamini_hochberg(tested["p_value"].to_numpy())).any()
