"""The acceptance test of every backtest engine (docs/method.md): on independent random walks there is nothing to earn.

Pair selection is bypassed: 50 random pairs, the same in all windows, 20 seeds, Sharpe ratios before costs. Two engines
that see what they could not have known must fail the same test, so that it is known to be able to fail.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from assets.backtests.accounts import settle
from assets.backtests.book import chronological_book, hold_pairs, pair_closes, pair_market, spread_z, trade_pairs
from assets.backtests.candidate_pairs import random_pairs
from assets.backtests.caps import NO_CAPS
from assets.backtests.close_matrix import formation_prices, trading_closes
from assets.backtests.cointegration import cointegrated_pairs
from assets.backtests.legs import tradable
from assets.backtests.performance import sharpe
from resources.settings.backtest import Backtest

COMPANIES, PAIRS, SEEDS = 60, 50, range(20)
FORMATION, TRADING, WINDOWS = 250, 125, 8
START = date(2000, 1, 1)
SETTINGS = Backtest()

Window = tuple[pl.DataFrame, pl.DataFrame]


def walk_prices(seed: int) -> pl.DataFrame:
    days = FORMATION + WINDOWS * TRADING
    steps = np.random.default_rng(seed).normal(0, 0.02, (days, COMPANIES))
    wide = pl.DataFrame(50 * np.exp(np.cumsum(steps, axis=0)), schema=[f"c{i:02d}" for i in range(COMPANIES)])
    dates = pl.Series("date", [START + timedelta(i) for i in range(days)])
    return wide.with_columns(dates).unpivot(index="date", variable_name="company_id", value_name="adj_close")


def walk_forward(seed: int, engine: Callable[..., Window]) -> list[Window]:
    prices, pairs = walk_prices(seed), random_pairs(COMPANIES, PAIRS, seed)
    ends = [START + timedelta(FORMATION - 1 + w * TRADING) for w in range(WINDOWS + 1)]
    windows = []
    for as_of, last in pairwise(ends):
        company_ids, _, log_prices = formation_prices(prices, as_of - timedelta(FORMATION - 1), as_of, 1.0)
        formed = cointegrated_pairs(company_ids, log_prices, pairs, SETTINGS)
        windows.append(engine(trading_closes(prices, as_of, last), formed, as_of, SETTINGS))
    return windows


def seeing(foresight: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Window]:
    """An engine whose signal is made of the whole window's z, the future included."""

    def engine(quotes: object, formed: pl.DataFrame, as_of: date, settings: Backtest) -> Window:
        formed = tradable(formed, settings)
        signal = foresight(spread_z(*pair_closes(quotes, formed), formed))
        market, legs = pair_market(quotes, formed, settings)
        held = hold_pairs(signal, market, legs, NO_CAPS, formed, settings)
        ledger = settle(held, market, legs, settings)
        days = pl.DataFrame({"date": quotes.dates[1:], "gross_pnl": ledger.gross_pnl[1:].sum(axis=1)})
        return days, pl.DataFrame({"trade": np.flatnonzero(held.reason)})

    return engine


def tomorrow(z: np.ndarray) -> np.ndarray:
    """Trade at a close what the close after it says."""
    return np.vstack([z[1:], z[-1:]])


def whole_window(z: np.ndarray) -> np.ndarray:
    """Yesterday's spread, but in units of the mean and standard deviation of the window it is traded in."""
    return np.vstack([z[:1], ((z - z.mean(axis=0)) / z.std(axis=0))[:-1]])


ENGINES = {"honest": trade_pairs, "tomorrow": seeing(tomorrow), "whole window": seeing(whole_window)}


@cache
def outcomes(engine: str) -> tuple[np.ndarray, np.ndarray]:
    """Sharpe ratio before costs and closed trades of every seed."""
    books = [walk_forward(seed, ENGINES[engine]) for seed in SEEDS]
    sharpes = [sharpe(np.concatenate([days["gross_pnl"].to_numpy() for days, _ in book])) for book in books]
    return np.array(sharpes), np.array([sum(trades.height for _, trades in book) for book in books])


def standard_errors_from_zero(sharpes: np.ndarray) -> float:
    return float(sharpes.mean() / (sharpes.std(ddof=1) / np.sqrt(len(sharpes))))


def test_each_seed_closes_at_least_200_trades() -> None:
    assert outcomes("honest")[1].min() >= 200


def test_random_walks_earn_nothing_before_costs() -> None:
    assert abs(standard_errors_from_zero(outcomes("honest")[0])) < 2


@pytest.mark.parametrize("engine", ["tomorrow", "whole window"])
def test_an_engine_that_sees_the_future_fails_this_test(engine: str) -> None:
    sharpes, trades = outcomes(engine)
    assert trades.min() >= 200
    assert abs(standard_errors_from_zero(sharpes)) > 5


def test_z_of_the_whole_window_earns_money_out_of_noise() -> None:
    assert outcomes("whole window")[0].mean() > 1.5


def test_random_walks_lose_the_costs() -> None:
    book = chronological_book(walk_forward(0, trade_pairs), SETTINGS)
    assert book.returns.height == WINDOWS * TRADING
    assert sharpe(book.returns["net_return"].to_numpy()) < sharpe(book.returns["gross_pnl"].to_numpy())
    assert book.trades["costs"].sum() == pytest.approx(book.returns["costs"].sum())
