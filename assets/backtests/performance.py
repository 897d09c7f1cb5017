"""What a book came to: Sharpe ratio with its error and its luck, drawdown, turnover, exposure."""

from collections.abc import Sequence
from math import e, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.book import TRADING_DAYS, Book

Floats = NDArray[np.float64]
EULER_GAMMA = float(np.euler_gamma)
NORMAL = NormalDist()


class EmptyBookError(ValueError):
    """A book has no trading day."""


def summary(book: Book, book_sharpes: Sequence[float | None]) -> dict[str, object]:
    """Return the numbers of `backtest_summary` that a book itself tells: all but method, selection and pair counts.

    Parameters
    ----------
    book : Book
        Its daily net returns are over fixed capital, so they are summed, not compounded.
    book_sharpes : sequence of float or None
        Sharpe ratios (annual) of all books compared, this one among them: the trials that the deflated Sharpe
        ratio makes up for; None, a book without a trade, is no trial.

    Raises
    ------
    EmptyBookError
        The book has no day.
    """
    returns = book.returns["net_return"].to_numpy()
    if not len(returns):
        raise EmptyBookError("backtest: no trading day after the first as-of date; prices must reach beyond it")
    return {
        "first_day": book.returns["date"][0],
        "last_day": book.returns["date"][-1],
        "trades": book.trades.height,
        "sharpe": sharpe(returns),
        "sharpe_se": sharpe_se(returns),
        "deflated_sharpe": deflated_sharpe(returns, [s for s in book_sharpes if s is not None]),
        "annual_return": float(returns.mean()) * TRADING_DAYS,
        "annual_volatility": _sd(returns) * sqrt(TRADING_DAYS),
        "max_drawdown": max_drawdown(returns),
        "turnover": _over_capital(book, "traded") * TRADING_DAYS,
        "mean_exposure": _over_capital(book, "exposure"),
    }


def sharpe(returns: Floats) -> float | None:
    """Return mean over standard deviation of daily returns, times sqrt(252); None where they do not vary."""
    daily = _daily_sharpe(returns)
    return None if daily is None else daily * sqrt(TRADING_DAYS)


def sharpe_se(returns: Floats) -> float | None:
    """Return the standard error of `sharpe` for independent returns, sqrt((1 + SR^2 / 2) / T) (Lo 2002, equation 9)."""
    daily = _daily_sharpe(returns)
    return None if daily is None else sqrt((1 + daily**2 / 2) / len(returns) * TRADING_DAYS)


def deflated_sharpe(returns: Floats, trials: Sequence[float]) -> float | None:
    """Return the probability that the true Sharpe ratio beats the best to be expected of lucky trials.

    Bailey and Lopez de Prado (2014): the probabilistic Sharpe ratio, which allows for skewness and kurtosis, against
    the expected maximum of as many worthless trials with the same spread of Sharpe ratios; against 0 for one trial.

    Parameters
    ----------
    returns : [days] float64
        Daily returns.
    trials : sequence of float
        Annual Sharpe ratios of all trials.
    """
    daily = _daily_sharpe(returns)
    if daily is None:
        return None
    standard = (returns - returns.mean()) / returns.std()
    skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    error = sqrt(1 - skewness * daily + (kurtosis - 1) / 4 * daily**2)
    return NORMAL.cdf((daily - expected_maximum(trials) / sqrt(TRADING_DAYS)) * sqrt(len(returns) - 1) / error)


def expected_maximum(trials: Sequence[float]) -> float:
    """Return the expected best of as many trials with true Sharpe ratio 0 and this spread; 0 for fewer than two."""
    n = len(trials)
    if n < 2:
        return 0.0
    quantiles = (1 - EULER_GAMMA) * NORMAL.inv_cdf(1 - 1 / n) + EULER_GAMMA * NORMAL.inv_cdf(1 - 1 / (n * e))
    return float(np.std(trials, ddof=1)) * quantiles


def max_drawdown(returns: Floats) -> float:
    """Return the largest fall of the cumulated (summed) returns from an earlier peak, 0 or more."""
    wealth = np.concatenate([[0.0], np.cumsum(returns)])
    return float((np.maximum.accumulate(wealth) - wealth).max())


def _daily_sharpe(returns: Floats) -> float | None:
    sd = _sd(returns)
    return float(returns.mean()) / sd if sd > 0 else None


def _sd(returns: Floats) -> float:
    """Return the standard deviation; 0 where there are fewer than two returns or all are equal."""
    return float(returns.std(ddof=1)) if len(returns) > 1 and np.ptp(returns) > 0 else 0.0


def _over_capital(book: Book, column: str) -> float:
    mean = book.returns.select(pl.col(column).mean()).item()
    return float(mean) / book.capital if book.capital else 0.0
