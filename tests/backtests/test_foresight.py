"""No strategy sees what comes: prices after a day change nothing up to it, and a day's own closes no decision of it."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from assets.backtests import book, reversion
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.windows import Window
from tests.backtests.planted import FORMATION, FREE, STRATEGIES, closes_of, walks

DAYS, COMPANIES, TIMES = FORMATION + 50, 10, 50
DECISION = ("company_a", "company_b", "direction", "opened")

Trade = Callable[[CloseMatrix], Window]


def strategy(name: str) -> Trade:
    trade, changes = STRATEGIES[name]
    settings = FREE.model_copy(update={"cost_bps": 10.0, "borrow_bps": 100.0, **changes})
    return lambda closes: trade(closes, settings)


def garbage_after(closes: CloseMatrix, row: int, seed: int) -> CloseMatrix:
    """Any prices, holes and jumps in place of what comes after a row."""
    random, prices = np.random.default_rng(seed), closes.prices.copy()
    later = prices[row + 1 :]
    later[:] = np.exp(random.normal(3, 2, later.shape))
    later[random.random(later.shape) < 0.1] = np.nan
    return closes_of(prices)


def seen(window: Window, closes: CloseMatrix, row: int) -> list[pl.DataFrame]:
    """All that a book says of the days up to a row: equity and accounts, closed trades, and what was opened."""
    days, trades = window
    day = closes.dates[row]
    return [
        days.filter(pl.col("date") <= day),
        trades.filter(pl.col("closed") <= day),
        trades.filter(pl.col("opened") <= day).select(DECISION).sort(DECISION),
    ]


def sees_the_future(trade: Trade) -> bool:
    """Whether anything up to some of `TIMES` random days depends on what comes after them."""
    closes, random = walks(3, DAYS, COMPANIES, market=0.01), np.random.default_rng(0)
    known = trade(closes)
    for seed, row in enumerate(random.integers(FORMATION, DAYS - 1, TIMES)):
        other = trade(garbage_after(closes, row, seed))
        if not all(a.equals(b) for a, b in zip(*(seen(w, closes, row) for w in (known, other)), strict=True)):
            return True
    return False


@pytest.mark.parametrize("name", STRATEGIES)
def test_prices_after_a_day_change_no_trade_and_no_equity_up_to_it(name: str) -> None:
    assert not sees_the_future(strategy(name))


@pytest.mark.parametrize("name", ["pairs", "reversion, weekly"])
def test_an_engine_that_sees_tomorrow_is_caught_by_the_same_test(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known_z = book.known_z

    def tomorrow(*given: object) -> np.ndarray:
        known = known_z(*given)
        return np.vstack([known[2:], known[-1:], known[-1:]])

    monkeypatch.setattr(book, "known_z", tomorrow)
    monkeypatch.setattr(reversion, "yesterday_known", lambda signal: np.vstack([signal[1:], signal[-1:]]))
    assert sees_the_future(strategy(name))


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_day_s_own_closes_change_no_decision_of_that_day(name: str) -> None:
    trade, closes = strategy(name), walks(4, DAYS, COMPANIES, market=0.01)
    known, random = trade(closes)[1], np.random.default_rng(1)
    for row in random.integers(FORMATION, DAYS - 1, 10):
        prices, day = closes.prices.copy(), closes.dates[row]
        prices[row:] *= np.exp(random.normal(0, 0.1, COMPANIES))
        changed = trade(closes_of(prices))[1]
        decided = [rows.filter(pl.col("opened") <= day).select(DECISION).sort(DECISION) for rows in (known, changed)]
        assert decided[0].equals(decided[1])
