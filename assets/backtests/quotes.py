"""What is known of prices day by day: who has one, what a position is worth, who has stopped trading, who jumped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.settings.backtest import Backtest

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

JUMP = 1.8
"""Factor from which a day's move is a jump: a two-for-one split that was not adjusted, on a day of 10 % besides."""


@dataclass(frozen=True)
class Quotes:
    """Prices of companies, each array [days, companies]; a day's row uses nothing after that day."""

    priced: Flags
    """Whether the company has a close."""
    marks: Floats
    """The close, or the last one before it (USD), 0 before the first; less what a delisting takes."""
    gone: Flags
    """Whether it has had no close for `halt_days` in a row, today among them; on the last day, whether it has none."""
    jumped: Flags
    """Whether the close is `JUMP` times the one before, or that one is `JUMP` times the close."""


def quotes(closes: Floats, settings: Backtest) -> Quotes:
    """Return what is known each day.

    On the last day everything is given up, and nobody buys what has no close: whether it is halted or gone is not known
    by then, so it counts as gone, and a name that is delisted in a window's last days does not get away with it.

    Parameters
    ----------
    closes : [days, companies] float64
        Closes (USD), NaN where there is none.
    """
    day = np.arange(len(closes))[:, None]
    priced = ~np.isnan(closes)
    last = np.maximum.accumulate(np.where(priced, day, -1), axis=0)
    known = np.nan_to_num(np.take_along_axis(closes, np.maximum(last, 0), axis=0))
    gone = day - last >= settings.halt_days
    gone[-1:] |= ~priced[-1:]
    jumped = np.abs(log_moves(known)) >= np.log(JUMP)
    return Quotes(priced, np.where(gone, known * (1 + settings.delisting_return), known), gone, jumped)


def log_moves(known: Floats) -> Floats:
    """Return each day's log move of last known prices, 0 on the first day and where there is no price before."""
    moves: Floats = np.zeros_like(known)
    both = (known[1:] > 0) & (known[:-1] > 0)
    ratio = np.divide(known[1:], known[:-1], out=np.ones_like(known[1:]), where=both)
    moves[1:] = np.log(ratio)
    return moves
