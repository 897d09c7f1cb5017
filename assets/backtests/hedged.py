"""Hedged holding: every company with a basket bought at the first close of the window, its basket sold, until the end.

It is no bet on which company does well. What it shows is what is left of a position once its peers are sold against it.
"""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.accounts import Ledger, settle
from assets.backtests.book import padded
from assets.backtests.caps import NO_CAPS, caps_of
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.engine import run
from assets.backtests.legs import Legs, basket_legs
from assets.backtests.quotes import Quotes, quotes
from assets.backtests.windows import BASKET, Names, Window, window_tables
from resources.settings.backtest import Backtest

Whole = NDArray[np.int8]
Numbers = NDArray[np.int64]


class HoldingRules:
    """Open everything on the first day, and close nothing before the last."""

    def exits(self, day: int, side: Whole, age: Numbers) -> Whole:
        """Return no reason to close."""
        return np.zeros_like(side)

    def entries(self, day: int, side: Whole, reason: Whole) -> Whole:
        """Return long for all on the first day; whoever has no price then is left out."""
        return np.full_like(side, day == 1)

    def resizes(self, day: int) -> bool:
        """Return False: shares stay as they were bought."""
        return False


def hold_hedged(closes: CloseMatrix, baskets: pl.DataFrame, as_of: date, settings: Backtest) -> Window:
    """Hold every company of the baskets against its basket and return the window's days and closed trades.

    Parameters
    ----------
    closes : CloseMatrix
        Closes of the window; row 0 is the last close up to the as-of date.
    baskets : DataFrame
        Rows of `hedge_baskets` of one method and date: company_id, peer_id, weight.
    """
    names = baskets["company_id"].unique().sort().to_list()
    market, legs = basket_market(closes, names, baskets, settings)
    held = run(HoldingRules(), market, legs, caps_of(float(legs.usd_of_positions().sum()), settings))
    called = Names(names, [BASKET] * len(names))
    return window_tables(closes.dates, held, market, legs, called, as_of, settings)


def basket_market(
    closes: CloseMatrix, names: list[str], baskets: pl.DataFrame, settings: Backtest
) -> tuple[Quotes, Legs]:
    """Return the prices of a window and the legs of names against their baskets, a position each."""
    return quotes(padded(closes.prices), settings), basket_legs(names, baskets, closes.column, settings)


def hedged_ledger(closes: CloseMatrix, names: list[str], baskets: pl.DataFrame, settings: Backtest) -> Ledger:
    """Return what each name held against its basket does, as if it were alone: no cap on what they are together."""
    market, legs = basket_market(closes, names, baskets, settings)
    return settle(run(HoldingRules(), market, legs, NO_CAPS), market, legs, settings)
