"""Cross-section R2 and its Newey-West error: as in the formulas, and intervals that hold."""

import numpy as np
import pytest
import statsmodels.api as sm

from assets.clusters.scoreboard.cross_section import adjusted_r2, monthly_r2, newey_west, paired_difference
from assets.clusters.scoreboard.peers import draw_peers

NAN = np.nan


def test_r2_of_every_month_is_that_of_statsmodels() -> None:
    random = np.random.default_rng(0)
    returns, means = random.normal(size=(2, 7, 30))
    returns[3, :5], means[4, 2:9] = NAN, NAN
    found = adjusted_r2(returns, means)
    for month in range(7):
        both = np.isfinite(returns[month]) & np.isfinite(means[month])
        fit = sm.OLS(returns[month, both], sm.add_constant(means[month, both])).fit()
        assert found[month] == pytest.approx(fit.rsquared_adj)


def test_r2_by_tied_peers_is_the_mean_over_the_draws() -> None:
    returns = np.random.default_rng(1).normal(size=(5, 12))
    peers = draw_peers(np.zeros((12, 12)), 3, draws=4)
    each = [monthly_r2(returns, peers[draw : draw + 1]) for draw in range(4)]
    np.testing.assert_allclose(monthly_r2(returns, peers), np.mean(each, axis=0))


def test_a_return_that_all_have_in_a_month_changes_nothing() -> None:
    random = np.random.default_rng(2)
    returns, peers = random.normal(size=(6, 20)), draw_peers(random.random((20, 20)), 5)
    shifted = returns + random.normal(size=(6, 1))
    np.testing.assert_allclose(monthly_r2(shifted, peers), monthly_r2(returns, peers))


def test_planted_groups_are_explained_and_the_better_known_the_better() -> None:
    random, labels = np.random.default_rng(3), np.repeat(np.arange(40), 12)
    returns = random.normal(size=(60, 40))[:, labels] + random.normal(size=(60, 480))
    same = (labels[:, None] == labels).astype(float)
    noisy = [
        np.nanmean(monthly_r2(returns, draw_peers(same + random.normal(size=same.shape) * s, 5))) for s in (0, 1, 3)
    ]
    # Half of the variance is the group's; of the mean of five peers, five sixths are.
    assert noisy[0] == pytest.approx(0.5 * 5 / 6, abs=0.02)
    assert noisy[0] > noisy[1] > noisy[2] > 0


def test_random_peers_score_nothing_within_two_standard_errors() -> None:
    random, labels = np.random.default_rng(4), np.repeat(np.arange(20), 15)
    returns = random.normal(size=(120, 20))[:, labels] + random.normal(size=(120, 300))
    found = newey_west(monthly_r2(returns, draw_peers(np.zeros((300, 300)), 5)))
    assert found.mean is not None and found.error is not None
    assert abs(found.mean) < 2 * found.error


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_month_of_two_companies_has_no_r2(n: int) -> None:
    assert np.isnan(adjusted_r2(np.ones((3, n)) * 0.1, np.ones((3, n)))).all()


def test_identical_returns_have_no_r2_and_identical_peers_explain_nothing() -> None:
    returns = np.random.default_rng(5).normal(size=(2, 10))
    assert np.isnan(adjusted_r2(np.full((2, 10), 0.1), returns)).all()
    np.testing.assert_allclose(adjusted_r2(returns, np.full((2, 10), 0.1)), 1 - 9 / 8)


def test_peers_that_are_all_others_explain_everything_and_so_nothing() -> None:
    returns = np.random.default_rng(8).normal(size=(4, 6))
    assert np.isnan(monthly_r2(returns, draw_peers(np.ones((6, 6)), 9))).all()
    assert np.isfinite(monthly_r2(returns, draw_peers(np.ones((6, 6)), 4))).all()


def test_a_month_in_which_few_have_returns_is_not_explained_by_their_own_returns() -> None:
    random = np.random.default_rng(9)
    returns, peers = random.normal(size=(300, 60)), draw_peers(random.random((60, 60)), 5)
    returns[:, 9:] = NAN
    # Whoever has peers without returns alone gets a mean of the market, which holds everybody's own return.
    peers[0, :9] = np.arange(50, 55)
    np.testing.assert_allclose(monthly_r2(returns, peers), 1 - 8 / 7)
    returns[:, 6:] = NAN
    assert np.isnan(monthly_r2(returns, peers)).all()


@pytest.mark.parametrize("lags", [0, 3, 11])
def test_the_error_is_newey_and_west_s(lags: int) -> None:
    values = np.random.default_rng(6).normal(size=50).cumsum()
    fit = sm.OLS(values, np.ones(50)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    found = newey_west(values, lags)
    assert (found.mean, found.error) == (pytest.approx(values.mean()), pytest.approx(fit.bse[0]))


def test_missing_months_are_left_out_and_few_months_have_no_interval() -> None:
    assert newey_west(np.array([NAN, 0.1, 0.3, NAN])).mean == pytest.approx(0.2)
    one, none = newey_west(np.array([0.1])), newey_west(np.array([NAN]))
    assert (one.mean, one.months, one.error, one.low) == (0.1, 1, None, None)
    assert (none.mean, none.months, none.error, none.low) == (None, 0, None, None)


def test_methods_are_compared_over_the_months_that_both_have() -> None:
    first, second = np.array([0.3, NAN, 0.5, 0.4]), np.array([0.1, 0.2, NAN, 0.3])
    found = paired_difference(first, second)
    assert (found.mean, found.months) == (pytest.approx(0.15), 2)


def test_the_interval_covers_the_mean_of_autocorrelated_months() -> None:
    """AR(1) of .3 over 120 months; the bounds on the share allow for 600 simulated series."""
    random, inside = np.random.default_rng(7), 0
    for _ in range(600):
        shocks, values = random.normal(size=140), np.zeros(140)
        for month in range(1, 140):
            values[month] = 0.3 * values[month - 1] + shocks[month]
        found = newey_west(values[20:])
        assert found.low is not None and found.high is not None
        inside += found.low <= 0 <= found.high
    assert 0.90 <= inside / 600 <= 0.98
