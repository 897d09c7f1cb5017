"""Johansen's test beside the other one, where it is asked for."""

import numpy as np
import pytest
from statsmodels.tsa.vector_ar.vecm import coint_johansen

from assets.backtests.cointegration import cointegrated_pairs
from assets.backtests.johansen import johansen
from resources.settings.backtest import Backtest

RANDOM = np.random.default_rng(0)
WALK, OTHER = np.cumsum(RANDOM.normal(0, 0.02, (2, 800)), axis=1)
NOISE, MORE_NOISE = RANDOM.normal(0, 0.02, (2, 800))


@pytest.mark.parametrize(("y", "x", "rank"), [(WALK, OTHER, 0), (0.7 * WALK + NOISE, WALK, 1), (NOISE, MORE_NOISE, 2)])
def test_the_rank_counts_what_is_stationary(y: np.ndarray, x: np.ndarray, rank: int) -> None:
    assert johansen(y, x, 2)[1] == rank


def test_it_stands_beside_a_tested_pair_with_the_same_lags_and_days() -> None:
    logs = np.column_stack([0.7 * WALK + NOISE, WALK, OTHER])
    logs[10:15, 0] = np.nan
    rows = cointegrated_pairs(["a", "b", "c"], logs, np.array([[0, 1], [1, 2]]), Backtest(johansen=True))
    first = rows.row(0, named=True)
    common = np.isfinite(logs[:, 0])
    expected = coint_johansen(logs[common, :2], det_order=0, k_ar_diff=first["lags"]).trace_stat[0]
    assert first["johansen_trace"] == pytest.approx(expected)
    assert rows["johansen_rank"].to_list() == [1, 0]


def test_it_is_left_out_unless_asked_for() -> None:
    rows = cointegrated_pairs(["b", "c"], np.column_stack([WALK, OTHER]), np.array([[0, 1]]), Backtest())
    assert rows.select("johansen_trace", "johansen_rank").row(0) == (None, None)
