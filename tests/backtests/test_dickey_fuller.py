"""Normal equations where they are sound, QR where they are not, and the same answer from both."""

import numpy as np
import pytest
from statsmodels.tsa.stattools import adfuller
from threadpoolctl import threadpool_limits

from assets.backtests.dickey_fuller import NO_NOISE, chosen_lags, level_t
from resources.settings.backtest import Criterion, most_lags


def autoregressions(days: int, n: int = 20) -> np.ndarray:
    """Spreads [n, days] of every persistence from white noise to a random walk."""
    random = np.random.default_rng(days)
    persistence, spread = np.linspace(0, 1, n), np.zeros((n, days))
    for t in range(1, days):
        spread[:, t] = persistence * spread[:, t - 1] + random.normal(0, 0.01, n)
    return spread


def by_statsmodels(spread: np.ndarray, criterion: Criterion) -> list[tuple[float, int]]:
    with threadpool_limits(1):  # they only wait for each other on matrices this small
        found = [adfuller(one, regression="n", autolag=criterion, result_object=True) for one in spread]
    return [(one.statistic, one.lags) for one in found]


@pytest.mark.parametrize("criterion", ["aic", "bic"])
@pytest.mark.parametrize("days", [40, 252, 756])
def test_lags_and_t_are_those_of_statsmodels(days: int, criterion: Criterion) -> None:
    spread = autoregressions(days)
    lags, reason = chosen_lags(spread, criterion)
    expected = by_statsmodels(spread, criterion)
    assert not reason.any()
    assert lags.tolist() == [lags for _, lags in expected]
    t = [level_t(spread[[row]], int(lags[row]))[0].item() for row in range(len(spread))]
    np.testing.assert_allclose(t, [t for t, _ in expected], rtol=1e-9)


def test_both_ways_of_factoring_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = autoregressions(252)
    lags, t = chosen_lags(spread, "aic")[0], level_t(spread, 7)[0]
    monkeypatch.setattr("assets.backtests.dickey_fuller.SOUND", 2.0)
    monkeypatch.setattr("assets.backtests.dickey_fuller.QR_BLOCK", 7)
    np.testing.assert_array_equal(chosen_lags(spread, "aic")[0], lags)
    np.testing.assert_allclose(level_t(spread, 7)[0], t, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-4, 1e-6, 1e-8])
def test_what_normal_equations_cannot_hold_is_still_that_of_statsmodels(size: float) -> None:
    """A curve that its own lags all but foretell."""
    curve = np.sin(np.arange(400) / 30.0)
    spread = (curve + size * np.random.default_rng(0).normal(size=400))[None]
    t, reason = level_t(spread, 12)
    expected = adfuller(spread[0], regression="n", maxlag=12, autolag=None, result_object=True).statistic
    assert reason.item() == 0
    assert t.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("day", [0, 5, -1])
def test_one_day_that_dwarfs_all_others_costs_no_digits(day: int) -> None:
    """Sums over lags are updated by the days at the edges, where such a day would take the others' digits."""
    spread = np.cumsum(np.random.default_rng(1).normal(0, 1e-5, 200))
    spread += 1e3 * (np.arange(200) == np.arange(200)[day])
    t, _ = level_t(spread[None], 3)
    expected = adfuller(spread, regression="n", maxlag=3, autolag=None, result_object=True).statistic
    assert t.item() == pytest.approx(expected, rel=1e-6)


def test_a_spread_that_stands_still_but_for_its_first_days_has_no_t() -> None:
    spread = np.concatenate([[0.0, 1.0], np.full(58, 2.0)])[None]
    t, reason = level_t(spread, 2)
    assert (t.item(), reason.item()) == (0.0, NO_NOISE)


@pytest.mark.parametrize(("days", "lags"), [(4, 1), (22, 9), (100, 12), (252, 16), (756, 20), (1260, 23)])
def test_schwert_s_largest_lag(days: int, lags: int) -> None:
    assert most_lags(days) == lags
