"""How far a book fell from its peak, and when."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def drawdowns(returns: Floats) -> Floats:
    """Return after every day how far the cumulated (summed) returns lie below their peak so far, 0 or more."""
    wealth = np.concatenate([[0.0], np.cumsum(returns)])
    fallen: Floats = (np.maximum.accumulate(wealth) - wealth)[1:]
    return fallen


def max_drawdown(returns: Floats) -> float:
    """Return the largest fall of the cumulated (summed) returns from an earlier peak, 0 or more."""
    return float(drawdowns(returns).max(initial=0.0))


def worst_drawdown(days: Sequence[date], returns: Floats) -> dict[str, date | None]:
    """Return the dates of the largest fall; None where nothing fell, or where the peak is not reached again.

    Returns
    -------
    dict
        drawdown_from, the last day of the peak (the first day, where the book falls from the start);
        drawdown_low, the day at the bottom; drawdown_over, the day on which the peak is reached again.
    """
    fallen = drawdowns(returns)
    if not fallen.any():
        return {"drawdown_from": None, "drawdown_low": None, "drawdown_over": None}
    low = int(fallen.argmax())
    at_peak = np.flatnonzero(fallen[:low] == 0)
    over = low + np.flatnonzero(fallen[low:] == 0)
    return {
        "drawdown_from": days[int(at_peak[-1])] if len(at_peak) else days[0],
        "drawdown_low": days[low],
        "drawdown_over": days[int(over[0])] if len(over) else None,
    }
