"""Intervals of a mean lift: over firms by a bootstrap, over time by horizons that share no month, and true 95 %."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t as student

from assets.clusters.intervals import LiftInterval, firm_weights, lift_draws, lift_interval
from assets.partitions import months_later

Floats = NDArray[np.float64]
HORIZON = 12
NO_DRAWS = np.empty((0, 0))


def dates(count: int, every: int) -> list[date]:
    return [months_later("2000-12", every * number) for number in range(count)]


def test_a_firm_has_the_same_weights_whoever_else_is_there() -> None:
    both, alone = firm_weights(["A", "B"], 0), firm_weights(["B"], 0)
    np.testing.assert_array_equal(both[:, 1], alone[:, 0])
    assert (firm_weights(["B"], 1) != alone).any()


def test_weights_are_counts_of_mean_one_and_firms_are_independent() -> None:
    weights = firm_weights([str(i) for i in range(400)], 0)
    assert weights.mean() == pytest.approx(1, abs=0.01)
    assert weights.var() == pytest.approx(1, abs=0.02)
    between = np.corrcoef(weights.T)[np.triu_indices(400, 1)]
    assert abs(between.mean()) < 0.001


def test_a_draw_counts_every_pair_with_multiplicity_and_leaves_copies_of_a_firm_out() -> None:
    """Against a sample written out firm by firm: A twice, C three times, B once, D not at all, E once."""
    corr = np.corrcoef(np.random.default_rng(0).normal(size=(5, 9)))
    labels, weights = np.array([0, 0, 1, 1, 1]), np.array([[2.0, 1.0, 3.0, 0.0, 1.0]])
    sample = np.repeat(np.arange(5), weights[0].astype(int))
    pairs = [(i, j) for k, i in enumerate(sample) for j in sample[k + 1 :] if i != j]
    inside = [corr[i, j] for i, j in pairs if labels[i] == labels[j]]
    expected = np.mean(inside) - np.mean([corr[i, j] for i, j in pairs])
    assert lift_draws(labels, corr, weights)[0] == pytest.approx(expected)


def test_a_draw_without_a_pair_inside_a_group_has_no_lift() -> None:
    drawn = lift_draws(np.array([0, 0, 1]), np.eye(3), np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]))
    assert np.isnan(drawn[0]) and drawn[1] == 0


def test_yearly_dates_of_one_year_s_horizon_have_student_s_interval() -> None:
    lifts = np.random.default_rng(0).normal(size=8)
    found = lift_interval(dates(8, 12), lifts.tolist(), np.ones((200, 8)), HORIZON)
    half = student.ppf(0.975, 7) * lifts.std(ddof=1) / np.sqrt(8)
    assert (found.low, found.high) == pytest.approx((lifts.mean() - half, lifts.mean() + half))
    assert (found.dates, found.blocks, found.se_firms) == (8, 8, 0.0)


def test_monthly_dates_are_as_many_blocks_as_horizons_fit() -> None:
    lifts = np.random.default_rng(0).normal(size=30).tolist()
    assert lift_interval(dates(30, 1), lifts, np.ones((9, 30)), HORIZON).blocks == 2
    assert lift_interval(dates(30, 5), lifts, np.ones((9, 30)), HORIZON).blocks == 10
    assert lift_interval(dates(30, 24), lifts, np.ones((9, 30)), HORIZON).blocks == 30


@pytest.mark.parametrize(("count", "every"), [(1, 12), (12, 1), (23, 1), (3, 4)])
def test_without_two_horizons_that_share_no_month_there_is_no_interval(count: int, every: int) -> None:
    found = lift_interval(dates(count, every), [0.1] * count, np.ones((9, count)), HORIZON)
    assert (found.lift, found.dates, found.blocks) == (pytest.approx(0.1), count, 1)
    assert (found.se_time, found.se_firms, found.low, found.high) == (None,) * 4


def test_what_firms_bring_to_all_dates_is_the_covariance_of_dates_apart() -> None:
    random = np.random.default_rng(0)
    common, own = random.normal(size=(4000, 1)), random.normal(size=(4000, 8))
    lifts = [0.1] * 8
    assert lift_interval(dates(8, 12), lifts, common + own, HORIZON).se_firms == pytest.approx(1, abs=0.05)
    assert (lift_interval(dates(8, 12), lifts, own, HORIZON).se_firms or 0) < 0.1


def test_draws_that_lack_a_date_tell_of_the_others_and_no_draws_give_no_interval() -> None:
    random = np.random.default_rng(1)
    common = np.repeat(random.normal(size=(4000, 1)), 8, axis=1)
    gaps = common.copy()
    gaps[np.arange(4000), random.integers(0, 8, 4000)] = np.nan
    lifts = [0.1] * 8
    assert not np.isfinite(gaps).all(axis=1).any()
    assert lift_interval(dates(8, 12), lifts, gaps, HORIZON).se_firms == pytest.approx(1, abs=0.05)
    nothing = lift_interval(dates(8, 12), lifts, np.full((9, 8), np.nan), HORIZON)
    assert (nothing.blocks, nothing.se_time, nothing.se_firms, nothing.low, nothing.high) == (8, *(None,) * 4)


def test_the_variance_over_firms_is_the_mean_covariance() -> None:
    drawn = np.random.default_rng(2).normal(size=(200, 3)).cumsum(axis=1) + 5
    expected = np.cov(drawn, rowvar=False)[~np.eye(3, dtype=bool)].mean()
    assert lift_interval(dates(3, 12), [0.1] * 3, drawn, HORIZON).se_firms == pytest.approx(np.sqrt(expected))


# A market: industries with given weights and factor loadings. Each world draws its firms and its months from it.
INDUSTRIES = 8
_market = np.random.default_rng(123)
WEIGHTS, LOADINGS = _market.dirichlet(np.full(INDUSTRIES, 3.0)), _market.uniform(0.3, 1.0, INDUSTRIES)


@dataclass(frozen=True)
class World:
    """Firms that stay, their industries, and monthly returns [months, firms]."""

    industry: NDArray[np.int64]
    returns: Floats

    def correlations(self, every: int) -> list[Floats]:
        """Return correlations over the horizon after every date."""
        starts = range(0, len(self.returns) - HORIZON + 1, every)
        return [np.corrcoef(self.returns[start : start + HORIZON].T) for start in starts]


def world(seed: int, months: int, firms: int = 40) -> World:
    """Return = market x beta + industry factor x loading of the firm + noise; volatility comes in waves."""
    random = np.random.default_rng([7, seed])
    industry = random.choice(INDUSTRIES, firms, p=WEIGHTS)
    beta, loading = random.normal(1, 0.3, firms), LOADINGS[industry] * random.normal(1, 0.3, firms)
    wave = 0.2 / np.sqrt(1 - 0.9**2) * random.normal(size=months)
    for month in range(1, months):
        wave[month] = 0.9 * wave[month - 1] + np.sqrt(1 - 0.9**2) * wave[month]
    market = random.normal(size=(months, 1)) * np.exp(wave)[:, None]
    factors = random.normal(size=(months, INDUSTRIES))
    return World(industry, market * beta + factors[:, industry] * loading + 1.2 * random.normal(size=(months, firms)))


def observed(one: World, every: int) -> tuple[list[float], list[Floats]]:
    """Return the lift at every date, and the correlations behind it."""
    first, second = np.triu_indices(len(one.industry), 1)
    same, corrs = one.industry[first] == one.industry[second], one.correlations(every)
    pairs = [corr[first, second] for corr in corrs]
    return [float(values[same].mean() - values.mean()) for values in pairs], corrs


def estimated(one: World, every: int, weights: Floats) -> LiftInterval:
    lifts, corrs = observed(one, every)
    draws = np.column_stack([lift_draws(one.industry, corr, weights) for corr in corrs])
    return lift_interval(dates(len(lifts), every), lifts, draws, HORIZON)


def normal_interval(lifts: list[float]) -> float:
    """Return half the width of what the scoreboard called 95 % once: every date as if it were independent."""
    return float(1.96 * np.std(lifts, ddof=1) / np.sqrt(len(lifts)))


def coverage(worlds: int, truth: float, interval: Callable[[int], tuple[float, float]]) -> float:
    bounds = np.array([interval(seed) for seed in range(worlds)])
    return float(((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).mean())


WORLDS = 200
MONTHLY, YEARLY = (8 * 12 + HORIZON - 1, 1), (8 * 12, 12)
"""Months of returns and months between dates: 96 monthly dates, or eight yearly ones with the same firms and groups."""


@pytest.mark.parametrize(("months", "every", "before"), [(*MONTHLY, 0.5), (*YEARLY, 0.92)])
def test_the_interval_covers_the_true_lift_in_95_of_100_worlds(months: int, every: int, before: float) -> None:
    """The truth is the mean over other worlds of the same market, many more of them.

    At 200 worlds a coverage of 95 % is seen as 90 to 99 % with a probability over .998.
    """
    truth = float(np.mean([np.mean(observed(world(10_000 + seed, months), max(every, 12))[0]) for seed in range(2000)]))
    weights = firm_weights([str(firm) for firm in range(40)], seed=0, draws=100)

    def new(seed: int) -> tuple[float, float]:
        found = estimated(world(seed, months), every, weights)
        assert found.low is not None and found.high is not None
        return found.low, found.high

    def old(seed: int) -> tuple[float, float]:
        lifts, _ = observed(world(seed, months), every)
        return float(np.mean(lifts)) - normal_interval(lifts), float(np.mean(lifts)) + normal_interval(lifts)

    assert 0.90 <= coverage(WORLDS, truth, new) <= 0.99
    assert coverage(WORLDS, truth, old) < before
