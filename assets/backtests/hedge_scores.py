"""How much of each company's variance its basket takes away, before the as-of date and in the months after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.basket import daily_moves
from assets.backtests.close_matrix import CloseMatrix, formation_closes, trading_closes
from assets.backtests.finished import finished, trading_end
from assets.backtests.quotes import JUMP
from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_DAYS = 20
"""Days after the as-of date without which a variance is not measured: a month."""


@dataclass(frozen=True)
class Returns:
    """Daily returns of companies, each array [days, companies]."""

    company_ids: list[str]
    dates: list[date]
    simple: Floats
    """Simple returns."""
    known: Flags
    """Whether the company has a close on the day and on the day before."""
    jumped: Flags
    """Whether the return is a jump: a factor of `JUMP` or more."""


def returns_of(closes: CloseMatrix) -> Returns:
    """Return the daily returns of closes."""
    moves, priced = daily_moves(np.log(closes.prices)), ~np.isnan(closes.prices)
    known = priced & np.roll(priced, 1, axis=0)
    known[:1] = False
    return Returns(closes.company_ids, closes.dates, np.expm1(moves), known, np.abs(moves) >= np.log(JUMP))


def returns_around(prices: pl.DataFrame, as_of: date, settings: Backtest) -> tuple[Returns, Returns | None]:
    """Return the returns of the formation window, and those of the trading months, None until they are over."""
    first, last = prices["date"].min(), prices["date"].max()
    before = returns_of(formation_closes(prices, first, as_of))  # type: ignore[arg-type]
    over = finished(as_of, last, settings)  # type: ignore[arg-type]
    return before, returns_of(trading_closes(prices, as_of, trading_end(as_of, settings))) if over else None


def hedge_scores(baskets: pl.DataFrame, before: Returns, after: Returns | None) -> Iterator[dict[str, object]]:
    """Yield the rows of `hedge_scores` of one as-of date, without as_of.

    Returns are simple and daily; weights stay as they were fitted, which is a basket that is brought back to them
    every day. Days on which a leg has no close, or none the day before, are left out; a jump counts after the date,
    where it was earned, and not before it, where nothing was fitted on it.

    Parameters
    ----------
    baskets : DataFrame
        Rows of `hedge_baskets` of one as-of date.
    before, after : Returns
        Of the formation window, and of the trading months; None until they are over.
    """
    rows = baskets.sort("method", "company_id", "peer_id").group_by("method", "company_id", maintain_order=True)
    columns = [{c: i for i, c in enumerate(r.company_ids)} if r else {} for r in (before, after)]
    for (method, company), legs in rows:
        names, weights = [str(company), *legs["peer_id"]], legs["weight"].to_numpy()
        fitted = _hedge(before, [columns[0].get(name) for name in names], weights, jumps=False)
        if fitted is None:
            continue
        (raw, hedged), row = fitted.variances, {"method": method, "company_id": company, "legs": legs.height}
        later = _hedge(after, [columns[1].get(name) for name in names], weights, jumps=True) if after else None
        row |= {"variance_before": raw, "hedged_before": hedged, "correlation_before": fitted.correlation}
        row |= {"days_before": len(fitted.dates)}
        yield row | ({"jump": False} if later is None else _after(later))


@dataclass(frozen=True)
class _Hedge:
    """Returns of a company and of its basket, on the days on which every leg has one: [days]."""

    own: Floats
    basket: Floats
    dates: list[date]
    jump: bool

    @property
    def variances(self) -> tuple[float, float]:
        return float(self.own.var(ddof=1)), float((self.own - self.basket).var(ddof=1))

    @property
    def correlation(self) -> float | None:
        flat = not (np.ptp(self.own) > 0 and np.ptp(self.basket) > 0)
        return None if flat else float(np.corrcoef(self.own, self.basket)[0, 1])


def _after(measured: _Hedge) -> dict[str, object]:
    raw, hedged = measured.variances
    return {
        "variance_after": raw,
        "hedged_after": hedged,
        "correlation_after": measured.correlation,
        "days_after": len(measured.dates),
        "last_day": measured.dates[-1],
        "raised": hedged > raw,
        "jump": measured.jump,
    }


def _hedge(returns: Returns, columns: Sequence[int | None], weights: Floats, *, jumps: bool) -> _Hedge | None:
    """Return a hedge by the columns of the company and its legs; days with a jump count only where `jumps` says so.

    None where a leg has no column, or where there are fewer than `FEWEST_DAYS` days.
    """
    if None in columns:
        return None
    legs = np.array(columns, dtype=np.int64)
    used, jumped = returns.known[:, legs].all(axis=1), returns.jumped[:, legs].any(axis=1)
    days = np.flatnonzero(used & (jumps | ~jumped))
    if len(days) < FEWEST_DAYS:
        return None
    simple = returns.simple[np.ix_(days, legs)]
    return _Hedge(simple[:, 0], simple[:, 1:] @ weights, [returns.dates[day] for day in days], bool(jumped.any()))
