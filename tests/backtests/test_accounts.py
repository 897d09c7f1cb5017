"""Cash and positions add up to equity, and trades to what equity gained: to the cent, in decimals."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from assets.backtests.book import Book, chronological_book
from tests.backtests.planted import FORMATION, FREE, STRATEGIES, closes_of, walks

SETTINGS = FREE.model_copy(update={"cost_bps": 7.3, "borrow_bps": 333.0, "leg_usd": 3333.33, "halt_days": 3})


def cents(amounts: Sequence[float]) -> list[Decimal]:
    """Amounts as they are printed: a fraction of a cent would be there."""
    found = [Decimal(str(amount)) for amount in amounts]
    assert all(amount == round(amount, 2) for amount in found)
    return found


def made(name: str) -> Book:
    """The book of a strategy on walks of which two stop."""
    trade, changes = STRATEGIES[name]
    prices = walks(7, FORMATION + 120, 12, market=0.01).prices
    prices[FORMATION + 40 :, 3], prices[FORMATION + 70 : FORMATION + 72, 5] = np.nan, np.nan
    settings = SETTINGS.model_copy(update=changes)
    return chronological_book([trade(closes_of(prices), settings)], settings)


@pytest.mark.parametrize("name", STRATEGIES)
def test_cash_and_positions_are_equity_every_day_and_trades_are_its_change(name: str) -> None:
    book = made(name)
    cash, positions, equity = (cents(book.returns[column]) for column in ("cash", "positions", "equity"))
    assert [c + p for c, p in zip(cash, positions, strict=True)] == equity
    assert positions[-1] == 0
    (capital,) = cents([book.capital])
    nets, gross, costs = (cents(book.trades[column]) for column in ("net_pnl", "gross_pnl", "costs"))
    assert [g - c for g, c in zip(gross, costs, strict=True)] == nets
    assert sum(nets) == equity[-1] - capital != 0
    earned = zip(cents(book.returns["gross_pnl"]), cents(book.returns["costs"]), strict=True)
    changes = [after - before for before, after in zip([capital, *equity], equity, strict=False)]
    assert [g - c for g, c in earned] == changes


def test_every_trade_has_its_reason_its_costs_and_its_days() -> None:
    for name in STRATEGIES:
        trades = made(name).trades
        assert "" not in set(trades["exit_reason"])
        assert (trades["costs"] > 0).all()
        assert (trades["closed"] > trades["opened"]).all()
    assert set(made("reversion, weekly").trades["exit_reason"]) == {"rebalanced", "end of window"}
    assert set(made("hedged").trades["exit_reason"]) == {"stopped trading", "end of window"}


def test_no_cent_of_borrow_is_lost_to_rounding() -> None:
    days, companies = 200, 12
    closes = closes_of(np.ones((FORMATION + days, companies)))
    trade, _ = STRATEGIES["hedged"]
    settings = FREE.model_copy(update={"borrow_bps": 50.0, "leg_usd": 100.0})
    returns, trades = trade(closes, settings)
    # Four short legs of 20 USD cost a sixth of a cent a day: rounded every day there would be nothing to pay.
    expected = 80 * 0.005 * (days - 1) / 252
    assert trades["costs"].to_list() == pytest.approx([expected] * companies, abs=0.005)
    assert returns["costs"].sum() == pytest.approx(trades["costs"].sum())
