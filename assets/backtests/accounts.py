"""Accounts in whole cents: every amount is rounded once, when it is booked, so that all sums agree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.backtests.engine import Held, yesterday
from assets.backtests.legs import Legs
from assets.backtests.quotes import Quotes
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Cents = NDArray[np.int64]

TRADING_DAYS = 252


@dataclass(frozen=True)
class Ledger:
    """What positions did, each array [days, positions]; row 0 is the close before the window.

    Amounts are in USD, and whole cents. On every day value = value before + gross_pnl - received: what was earned is in
    the position, or in cash.
    """

    gross_pnl: Floats
    """Profit of the day before costs."""
    costs: Floats
    """Trading costs and borrow of the day."""
    exposure: Floats
    """Absolute value of the legs at the close before."""
    traded: Floats
    """Bought and sold at the day's close."""
    received: Floats
    """Cash for what was sold at the day's close, less cash for what was bought; costs not counted."""
    value: Floats
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
        gross_pnl=legs.sum_of(worth - before) / 100,
        costs=(costs - yesterday(costs)) / 100,
        exposure=legs.sum_of(np.abs(before)) / 100,
        traded=traded / 100,
        received=legs.sum_of(worth - value) / 100,
        value=legs.sum_of(value) / 100,
    )


def _cents(amounts: NDArray[np.float64]) -> Cents:
    return np.rint(amounts).astype(np.int64)
