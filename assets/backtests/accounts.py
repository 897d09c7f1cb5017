"""Accounts in whole cents: every amount is rounded once, when it is booked, so that sums are exact."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.backtests.engine import Held, yesterday
from assets.backtests.legs import Legs
from assets.backtests.quotes import Quotes
from resources.settings.backtest import Backtest

Cents = NDArray[np.int64]

TRADING_DAYS = 252


@dataclass(frozen=True)
class Ledger:
    """What positions did, each array [days, positions] in cents; row 0 is the close before the window.

    On every day value = value before + gross_pnl - received: what was earned is in the position, or in cash.
    """

    gross_pnl: Cents
    """Profit of the day before costs."""
    costs: Cents
    """Trading costs and borrow of the day."""
    exposure: Cents
    """Absolute value of the legs at the close before."""
    traded: Cents
    """Bought and sold at the day's close."""
    received: Cents
    """Cash for what was sold at the day's close, less cash for what was bought; costs not counted."""
    value: Cents
    """Worth after the day's close, short legs negative."""


def settle(held: Held, quotes: Quotes, legs: Legs, settings: Backtest) -> Ledger:
    """Mark positions to market, and charge costs for each side traded and borrow for what is short overnight.

    Costs are rounded as a running total, so that borrow of a fraction of a cent a day is not lost or doubled.
    """
    price = 100 * quotes.marks[:, legs.company]
    worth, value = _cents(yesterday(held.shares) * price), _cents(held.shares * price)
    before = yesterday(value)
    traded, short = (legs.sum_of(amount) for amount in (np.abs(worth - value), np.maximum(-before, 0)))
    borrow = short * settings.borrow_bps / 1e4 / TRADING_DAYS
    costs = _cents(np.cumsum(traded * settings.cost_bps / 1e4 + borrow, axis=0))
    return Ledger(
        gross_pnl=legs.sum_of(worth - before),
        costs=costs - yesterday(costs),
        exposure=legs.sum_of(np.abs(before)),
        traded=traded,
        received=legs.sum_of(worth - value),
        value=legs.sum_of(value),
    )


def _cents(amounts: NDArray[np.float64]) -> Cents:
    return np.rint(amounts).astype(np.int64)
