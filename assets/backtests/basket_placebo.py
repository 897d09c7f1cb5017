"""Books on baskets of random peers: the rules of mean reversion and hedged holding, with peers that mean nothing.

For every name of a date `DRAWS` baskets are fitted on peers drawn from all companies, as many as real ones; a placebo
book takes one of them for each name that the real book trades, so books are as many as there are ways to mix them. No
cap counts what positions are together. Methods that trade the same names at all dates share their placebo.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.accounts import settle
from assets.backtests.basket import FormedReturns, fitted_baskets, formed_returns
from assets.backtests.caps import NO_CAPS
from assets.backtests.close_matrix import closes_around, formation_rows
from assets.backtests.finished import finished_dates, trading_end
from assets.backtests.hedged import hedged_ledger
from assets.backtests.placebo import BookName, Placebo
from assets.backtests.reversion import hold_sides, known_signal
from assets.backtests.walk import EVERY, Prices
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

DRAWS = 20
"""Baskets of random peers for each name."""
AT_ONCE = 20_000
"""Names of the books of mean reversion that go through the days together, one book at least."""
Names = tuple[str, ...]
Dated = tuple[tuple[date, Names], ...]
"""The names that a book trades after each as-of date."""


def placebo_of_baskets(
    baskets: pl.DataFrame, prices: pl.DataFrame, settings: Backtest, capitals: Mapping[BookName, float]
) -> dict[BookName, Placebo]:
    """Return the placebo of every book on baskets that `walk_forward` makes of the same rows: of finished windows.

    Parameters
    ----------
    baskets : DataFrame
        Rows of `hedge_baskets` of all as-of dates.
    prices : DataFrame
        Rows of `prices`, from `formation_months` before the first as-of date.
    capitals : mapping
        What each real book has (USD); one that has nothing has no placebo.
    """
    over = finished_dates(baskets["as_of"], prices, settings)
    traded = {
        str(method): tuple((day, tuple(rows.filter(as_of=day)["company_id"].unique().sort())) for day in over)
        for (method,), rows in baskets.filter(pl.col("as_of").is_in(over)).sort("method").group_by("method")
    }
    gains = _gains(set(traded.values()), prices, settings)
    found: dict[BookName, Placebo] = {}
    for strategy in STRATEGIES:
        for method, dated in traded.items():
            name = (method, EVERY, strategy)
            if capital := capitals.get(name):
                days, gain = gains[strategy, dated]
                found[name] = Placebo(days, gain / capital, capital)
    return found


def _gains(
    profiles: set[Dated], prices: pl.DataFrame, settings: Backtest
) -> dict[tuple[str, Dated], tuple[list[date], Floats]]:
    """Return the days of each profile and what every placebo book of it earns on them: [days, books] USD."""
    names: dict[date, set[Names]] = {}
    for as_of, wanted in (pair for profile in profiles for pair in profile):
        names.setdefault(as_of, set()).add(wanted)
    windows = {
        (as_of, strategy, wanted): gain
        for number, as_of in enumerate(sorted(names))
        for strategy, wanted, gain in _window(names[as_of], prices, as_of, settings, number)
    }
    return {
        (strategy, profile): _added([windows[as_of, strategy, wanted] for as_of, wanted in profile], settings)
        for profile in profiles
        for strategy in STRATEGIES
    }


def _window(
    asked: set[Names], prices: pl.DataFrame, as_of: date, settings: Backtest, number: int
) -> Iterator[tuple[str, Names, tuple[list[date], Floats]]]:
    """Yield what placebo books earn in one window, by strategy and names: its days, [days, books] USD."""
    closes = Prices(*closes_around(prices, as_of, trading_end(as_of, settings)))
    pool = random_baskets(prices, as_of, settings, settings.seed + number)
    # One whom no random peer hedges in some draw has no basket there to be picked.
    fitted = set[str].intersection(*(set(baskets["company_id"]) for baskets in pool))
    for wanted in sorted(asked):
        random = np.random.default_rng([settings.seed, number])
        known = tuple(name for name in wanted if name in fitted)
        drawn = [baskets.filter(pl.col("company_id").is_in(known)) for baskets in pool]
        picks = random.integers(0, DRAWS, size=(settings.placebo_books, len(known)))
        for strategy, gains in STRATEGIES.items():
            found = gains(closes, known, drawn, picks, settings) if known else np.zeros((0, len(picks)))
            yield strategy, wanted, (closes.window.dates[1:] if known else [], found)


def random_baskets(prices: pl.DataFrame, as_of: date, settings: Backtest, seed: int) -> list[pl.DataFrame]:
    """Return `DRAWS` times the basket of every company on random peers: company_id, peer_id, weight.

    They are fitted as real ones are, on the days of the formation window; nothing after the as-of date is read.
    """
    known = formation_rows(prices, as_of, settings.formation_months)
    formed, random = formed_returns(known, as_of, settings), np.random.default_rng(seed)
    return [_baskets(formed, random, settings.basket_peers) for _ in range(DRAWS)]


def _baskets(formed: FormedReturns, random: np.random.Generator, peers: int) -> pl.DataFrame:
    ids = formed.company_ids
    # One more is drawn than is wanted, for the company itself may be among them.
    drawn = {
        own: [ids[i] for i in random.choice(len(ids), min(peers + 1, len(ids)), replace=False) if ids[i] != own][:peers]
        for own in ids
    }
    schema = {"company_id": pl.String, "peer_id": pl.String, "weight": pl.Float64}
    return pl.DataFrame(fitted_baskets(formed, drawn), schema=schema)


def hedged_gains(
    closes: Prices, names: Names, pool: Sequence[pl.DataFrame], picks: Whole, settings: Backtest
) -> Floats:
    """Return what books of names held against the baskets picked for them earn after costs: [days, books] USD."""
    window = closes.window
    gains = np.zeros((len(window.dates) - 1, len(picks)))
    for draw, baskets in enumerate(pool):
        ledger = hedged_ledger(window, list(names), baskets, settings)
        gains += (ledger.gross_pnl - ledger.costs)[1:] @ (picks == draw).T.astype(np.float64)
    return gains


def reversion_gains(
    closes: Prices, names: Names, pool: Sequence[pl.DataFrame], picks: Whole, settings: Backtest
) -> Floats:
    """Return what books of mean reversion against the baskets picked for their names earn: [days, books] USD."""
    signals = np.stack([known_signal(closes.all, closes.first, names, baskets) for baskets in pool])
    gains, column = np.zeros((signals.shape[1] - 1, len(picks))), np.arange(len(names))
    books = max(1, AT_ONCE // len(names))
    for start in range(0, len(picks), books):
        own = picks[start : start + books]
        signal = signals[own[None], np.arange(signals.shape[1])[:, None, None], column]
        ledger = settle(*hold_sides(closes.all, closes.first, names, signal, NO_CAPS, settings), settings)
        net = (ledger.gross_pnl - ledger.costs)[1:]
        gains[:, start : start + len(own)] = net.reshape(len(net), len(own), -1).sum(axis=2)
    return gains


Gains = Callable[[Prices, Names, Sequence[pl.DataFrame], Whole, Backtest], Floats]
STRATEGIES: dict[str, Gains] = {"reversion": reversion_gains, "hedged": hedged_gains}


def _added(windows: Sequence[tuple[list[date], Floats]], settings: Backtest) -> tuple[list[date], Floats]:
    """Return windows in one line; on days that they share, what they earn is added up."""
    days = sorted({day for dates, _ in windows for day in dates})
    row, total = {day: number for number, day in enumerate(days)}, np.zeros((len(days), settings.placebo_books))
    for dates, gain in windows:
        total[[row[day] for day in dates]] += gain
    return days, total
