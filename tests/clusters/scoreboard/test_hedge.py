"""What peers add to the market for each company: as regressions written out say."""

import numpy as np
import pytest
import statsmodels.api as sm

from assets.clusters.scoreboard.hedge import FEWEST_BEFORE, hedge_cut, incremental_r2
from assets.clusters.scoreboard.peers import draw_peers, peer_means

NAN = np.nan
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def world(seed: int, groups: int = 8, size: int = 10) -> Arrays:
    """Return labels, 60 months before and 36 after: a market, groups, and noise."""
    random, labels = np.random.default_rng(seed), np.repeat(np.arange(groups), size)
    returns = random.normal(size=(96, 1)) + random.normal(size=(96, groups))[:, labels]
    returns = 0.05 * (returns + random.normal(size=(96, groups * size)))
    return labels, returns[:60], returns[60:]


def test_the_cut_is_that_of_regressions_before_the_date() -> None:
    _, before, after = world(0)
    before[:20, 3] = NAN
    peers = draw_peers(np.random.default_rng(1).random((80, 80)), 5)
    past, future = peer_means(before, peers)[0], peer_means(after, peers)[0]
    (found,) = hedge_cut(before, after, peers)
    for firm in (0, 3, 41):
        known = np.isfinite(before[:, firm])
        market, later = np.nanmean(np.delete(before, firm, 1), axis=1)[known], np.delete(after, firm, 1).mean(axis=1)
        alone = sm.OLS(before[known, firm], sm.add_constant(market)).fit().params
        both = sm.OLS(before[known, firm], sm.add_constant(np.column_stack([market, past[known, firm]]))).fit().params
        left = (after[:, firm] - alone[1] * later).var()
        hedged = (after[:, firm] - both[1] * later - both[2] * future[:, firm]).var()
        assert found[firm] == pytest.approx(1 - hedged / left)


def test_the_gain_is_the_difference_of_two_adjusted_r2() -> None:
    _, _, after = world(1)
    peers = draw_peers(np.random.default_rng(2).random((80, 80)), 5)
    means = peer_means(after, peers)[0]
    found = incremental_r2(after, peers)
    for firm in (0, 17, 79):
        market = np.delete(after, firm, 1).mean(axis=1)
        alone = sm.OLS(after[:, firm], sm.add_constant(market)).fit().rsquared_adj
        both = sm.OLS(after[:, firm], sm.add_constant(np.column_stack([market, means[:, firm]]))).fit().rsquared_adj
        assert found[firm] == pytest.approx(both - alone)


def test_peers_of_the_planted_group_cut_variance_and_random_ones_do_not() -> None:
    labels, before, after = world(2)
    right = draw_peers((labels[:, None] == labels).astype(float), 5)
    wrong = draw_peers(np.zeros((80, 80)), 5)
    assert np.median(hedge_cut(before, after, right)) > 0.25
    assert np.median(hedge_cut(before, after, wrong)) < 0.05
    assert (hedge_cut(before, after, wrong) < 0).mean() > (hedge_cut(before, after, right) < 0).mean()
    assert incremental_r2(after, right).mean() > 0.2
    assert incremental_r2(after, wrong).mean() < 0.05


def test_random_peers_add_nothing_to_the_market_within_two_standard_errors() -> None:
    """Companies that share nothing but the market, in fifty worlds, so that worlds are the units."""
    gains, cuts = [], []
    for seed in range(50):
        random = np.random.default_rng(seed)
        returns = random.normal(size=(96, 1)) + random.normal(size=(96, 60))
        peers = draw_peers(np.zeros((60, 60)), 5, draws=5, seed=seed)
        gains.append(incremental_r2(returns[60:], peers).mean())
        cuts.append(np.median(hedge_cut(returns[:60], returns[60:], peers)))
    assert abs(np.mean(gains)) < 2 * np.std(gains, ddof=1) / np.sqrt(50)
    # A beta that is estimated costs variance: what does not help makes a hedge a little worse, never better.
    assert -0.05 < np.mean(cuts) < 0


def test_betas_see_nothing_after_the_date() -> None:
    labels, before, after = world(3)
    peers = draw_peers((labels[:, None] == labels).astype(float), 5)
    changed = before.copy()
    changed[:, 0] = np.random.default_rng(0).normal(size=60)
    assert (hedge_cut(changed, after, peers)[:, 0] != hedge_cut(before, after, peers)[:, 0]).all()
    longer = np.vstack([after, after[:1]])
    assert (hedge_cut(before, longer, peers)[:, 0] != hedge_cut(before, after, peers)[:, 0]).all()


def test_whoever_lacks_history_or_a_later_month_or_any_movement_has_no_score() -> None:
    _, before, after = world(4)
    before[: 60 - FEWEST_BEFORE + 1, 0] = NAN
    after[5, 1], after[:, 2] = NAN, 0.0
    peers = draw_peers(np.random.default_rng(0).random((80, 80)), 5)
    (cuts,), gains = hedge_cut(before, after, peers), incremental_r2(after, peers)
    assert np.isnan(cuts[[0, 1]]).all() and np.isfinite(cuts[3:]).all()
    assert np.isnan(gains[[1, 2]]).all() and np.isfinite(gains[3:]).all() and np.isfinite(gains[0])


@pytest.mark.parametrize("n", [0, 1])
def test_one_company_is_the_market_and_nothing_is_left_to_hedge(n: int) -> None:
    returns = np.random.default_rng(0).normal(size=(60, n))
    peers = draw_peers(np.ones((n, n)), 5)
    assert np.isnan(hedge_cut(returns, returns[:12], peers)).all()
    assert np.isnan(incremental_r2(returns[:12], peers)).all()


def test_identical_companies_have_nothing_left_to_hedge_and_gain_nothing() -> None:
    returns = np.tile(np.random.default_rng(0).normal(size=(72, 1)), 8)
    peers = draw_peers(np.ones((8, 8)), 3)
    assert np.isnan(hedge_cut(returns[:60], returns[60:], peers)).all()
    np.testing.assert_allclose(incremental_r2(returns[60:], peers), 0, atol=1e-9)


def test_peers_that_are_all_others_are_the_market_and_add_nothing() -> None:
    _, before, after = world(5, groups=2, size=3)
    peers = draw_peers(np.ones((6, 6)), 5)
    np.testing.assert_allclose(hedge_cut(before, after, peers), 0, atol=1e-9)
    # What is left is the price of one regressor more.
    market = [np.corrcoef(after[:, i], np.delete(after, i, 1).mean(axis=1))[0, 1] ** 2 for i in range(6)]
    np.testing.assert_allclose(incremental_r2(after, peers), (1 - np.array(market)) * 35 * (1 / 34 - 1 / 33))


def test_nobody_with_returns_has_no_score() -> None:
    nothing, peers = np.full((60, 5), NAN), draw_peers(np.ones((5, 5)), 2)
    assert np.isnan(hedge_cut(nothing, nothing[:12], peers)).all()
    assert np.isnan(incremental_r2(nothing[:12], peers)).all()
    assert np.isnan(hedge_cut(nothing[:0], nothing[:12], peers)).all()
