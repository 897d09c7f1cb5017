"""The numbers of a book's summary, by hand and against scipy and simulation."""

from datetime import date, timedelta
from math import e, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kurtosis, norm, skew

from assets import schemas
from assets.backtests.book import Book
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.drawdown import max_drawdown
from assets.backtests.market import market_returns
from assets.backtests.performance import (
    EmptyBookError,
    days_won,
    deflated_sharpe,
    expected_maximum,
    market_beta,
    monthly_sharpe,
    sharpe,
    sharpe_se,
    summary,
    trades_won,
)

DAILY = np.random.default_rng(0).standard_t(5, 1_000) * 0.01 + 0.0005


def book_of(net_return: list[float], capital: float = 1_000.0) -> Book:
    n = len(net_return)
    returns = pl.DataFrame(
        {
            "date": pl.Series([date(2005, 1, 1) + timedelta(i) for i in range(n)], dtype=pl.Date),
            "net_return": pl.Series(net_return, dtype=pl.Float64),
            "traded": [50.0] * n,
            "exposure": [250.0] * n,
        }
    )
    return Book(returns, pl.DataFrame({"gross_pnl": [5.0, 1.0, -2.0], "costs": [1.0, 1.0, 1.0]}), capital)


def test_sharpe_is_mean_over_deviation_annualised() -> None:
    assert sharpe(np.array([0.01, 0.03])) == pytest.approx(0.02 / (0.02 / sqrt(2)) * sqrt(252))


@pytest.mark.parametrize("returns", [[], [0.01], [0.0, 0.0], [0.01, 0.01, 0.01]])
def test_returns_that_do_not_vary_have_no_sharpe(returns: list[float]) -> None:
    assert sharpe(np.array(returns)) is None
    assert sharpe_se(np.array(returns)) is None
    assert deflated_sharpe(np.array(returns), [[1.0, 2.0]]) is None


def test_the_standard_error_is_the_spread_of_many_sharpes() -> None:
    many = np.random.default_rng(1).normal(0.01, 0.1, (4_000, 250))
    assert np.std([sharpe(row) for row in many]) == pytest.approx(sharpe_se(many[0]), rel=0.05)


def test_the_expected_maximum_is_the_mean_best_of_many_trials() -> None:
    trials = np.random.default_rng(2).normal(0, 1, (20_000, 14))
    assert np.mean([expected_maximum([row]) for row in trials[:2_000]]) == pytest.approx(
        trials.max(axis=1).mean(), rel=0.05
    )


def test_one_trial_is_judged_against_zero() -> None:
    assert expected_maximum([]) == expected_maximum([[]]) == expected_maximum([[3.0]]) == 0.0


def test_what_strategies_differ_in_is_no_luck_and_all_their_books_count() -> None:
    apart, level = [[0.1, 0.3], [1.1, 1.3]], [0.1, 0.3, 0.1, 0.3]
    pooled = np.std(level, ddof=1) * sqrt(3 / 2)  # two means were taken, not one
    assert expected_maximum(apart) == pytest.approx(expected_maximum([level]) * pooled / np.std(level, ddof=1))
    assert expected_maximum([[1.0], [2.0]]) == 0.0


def test_a_ratio_without_an_error_is_not_deflated() -> None:
    returns = np.repeat([1.0, 4.0], [80_000, 20_000])  # skewness 3/2, ratio 4/3: 1 - 2 + 1 under the root
    assert deflated_sharpe(returns, []) is None
    assert sharpe(returns) == pytest.approx(4 / 3 * sqrt(252), rel=1e-4)


def test_deflated_sharpe_is_the_published_formula() -> None:
    trials = [0.1, 0.5, -0.3, 0.9]
    daily = DAILY.mean() / DAILY.std(ddof=1)
    quantiles = (1 - np.euler_gamma) * norm.ppf(1 - 1 / 4) + np.euler_gamma * norm.ppf(1 - 1 / (4 * e))
    benchmark = np.std(np.array(trials) / sqrt(252), ddof=1) * quantiles
    error = sqrt(1 - skew(DAILY) * daily + (kurtosis(DAILY, fisher=False) - 1) / 4 * daily**2)
    expected = norm.cdf((daily - benchmark) * sqrt(len(DAILY) - 1) / error)
    assert deflated_sharpe(DAILY, [trials]) == pytest.approx(expected, rel=1e-12)


def test_more_trials_deflate_more() -> None:
    few, many = [0.0, 1.0], [0.0, 1.0] * 10
    assert deflated_sharpe(DAILY, [many]) < deflated_sharpe(DAILY, [few]) < deflated_sharpe(DAILY, [[1.0]])


def test_with_one_trial_it_is_the_probabilistic_sharpe_ratio() -> None:
    daily = DAILY.mean() / DAILY.std(ddof=1)
    error = sqrt((1 - skew(DAILY) * daily + (kurtosis(DAILY, fisher=False) - 1) / 4 * daily**2) / (len(DAILY) - 1))
    assert deflated_sharpe(DAILY, []) == pytest.approx(norm.cdf(daily / error), rel=1e-12)


def test_the_sharpe_of_months_is_over_sums_of_calendar_months() -> None:
    days = pl.Series([date(2005, 1, 3), date(2005, 1, 31), date(2005, 2, 1), date(2005, 3, 1)])
    sums = np.array([0.03, -0.01, 0.02])
    found = monthly_sharpe(days, np.array([0.01, 0.02, -0.01, 0.02]))
    assert found == pytest.approx(sums.mean() / sums.std(ddof=1) * sqrt(12))


def test_months_say_less_than_days_where_gains_are_given_back_later() -> None:
    days = pl.Series([date(2005, 1, 1) + timedelta(i) for i in range(600)])
    trending = np.repeat(np.random.default_rng(5).normal(0.001, 0.01, 20), 30)
    assert abs(monthly_sharpe(days, trending)) < abs(sharpe(trending))


def test_beta_is_the_slope_over_the_days_that_the_market_has() -> None:
    market = [0.01, None, -0.02, 0.03]
    assert market_beta(np.array([0.02, 9.0, -0.04, 0.06]), market) == pytest.approx(2.0)
    assert market_beta(np.array([0.02, 0.01]), [None, 0.01]) is None


def test_flat_days_are_neither_won_nor_lost() -> None:
    assert days_won(pl.DataFrame({"net_return": [0.0, 0.1, -0.1, 0.2]})) == pytest.approx(2 / 3)
    assert days_won(pl.DataFrame({"net_return": [0.0]})) is None
    assert trades_won(pl.DataFrame({"gross_pnl": [], "costs": []})) is None


def test_the_market_is_the_mean_of_those_with_two_prices() -> None:
    days = [date(2005, 1, day) for day in (3, 4, 5)]
    closes = CloseMatrix(["a", "b"], days, np.array([[10.0, np.nan], [11.0, 5.0], [11.0, 4.0]]))
    assert market_returns(closes) == {days[1]: pytest.approx(0.1), days[2]: pytest.approx(-0.1)}


def test_drawdown_is_the_largest_fall_from_a_peak() -> None:
    assert max_drawdown(np.array([0.1, -0.3, 0.25, -0.1])) == pytest.approx(0.3)
    assert max_drawdown(np.array([-0.2, 0.1])) == pytest.approx(0.2)
    assert max_drawdown(np.array([0.1, 0.2])) == 0.0


@given(arrays(float, st.integers(1, 60), elements=st.floats(-1, 1)))
def test_drawdown_equals_that_over_all_pairs_of_days(returns: np.ndarray) -> None:
    wealth = np.concatenate([[0], np.cumsum(returns)])
    falls = [wealth[i] - wealth[j] for i in range(len(wealth)) for j in range(i, len(wealth))]
    assert max_drawdown(returns) == max(falls)


def test_the_summary_fills_its_table() -> None:
    numbers = summary(book_of([0.01, -0.02, 0.03]), [[1.0, 2.0]])
    assert numbers["first_day"] == date(2005, 1, 1)
    assert numbers["last_day"] == date(2005, 1, 3)
    assert numbers["trades"] == 3
    assert numbers["annual_return"] == pytest.approx(0.02 / 3 * 252)
    assert numbers["turnover"] == pytest.approx(0.05 * 252)
    assert numbers["mean_exposure"] == pytest.approx(0.25)
    assert (numbers["trials"], numbers["days_won"], numbers["trades_won"]) == (2, 2 / 3, 1 / 3)
    assert (numbers["drawdown_from"], numbers["drawdown_low"]) == (date(2005, 1, 1), date(2005, 1, 2))
    row = numbers | {"strategy": "pairs", "method": "sae", "selection": "bh", "windows": 1, "unfinished": 0}
    row |= {"pairs_tested": 9, "pairs_passed": 1, "pairs_traded": 1, "refused": 0, "jump_trades": 0, "jump_net": 0.0}
    assert schemas.BACKTEST_SUMMARY.validate(schemas.BACKTEST_SUMMARY.frame([row])).num_rows == 1


def test_a_book_without_capital_has_a_summary_of_zeros() -> None:
    numbers = summary(book_of([0.0, 0.0], capital=0.0), [[]])
    assert (numbers["sharpe"], numbers["deflated_sharpe"]) == (None, None)
    assert (numbers["probabilistic_sharpe"], numbers["sharpe_low"], numbers["days_won"]) == (None, None, None)
    assert (numbers["annual_volatility"], numbers["turnover"], numbers["mean_exposure"]) == (0.0, 0.0, 0.0)


def test_a_book_without_days_is_refused() -> None:
    with pytest.raises(EmptyBookError, match="no trading day"):
        summary(book_of([]), [])
