"""One chronological book: what was traded on which day, marked to market daily, costs and borrow taken off.

The rules of pairs, for each pair and trading window. The spread is log a - hedge_ratio * log b; its z uses the mean and
standard deviation of the formation window alone. A trade at the close of a day is decided by z at the close before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.accounts import TRADING_DAYS, Ledger, settle
from assets.backtests.caps import NO_CAPS, Caps, caps_of, fits_alone
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.engine import Held, run, yesterday
from assets.backtests.legs import Legs, pair_legs, tradable
from assets.backtests.pair_rules import PairRules, longest_holding, moved_as_one, spread_z
from assets.backtests.quotes import Quotes, quotes
from assets.backtests.windows import Names, Window, window_tables
from resources.settings.backtest import Backtest

__all__ = [
    "TRADING_DAYS", "Book", "chronological_book", "hold_pairs", "pair_closes", "pair_market", "spread_z", "tradable",
    "trade_pairs", "traded_ledger",
]  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Book:
    """A chronological book over all windows."""

    returns: pl.DataFrame
    """Rows of `backtest_returns` without strategy, method and selection; `traded` (USD) besides."""
    trades: pl.DataFrame
    """Rows of `pair_trades` without strategy, method and selection."""
    capital: float
    """All positions of the fullest day at their opening size, traded or not (USD): the cash to begin with."""
    refused: int = 0
    """Openings that a cap kept out."""


def trade_pairs(closes: CloseMatrix, pairs: pl.DataFrame, as_of: date, settings: Backtest) -> Window:
    """Trade one window's pairs and return its days and its closed trades.

    Long the spread is long a and short b, as large as `pair_legs` says. Pairs that are not `tradable` are left out.

    Parameters
    ----------
    closes : CloseMatrix
        Closes of the window; row 0 is the last close up to the as-of date, which gives the first signal.
    pairs : DataFrame
        Rows of `cointegrated_pairs`: company_a, company_b, hedge_ratio, spread_mean, spread_sd; rank, where it is
        there, says whose turn it is first where a cap does not let all in; half_life, where the settings count in it.
    as_of : date
        When the pairs were formed.
    settings : Backtest
        Thresholds (standard deviations), leg size (USD) and costs (basis points).

    Returns
    -------
    tuple of DataFrame
        What `window_tables` returns.
    """
    pairs = tradable(pairs, settings).sort("rank" if "rank" in pairs.columns else ["company_a", "company_b"])
    market, legs = pair_market(closes, pairs, settings)
    held = hold_pairs(known_z(closes, pairs), market, legs, pair_caps(settings), pairs, settings)
    names = Names(pairs["company_a"].to_list(), pairs["company_b"].to_list())
    return window_tables(closes.dates, held, market, legs, names, as_of, settings)


def traded_ledger(closes: CloseMatrix, pairs: pl.DataFrame, settings: Backtest) -> Ledger:
    """Trade tradable pairs over a window in their order, each as if it were alone in its book.

    So a pair that a cap keeps out by itself is never opened, and no cap counts what pairs are together.
    """
    market, legs = pair_market(closes, pairs, settings)
    signal = np.where(fits_alone(legs, pair_caps(settings)), known_z(closes, pairs), np.nan)
    return settle(hold_pairs(signal, market, legs, NO_CAPS, pairs, settings), market, legs, settings)


def pair_caps(settings: Backtest) -> Caps:
    """Return the caps of a book of pairs, which is full with `max_pairs` of them."""
    return caps_of(2 * settings.leg_usd * settings.max_pairs, settings)


def known_z(closes: CloseMatrix, pairs: pl.DataFrame) -> Floats:
    """Return the z of each pair as known before each close, which is that of the close before: [days, pairs]."""
    z = spread_z(*pair_closes(closes, pairs), pairs)
    return np.concatenate([np.full_like(z[:1], np.nan), z[:-1]])


def pair_market(closes: CloseMatrix, pairs: pl.DataFrame, settings: Backtest) -> tuple[Quotes, Legs]:
    """Return the prices and the legs of pairs; a company without prices has a column of its own, the last."""
    return quotes(padded(closes.prices), settings), pair_legs(pairs, closes.column, settings)


def hold_pairs(signal: Floats, market: Quotes, legs: Legs, caps: Caps, pairs: pl.DataFrame, settings: Backtest) -> Held:
    """Return what is held of each pair, given its z as known before each close: [days, pairs].

    Once a leg has jumped its hedge ratio and mean belong to another level of prices: nothing is opened in the pair any
    more, and what is open runs to its stop.
    """
    jumped = np.maximum.accumulate(legs.any_of(market.jumped[:, legs.company]), axis=0)
    one = moved_as_one(*(market.marks[:, legs.company[leg::2]] for leg in (0, 1)))
    longest = longest_holding(pairs, settings)
    rules = PairRules(signal, yesterday(jumped), yesterday(one), longest, settings)
    return run(rules, market, legs, caps)


def chronological_book(windows: Sequence[Window], settings: Backtest) -> Book:
    """Join the windows of one strategy and method into one book; days that windows share are summed.

    Cash begins with the capital and earns nothing; cash and positions add up to equity on every day, to the cent.
    """
    days = pl.concat([days for days, _ in windows]).group_by("date", maintain_order=True).sum().sort("date")
    capital = round(float(days.select(pl.col("capital").max().fill_null(0)).item()), 2)
    earned = pl.col("gross_pnl") - pl.col("costs")
    returns = days.with_columns(
        net_return=earned / capital if capital else pl.lit(0.0),
        cash=(capital + (pl.col("received") - pl.col("costs")).cum_sum()),
        positions=pl.col("value"),
    ).with_columns(equity=pl.col("cash") + pl.col("positions"))
    # Amounts are whole cents; only adding them up as floats is not exact.
    cents = pl.col("gross_pnl", "costs", "exposure", "traded", "cash", "positions", "equity").round(2)
    columns = ("date", "gross_pnl", "costs", "exposure", "net_return", "cash", "positions", "equity", "traded")
    trades = pl.concat([trades for _, trades in windows]).sort("as_of", "company_a", "company_b", "direction", "opened")
    return Book(returns.with_columns(cents).select(columns), trades, capital, int(days["refused"].sum()))


def padded(prices: Floats) -> Floats:
    """Return closes with a column of NaN at the end, for companies that are not quoted: [days, companies + 1]."""
    return np.column_stack([prices, np.full(len(prices), np.nan)])


def pair_closes(closes: CloseMatrix, pairs: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return the closes of both legs of pairs, [days, pairs] each."""
    return _closes(closes, pairs["company_a"]), _closes(closes, pairs["company_b"])


def _closes(closes: CloseMatrix, company_ids: pl.Series) -> Floats:
    """Return the closes of one leg, [days, pairs]; all missing where the company is not quoted at all."""
    # Index -1 is the column of NaN.
    return padded(closes.prices)[:, np.array([closes.column.get(c, -1) for c in company_ids], dtype=np.int64)]
