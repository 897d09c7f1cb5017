"""One chronological book of pairs: what was traded on which day, marked to market daily, costs and borrow taken off.

The rules, for each pair and trading window. The spread is log a - hedge_ratio * log b; its z uses the mean and
standard deviation of the formation window alone. A trade at the close of a day is decided by z at the close before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.close_matrix import CloseMatrix
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Whole = NDArray[np.int8]

TRADING_DAYS = 252
HEDGE_RATIOS = (0.01, 100.0)
"""Between which two legs of one size are any hedge at all."""
EXIT_REASONS = ("", "mean", "stop", "end of window", "stopped trading")
"""Names of the codes 1 to 4 that `positions` returns; 0 is no exit."""


@dataclass(frozen=True)
class Ledger:
    """What the pairs of one window did, each array [days, pairs]; row 0 is the close before the window."""

    held: Whole
    """1 long a and short b after the day's close, -1 the reverse, 0 flat."""
    reason: Whole
    """Why a position was closed that day, a code of `EXIT_REASONS`."""
    gross_pnl: Floats
    """Profit of the day before costs (USD)."""
    costs: Floats
    """Trading costs and borrow of the day (USD)."""
    exposure: Floats
    """Absolute positions at the close before (USD)."""
    traded: Floats
    """Bought and sold at the day's close (USD)."""


@dataclass(frozen=True)
class Book:
    """A chronological book over all windows."""

    returns: pl.DataFrame
    """Rows of `backtest_returns` without method and selection; `traded` (USD) besides."""
    trades: pl.DataFrame
    """Rows of `pair_trades` without method and selection."""
    capital: float
    """Two legs for each pair of the fullest day, traded or not (USD)."""


def trade_pairs(
    closes: CloseMatrix, pairs: pl.DataFrame, as_of: date, settings: Backtest
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Trade one window's pairs and return its days and its closed trades.

    Long the spread is long `leg_usd` of a and short `leg_usd` of b. Pairs that are not `tradable` are left out.

    Parameters
    ----------
    closes : CloseMatrix
        Closes of the window; row 0 is the last close up to the as-of date, which gives the first signal.
    pairs : DataFrame
        Rows of `cointegrated_pairs`: company_a, company_b, hedge_ratio, spread_mean, spread_sd.
    as_of : date
        When the pairs were formed.
    settings : Backtest
        Thresholds (standard deviations), leg size (USD) and costs (basis points).

    Returns
    -------
    tuple of DataFrame
        date, gross_pnl, costs, exposure, traded (USD) and pairs in the book, one row per day of the window, days
        without a position too; and rows of `pair_trades` without method and selection.
    """
    pairs = tradable(pairs).sort("company_a", "company_b")
    ledger = traded_ledger(closes, pairs, settings)
    return _days(closes, ledger), _trades(closes, ledger, pairs, as_of)


def traded_ledger(closes: CloseMatrix, pairs: pl.DataFrame, settings: Backtest) -> Ledger:
    """Trade tradable pairs over a window, in their order; the arguments are those of `trade_pairs`."""
    close_a, close_b = pair_closes(closes, pairs)
    z = spread_z(close_a, close_b, pairs)
    return trade(_yesterday(z), close_a, close_b, settings)


def tradable(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `cointegrated_pairs` that a book may trade.

    Both legs are of one size, which hedges only where the hedge ratio is positive and not far from 1; and a spread that
    never moved has no standard deviation to count in.
    """
    return pairs.filter(pl.col("hedge_ratio").is_between(*HEDGE_RATIOS) & (pl.col("spread_sd") > 0))


def chronological_book(windows: Sequence[tuple[pl.DataFrame, pl.DataFrame]], settings: Backtest) -> Book:
    """Join what `trade_pairs` returned for each window into one book; days that windows share are summed."""
    days = pl.concat([days for days, _ in windows]).group_by("date", maintain_order=True).sum().sort("date")
    capital = 2.0 * settings.leg_usd * float(days.select(pl.col("pairs").max().fill_null(0)).item())
    net = (pl.col("gross_pnl") - pl.col("costs")) / capital if capital else pl.lit(0.0)
    returns = days.with_columns(net_return=net).select("date", "gross_pnl", "costs", "exposure", "net_return", "traded")
    trades = pl.concat([trades for _, trades in windows]).sort("as_of", "company_a", "company_b", "opened")
    return Book(returns, trades, capital)


def spread_z(close_a: Floats, close_b: Floats, pairs: pl.DataFrame) -> Floats:
    """Return the spread in standard deviations of the formation window, [days, pairs], NaN without both prices."""
    hedge_ratio, mean, sd = (pairs[name].to_numpy() for name in ("hedge_ratio", "spread_mean", "spread_sd"))
    z: Floats = (np.log(close_a) - hedge_ratio * np.log(close_b) - mean) / sd
    return z


def trade(signal: Floats, close_a: Floats, close_b: Floats, settings: Backtest) -> Ledger:
    """Turn signals into positions, profits and costs.

    Parameters
    ----------
    signal : [days, pairs] float64
        z as known before the day's close, at which it is traded.
    close_a, close_b : [days, pairs] float64
        Closes of the legs (USD), NaN where there is none: such a leg is marked, and sold, at its last price.
    """
    held, reason = positions(signal, ~np.isnan(close_a + close_b), settings)
    price_a, price_b = _last_known(close_a), _last_known(close_b)
    before, was_flat = _yesterday(held), _yesterday(held) == 0
    shares_a = _shares(held, was_flat, price_a, settings.leg_usd)
    shares_b = -_shares(held, was_flat, price_b, settings.leg_usd)
    held_a, held_b = _yesterday(shares_a), _yesterday(shares_b)
    worth_a, worth_b = held_a * _yesterday(price_a), held_b * _yesterday(price_b)
    gross = held_a * price_a - worth_a + held_b * price_b - worth_b
    opened = 2 * settings.leg_usd * (was_flat & (held != 0))
    closed = (np.abs(held_a) * price_a + np.abs(held_b) * price_b) * ((held == 0) & (before != 0))
    borrowed = np.maximum(-worth_a, 0) + np.maximum(-worth_b, 0)
    traded = opened + closed
    costs = traded * settings.cost_bps / 1e4 + borrowed * settings.borrow_bps / 1e4 / TRADING_DAYS
    return Ledger(held, reason, gross, costs, np.abs(worth_a) + np.abs(worth_b), traded)


def positions(signal: Floats, tradable: NDArray[np.bool_], settings: Backtest) -> tuple[Whole, Whole]:
    """Decide day by day what is held.

    Open where |z| is above `entry_z` and below `stop_z`, against z. Close where z is back at `exit_z`, where it
    runs on to `stop_z`, where a leg has no price, and on the last day. After a stop the pair waits until z has come
    back to `exit_z`. Nothing is opened on the last day or on the day of a close.

    Parameters
    ----------
    signal : [days, pairs] float64
        z as known before the day's close.
    tradable : [days, pairs] bool
        Whether both legs have a price that day.

    Returns
    -------
    tuple of [days, pairs] int8
        1 long a and short b after the close, -1 the reverse, 0 flat; and the code of the exit reason.
    """
    held, reason = np.zeros(signal.shape, np.int8), np.zeros(signal.shape, np.int8)
    stopped = np.zeros(signal.shape[1], np.int8)
    for day in range(1, len(signal)):
        z, was, last = signal[day], held[day - 1], day == len(signal) - 1
        reason[day] = _exits(-was * z, was != 0, tradable[day], last, settings)
        stopped = np.where(-stopped * z <= settings.exit_z, 0, stopped)
        enter = (
            (was == 0) & (stopped == 0) & tradable[day] & (np.abs(z) > settings.entry_z) & (np.abs(z) < settings.stop_z)
        )
        if not last:
            held[day] = np.where(was != 0, was * (reason[day] == 0), np.where(enter, -np.sign(z), 0))
        stopped = np.where(reason[day] == EXIT_REASONS.index("stop"), was, stopped)
    return held, reason


def _exits(
    adverse_z: Floats, is_open: NDArray[np.bool_], tradable: NDArray[np.bool_], last: bool, settings: Backtest
) -> Whole:
    """Return the code of the reason to close each pair today, 0 for none.

    `adverse_z` is z, positive on the side of the entry.
    """
    rules = (
        (~tradable, "stopped trading"),
        (adverse_z <= settings.exit_z, "mean"),
        (adverse_z >= settings.stop_z, "stop"),
        (np.full(len(tradable), last), "end of window"),
    )
    codes = np.select([is_open & rule for rule, _ in rules], [EXIT_REASONS.index(name) for _, name in rules], 0)
    return codes.astype(np.int8)


def pair_closes(closes: CloseMatrix, pairs: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return the closes of both legs of pairs, [days, pairs] each."""
    return _closes(closes, pairs["company_a"]), _closes(closes, pairs["company_b"])


def _closes(closes: CloseMatrix, company_ids: pl.Series) -> Floats:
    """Return the closes of one leg, [days, pairs]; all missing where the company is not quoted at all."""
    column = {company_id: i for i, company_id in enumerate(closes.company_ids)}
    # One column of NaN at the end: index -1 is a company without quotes.
    padded = np.column_stack([closes.prices, np.full(len(closes.dates), np.nan)])
    return padded[:, np.array([column.get(c, -1) for c in company_ids], dtype=np.int64)]


def _last_known(close: Floats) -> Floats:
    """Return the close, or the last one before it; 0 before the first."""
    row = np.maximum.accumulate(np.where(np.isnan(close), 0, np.arange(len(close))[:, None]), axis=0)
    return np.nan_to_num(np.take_along_axis(close, row, axis=0))


def _shares(held: Whole, was_flat: NDArray[np.bool_], price: Floats, leg_usd: float) -> Floats:
    """Return the shares after each close: what `leg_usd` bought at the opening, until the position is closed."""
    opening = np.where(was_flat & (held != 0), np.arange(len(held))[:, None], 0)
    paid = np.take_along_axis(price, np.maximum.accumulate(opening, axis=0), axis=0)
    shares: Floats = np.divide(held * leg_usd, paid, out=np.zeros_like(paid), where=paid > 0)
    return shares


def _yesterday(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the row above; zeros above the first."""
    return np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])


def _days(closes: CloseMatrix, ledger: Ledger) -> pl.DataFrame:
    """Return the window's days summed over pairs, row 0 left out: it belongs to the time before."""
    names = ("gross_pnl", "costs", "exposure", "traded")
    sums = {name: getattr(ledger, name)[1:].sum(axis=1) for name in names}
    days = pl.DataFrame({"date": pl.Series(closes.dates[1:], dtype=pl.Date), **sums})
    return days.with_columns(pl.lit(ledger.held.shape[1], pl.Int64).alias("pairs"))


def _trades(closes: CloseMatrix, ledger: Ledger, pairs: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return one row per closed trade; every trade is closed, for nothing is held after the last day."""
    before = _yesterday(ledger.held)
    pair, opened = np.nonzero(((before == 0) & (ledger.held != 0)).T)
    _, closed = np.nonzero(((before != 0) & (ledger.held == 0)).T)
    dates = pl.Series(closes.dates, dtype=pl.Date)
    return pl.DataFrame(
        {
            "as_of": pl.repeat(as_of, len(pair), dtype=pl.Date, eager=True),
            "company_a": pairs["company_a"].gather(pair),
            "company_b": pairs["company_b"].gather(pair),
            "direction": ledger.held[opened, pair].astype(np.int32),
            "opened": dates.gather(opened),
            "closed": dates.gather(closed),
            "exit_reason": pl.Series([EXIT_REASONS[code] for code in ledger.reason[closed, pair]], dtype=pl.String),
            "gross_pnl": _between(ledger.gross_pnl, pair, opened, closed),
            "costs": _between(ledger.costs, pair, opened, closed),
        }
    )


def _between(daily: Floats, pair: NDArray[np.int64], opened: NDArray[np.int64], closed: NDArray[np.int64]) -> Floats:
    """Return the sum of each trade's days, the opening and the closing day among them."""
    return np.array([daily[first : last + 1, p].sum() for p, first, last in zip(pair, opened, closed, strict=True)])
