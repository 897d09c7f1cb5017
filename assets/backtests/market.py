"""The equally weighted market, against which a book has a beta."""

from datetime import date

import numpy as np

from assets.backtests.close_matrix import CloseMatrix


def market_returns(closes: CloseMatrix) -> dict[date, float]:
    """Return the mean simple return of each day after the first, over companies with a price then and the day before.

    A day on which no company has both is left out.
    """
    prices = closes.prices
    change = prices[1:] / prices[:-1] - 1 if len(prices) else prices
    known = ~np.isnan(change)
    sums, counts = np.where(known, change, 0.0).sum(axis=1), known.sum(axis=1)
    rows = zip(closes.dates[1:], sums.tolist(), counts.tolist(), strict=True)
    return {day: total / count for day, total, count in rows if count}
