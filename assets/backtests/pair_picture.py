"""One pair as it was traded: z day by day, and its trades."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.book import pair_closes, spread_z
from assets.backtests.walk import trading_window
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairHistory:
    """A pair over one trading window."""

    title: str
    dates: list[date]
    z: Floats
    """[days] standard deviations of the formation window, NaN without both prices."""
    trades: Sequence[Mapping[str, Any]]
    """Rows of `pair_trades`."""
    thresholds: tuple[float, float]
    """Where a trade is opened, and where it is stopped."""

    def place(self, day: date) -> tuple[date, float]:
        """Return a day with z at its close."""
        return day, float(self.z[self.dates.index(day)])


class Windows:
    """The trading windows of prices, each made once."""

    def __init__(self, prices: pl.DataFrame, settings: Backtest) -> None:
        self.settings = settings
        self.names = dict(prices.select("company_id", "ticker").unique().sort("company_id", "ticker").iter_rows())
        self.window = cache(lambda as_of: trading_window(prices, as_of, settings))


def most_traded(trades: pl.DataFrame, pairs: pl.DataFrame, windows: Windows) -> PairHistory | None:
    """Return the pair and window of one book with the most trades, None where there is no trade.

    Of equal ones the earliest, then the first by name.

    Parameters
    ----------
    trades, pairs : DataFrame
        Rows of `pair_trades` of one book, and of `cointegrated_pairs` of its method.
    windows : Windows
        The prices that it was traded at.
    """
    key = ["as_of", "company_a", "company_b"]
    counts = trades.group_by(key).len().sort("len", *key, descending=[True, False, False, False])
    formed = pairs.join(counts.head(1), on=key, how="semi")
    if formed.is_empty():
        return None
    as_of, *companies = formed.select(key).row(0)
    closes, settings = windows.window(as_of), windows.settings
    z = spread_z(*pair_closes(closes, formed), formed)[:, 0]
    title = f"{' and '.join(windows.names.get(company) or company for company in companies)}, formed {as_of}"
    own = trades.join(formed, on=key, how="semi").sort("opened").to_dicts()
    return PairHistory(title, closes.dates, z, own, (settings.entry_z, settings.stop_z))
