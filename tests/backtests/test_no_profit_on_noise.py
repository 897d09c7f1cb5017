"""On martingales there is nothing to earn, whatever the strategy; where prices do revert, there is."""

from functools import cache

import numpy as np
import pytest

from assets.backtests.performance import sharpe
from tests.backtests.planted import FORMATION, FREE, STRATEGIES, walks

SEEDS, COMPANIES, DAYS = range(20), 24, FORMATION + 250
KINDS = {"independent": 0.0, "correlated": 0.02}


@cache
def sharpes(strategy: str, kind: str) -> np.ndarray:
    trade, changes = STRATEGIES[strategy]
    settings = FREE.model_copy(update=changes)
    windows = [trade(walks(seed, DAYS, COMPANIES, KINDS[kind]), settings) for seed in SEEDS]
    assert min(trades.height for _, trades in windows) >= 20
    return np.array([sharpe(days["gross_pnl"].to_numpy()) for days, _ in windows])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_earns_anything_on_random_walks(strategy: str, kind: str) -> None:
    found = sharpes(strategy, kind)
    assert abs(found.mean()) < 2 * found.std(ddof=1) / np.sqrt(len(found))
