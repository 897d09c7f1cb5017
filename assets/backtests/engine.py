"""The day loop that every strategy goes through: what is open after each close, and why it was closed."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assets.backtests.caps import Caps, admitted
from assets.backtests.legs import Legs
from assets.backtests.quotes import Quotes

Floats = NDArray[np.float64]
Whole = NDArray[np.int8]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

EXIT_REASONS = ("", "mean", "stop", "time", "one series", "rebalanced", "stopped trading", "end of window")
"""Names of the codes of exits; 0 is no exit."""
CODE = {reason: np.int8(number) for number, reason in enumerate(EXIT_REASONS)}


class Rules(Protocol):
    """When a strategy opens and closes; a day's answers use closes up to the day before."""

    def exits(self, day: int, side: Whole, age: Numbers) -> Whole:
        """Return the code of the reason to close each position today, 0 for none; `age` is in trading days."""

    def entries(self, day: int, side: Whole, reason: Whole) -> Whole:
        """Return the side on which each position would be opened today, 0 for none.

        `side` is what was held before the close, `reason` the code of what was closed at it.
        """

    def resizes(self, day: int) -> bool:
        """Return whether positions that stay open are brought back to their size today."""


@dataclass(frozen=True)
class Held:
    """What was held after each close; row 0 is the close before the window, after which nothing is held."""

    side: Whole
    """[days, positions] 1 long, -1 short, 0 flat."""
    reason: Whole
    """[days, positions] code of the reason for which a position was closed that day."""
    shares: Floats
    """[days, legs], negative where short."""
    refused: Numbers
    """[days] openings that a cap kept out."""


def run(rules: Rules, quotes: Quotes, legs: Legs, caps: Caps) -> Held:
    """Go through the days.

    Nothing is traded in a position of which a leg has no price that day: a halted name can be neither bought nor sold.
    A position of which a leg has stopped trading is closed, and so is every position on the last day. Nothing is opened
    on the last day or on the day of a close.

    Parameters
    ----------
    quotes : Quotes
        Prices, [days, companies].
    """
    priced, gone = legs.all_of(quotes.priced[:, legs.company]), legs.any_of(quotes.gone[:, legs.company])
    days, opened = len(priced), np.zeros(legs.count, np.int64)
    held = _nothing(days, legs)
    for day in range(1, days):
        was = held.side[day - 1]
        held.reason[day] = _reasons(rules.exits(day, was, day - opened), was, priced[day], gone[day], day == days - 1)
        if day == days - 1:
            break
        wanted = rules.entries(day, was, held.reason[day])
        kept = was * (held.reason[day] == 0)
        enter = np.where((was == 0) & priced[day], wanted, 0).astype(np.int8)
        resized = kept * priced[day] if rules.resizes(day) else np.zeros_like(kept)
        shares = held.shares[day - 1]
        if enter.any() or resized.any() or held.reason[day].any():
            price = quotes.marks[day, legs.company]
            shares = _bought(resized, shares * (kept != 0)[legs.position], price, legs)
            granted = admitted(enter != 0, legs, np.abs(shares) * price, caps) if enter.any() else enter != 0
            held.refused[day] = np.count_nonzero(enter) - np.count_nonzero(granted)
            enter = enter * granted
            shares = _bought(enter, shares, price, legs)
        opened = np.where(enter != 0, day, opened)
        held.side[day], held.shares[day] = kept + enter, shares
    return held


def _nothing(days: int, legs: Legs) -> Held:
    side = np.zeros((days, legs.count), np.int8)
    return Held(side, side.copy(), np.zeros((days, len(legs.position))), np.zeros(days, np.int64))


def _reasons(codes: Whole, side: Whole, priced: Flags, gone: Flags, last: bool) -> Whole:
    codes = np.where(priced, codes, np.int8(0))
    codes = np.where(gone, CODE["stopped trading"], codes)
    codes = np.where((codes == 0) & last, CODE["end of window"], codes)
    return np.where(side != 0, codes, np.int8(0)).astype(np.int8)


def _bought(side: Whole, shares: Floats, price: Floats, legs: Legs) -> Floats:
    """Return the shares, with those of the positions on a side as many as their dollars buy."""
    own = side[legs.position]
    bought: Floats = np.divide(own * legs.usd, price, out=np.zeros_like(price), where=price > 0)
    return np.where(own != 0, bought, shares)


def yesterday(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the row above; zeros above the first."""
    return np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
