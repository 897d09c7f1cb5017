"""Prices made up for tests of strategies, and every strategy as a function of them."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl

from assets.backtests.book import trade_pairs
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.cointegration import cointegrated_pairs
from assets.backtests.hedged import hold_hedged
from assets.backtests.reversion import trade_reversion
from assets.backtests.windows import Window
from resources.settings.backtest import Backtest

START = date(2000, 1, 3)
FORMATION = 250
"""Days that pairs and baskets are formed on."""
FREE = Backtest(cost_bps=0, borrow_bps=0, autolag="fixed", max_pairs=40)

Strategy = Callable[[CloseMatrix, Backtest], Window]


def walks(seed: int, days: int, companies: int, market: float = 0.0) -> CloseMatrix:
    """Random walks whose prices are martingales, so nothing can be earned; `market` moves all of them (daily sd)."""
    random, own = np.random.default_rng(seed), 0.02
    steps = random.normal(0, own, (days, companies)) + random.normal(0, market, (days, 1))
    prices = 50 * np.exp(np.cumsum(steps - (own**2 + market**2) / 2, axis=0))
    return closes_of(prices)


def closes_of(prices: np.ndarray) -> CloseMatrix:
    """Closes on calendar days from `START`."""
    names = [f"c{i:02d}" for i in range(prices.shape[1])]
    return CloseMatrix(names, [START + timedelta(i) for i in range(len(prices))], prices)


def rings(companies: int) -> np.ndarray:
    """Every company with the two after it: [pairs, 2]."""
    own = np.arange(companies)
    pairs = np.vstack([np.column_stack([own, (own + step) % companies]) for step in (1, 2)])
    return np.sort(pairs, axis=1)


def formed_pairs(closes: CloseMatrix, settings: Backtest) -> pl.DataFrame:
    """Every pair of `rings`, formed on the first days, whatever its p."""
    log_prices = np.log(closes.prices[:FORMATION])
    return cointegrated_pairs(closes.company_ids, log_prices, rings(len(closes.company_ids)), settings)


def planted_baskets(closes: CloseMatrix) -> pl.DataFrame:
    """Every company's basket of the four after it, a fifth of each: on random walks a fit would find nothing."""
    ids = closes.company_ids
    rows = [(own, ids[(i + step) % len(ids)], 0.2) for i, own in enumerate(ids) for step in range(1, 5)]
    return pl.DataFrame(rows, schema=["company_id", "peer_id", "weight"], orient="row")


def window_of(closes: CloseMatrix, first: int) -> CloseMatrix:
    """The closes from row `first` on."""
    return CloseMatrix(closes.company_ids, closes.dates[first:], closes.prices[first:])


def pairs(closes: CloseMatrix, settings: Backtest) -> Window:
    """Pairs, formed on the first days and traded on the others."""
    row = FORMATION - 1
    return trade_pairs(window_of(closes, row), formed_pairs(closes, settings), closes.dates[row], settings)


def reversion(closes: CloseMatrix, settings: Backtest, baskets: pl.DataFrame | None = None) -> Window:
    """Losers against winners, by planted baskets."""
    row = FORMATION - 1
    baskets = planted_baskets(closes) if baskets is None else baskets
    return trade_reversion(closes, row, baskets, closes.dates[row], settings)


def hedged(closes: CloseMatrix, settings: Backtest) -> Window:
    """Every company held against its planted basket."""
    row = FORMATION - 1
    return hold_hedged(window_of(closes, row), planted_baskets(closes), closes.dates[row], settings)


STRATEGIES: dict[str, tuple[Strategy, dict[str, object]]] = {
    "pairs": (pairs, {}),
    "pairs, equal legs, either sign": (pairs, {"legs": "dollar_neutral", "negative_hedge": "one_side"}),
    "pairs, time stop, wide": (pairs, {"max_holding_days": 10, "entry_z": 1.5, "stop_z": 4.0}),
    "reversion, monthly": (reversion, {}),
    "reversion, weekly": (reversion, {"rebalance": "weekly"}),
    "hedged": (hedged, {}),
}
"""Every strategy and set of rules, with the settings that differ from the default."""
