"""On martingales there is nothing to earn, whatever the strategy and its rules: mean Sharpe ratios are 0.

The default rules of pairs are held to the same over longer walks in test_random_walks.py.
"""

import numpy as np
import polars as pl
import pytest

from assets.backtests.book import tradable, traded_ledger
from assets.backtests.performance import sharpe
from resources.settings.backtest import Backtest
from tests.backtests.planted import FORMATION, FREE, STRATEGIES, closes_of, formed_pairs, pairs, walks, window_of

COMPANIES, DAYS = 24, FORMATION + 250
KINDS = {"independent": 0.0, "correlated": 0.02}
SEEDS, PAIR_SEEDS = range(20), range(100)
"""Pairs of all seeds are traded at once, which costs little."""


def pair_sharpes(market: float, settings: Backtest) -> list[float | None]:
    """The Sharpe ratio of each seed's book of pairs."""
    every = [walks(seed, DAYS, COMPANIES, market) for seed in PAIR_SEEDS]
    together, formed = closes_of(np.hstack([closes.prices for closes in every])), []
    for seed, closes in enumerate(every):
        names = dict(zip(closes.company_ids, together.company_ids[seed * COMPANIES :], strict=False))
        renamed = (pl.col(leg).replace_strict(names) for leg in ("company_a", "company_b"))
        formed.append(tradable(formed_pairs(closes, settings), settings).with_columns(*renamed))
    ledger = traded_ledger(window_of(together, FORMATION - 1), pl.concat(formed), settings)
    starts = np.cumsum([0, *(rows.height for rows in formed[:-1])])
    return [sharpe(gains) for gains in np.add.reduceat(ledger.gross_pnl[1:], starts, axis=1).T]


def sharpes(strategy: str, kind: str) -> np.ndarray:
    trade, changes = STRATEGIES[strategy]
    settings = FREE.model_copy(update=changes)
    if trade is pairs:
        return np.array(pair_sharpes(KINDS[kind], settings))
    windows = [trade(walks(seed, DAYS, COMPANIES, KINDS[kind]), settings) for seed in SEEDS]
    return np.array([sharpe(days["gross_pnl"].to_numpy()) for days, _ in windows])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_earns_anything_on_random_walks(strategy: str, kind: str) -> None:
    found = sharpes(strategy, kind)
    assert found.std(ddof=1) > 0.5
    assert abs(found.mean()) < 2 * found.std(ddof=1) / np.sqrt(len(found))
