"""Intervals of a book's numbers: blocks are what they say, and 95 % hold the truth 95 % of the time."""

import numpy as np
import pytest

from assets.backtests.bootstrap import bootstrap_intervals, bootstrap_moments

RETURNS = np.random.default_rng(0).normal(0.0004, 0.01, 500)


def by_hand(returns: np.ndarray, block: int, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The same books written out, day by day."""
    days = len(returns)
    starts = np.random.default_rng(seed).integers(0, days, (draws, days // block + 1))
    books = [
        np.concatenate(
            [np.roll(returns, -start)[:block] for start in row[:-1]] + [np.roll(returns, -row[-1])[: days % block]]
        )
        for row in starts
    ]
    return np.array([book.mean() for book in books]), np.array([book.std(ddof=1) for book in books])


@pytest.mark.parametrize("block", [1, 7, 21, 500])
def test_running_sums_give_the_books_that_are_written_out(block: int) -> None:
    means, sds = bootstrap_moments(RETURNS, block, 40, seed=3)
    expected = by_hand(RETURNS, block, 40, seed=3)
    np.testing.assert_allclose(means, expected[0], atol=1e-15)
    np.testing.assert_allclose(sds, expected[1], rtol=1e-10)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    """Of days that depend on each other, where single days would be too sure of themselves."""
    rng, hits, trials = np.random.default_rng(1), 0, 150
    for trial in range(trials):
        noise = rng.normal(0, 1, 1_005)
        days = np.convolve(noise, np.ones(6) / 6, mode="valid")  # a mean of 0, correlated over five days
        found = bootstrap_intervals(days, seed=trial)
        hits += found["annual_return_low"] < 0 < found["annual_return_high"]  # type: ignore[operator]
    assert hits / trials == pytest.approx(0.93, abs=0.05)


def test_single_days_are_too_sure_where_days_depend_on_each_other() -> None:
    days = np.convolve(np.random.default_rng(2).normal(0, 1, 2_005), np.ones(6) / 6, mode="valid")
    blocks, single = (bootstrap_moments(days, block, 500, seed=0)[0].std() for block in (21, 1))
    assert blocks > 1.5 * single


def test_more_or_less_the_standard_error_of_independent_days() -> None:
    found = bootstrap_intervals(RETURNS, seed=0)
    width = found["sharpe_high"] - found["sharpe_low"]  # type: ignore[operator]
    assert width == pytest.approx(2 * 1.96 * np.sqrt(252 / 500), rel=0.25)


@pytest.mark.parametrize("returns", [RETURNS[:60], np.zeros(500), np.empty(0)])
def test_a_short_or_flat_book_has_no_interval(returns: np.ndarray) -> None:
    assert set(bootstrap_intervals(returns, seed=0).values()) == {None}


def test_the_same_seed_gives_the_same_interval() -> None:
    assert bootstrap_intervals(RETURNS, 5) == bootstrap_intervals(RETURNS, 5) != bootstrap_intervals(RETURNS, 6)
