"""What a book came to: Sharpe ratio with its error, its luck and its interval, drawdown, turnover, exposure, hit rates.

Written here because the libraries of these measures bring too much: empyrical-reloaded caps peewee far below the one
that yfinance is pinned with here, quantstats brings seaborn, skfolio brings cvxpy and plotly. A test holds them against
empyrical where that is there.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from math import e, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.book import TRADING_DAYS, Book
from assets.backtests.bootstrap import bootstrap_intervals
from assets.backtests.drawdown import max_drawdown, worst_drawdown

Floats = NDArray[np.float64]
Trials = Sequence[Sequence[float]]
EULER_GAMMA = float(np.euler_gamma)
NORMAL = NormalDist()
MONTHS = 12
ROUNDING = 1e-9
"""Of the squared error of a Sharpe ratio, which is 1 for normal returns around 0."""


class EmptyBookError(ValueError):
    """A book has no trading day."""


def summary(book: Book, trials: Trials, market: Mapping[date, float] | None = None, seed: int = 0) -> dict[str, object]:
    """Return the numbers of `backtest_summary` that a book itself tells: all but its name, pair counts and placebo.

    Parameters
    ----------
    book : Book
        Its daily net returns are over fixed capital, so they are summed, not compounded.
    trials : sequence of sequences of float
        Sharpe ratios (annual) of all books compared, this one among them, by strategy: what the deflated Sharpe ratio
        makes up for. A book without a trade is no trial.
    market : mapping, optional
        Day -> return of the equally weighted market, for the book's beta.
    seed : int
        Of the bootstrap.

    Raises
    ------
    EmptyBookError
        The book has no day.
    """
    returns, days = book.returns["net_return"].to_numpy(), book.returns["date"]
    if not len(returns):
        raise EmptyBookError("backtest: no trading day after the first as-of date; prices must reach beyond it")
    return {
        "first_day": days[0],
        "last_day": days[-1],
        "trades": book.trades.height,
        "sharpe": sharpe(returns),
        "sharpe_se": sharpe_se(returns),
        "sharpe_monthly": monthly_sharpe(days, returns),
        "probabilistic_sharpe": deflated_sharpe(returns, []),
        "deflated_sharpe": deflated_sharpe(returns, trials),
        "trials": sum(len(sharpes) for sharpes in trials),
        "annual_return": float(returns.mean()) * TRADING_DAYS,
        "annual_volatility": _sd(returns) * sqrt(TRADING_DAYS),
        **bootstrap_intervals(returns, seed),
        "max_drawdown": max_drawdown(returns),
        **worst_drawdown(days.to_list(), returns),
        "turnover": _over_capital(book, "traded") * TRADING_DAYS,
        "mean_exposure": _over_capital(book, "exposure"),
        "market_beta": market_beta(returns, [(market or {}).get(day) for day in days]),
        "days_won": days_won(book.returns),
        "trades_won": trades_won(book.trades),
    }


def sharpe(returns: Floats) -> float | None:
    """Return mean over standard deviation of daily returns, times sqrt(252); None where they do not vary."""
    daily = _ratio(returns)
    return None if daily is None else daily * sqrt(TRADING_DAYS)


def monthly_sharpe(days: pl.Series, returns: Floats) -> float | None:
    """Return mean over standard deviation of the sums of calendar months, times sqrt(12).

    It differs from the daily one where days are not independent, as those of positions held for weeks.
    """
    sums = pl.DataFrame({"month": days.dt.truncate("1mo"), "sum": returns}).group_by("month", maintain_order=True)
    monthly = _ratio(sums.agg(pl.col("sum").sum())["sum"].to_numpy())
    return None if monthly is None else monthly * sqrt(MONTHS)


def sharpe_se(returns: Floats) -> float | None:
    """Return the standard error of `sharpe` for independent returns, sqrt((1 + SR^2 / 2) / T) (Lo 2002, equation 9)."""
    daily = _ratio(returns)
    return None if daily is None else sqrt((1 + daily**2 / 2) / len(returns) * TRADING_DAYS)


def deflated_sharpe(returns: Floats, trials: Trials) -> float | None:
    """Return the probability that the true Sharpe ratio beats the best to be expected of lucky trials.

    Bailey and Lopez de Prado (2014): the probabilistic Sharpe ratio, which allows for skewness and kurtosis, against
    the expected maximum of as many worthless trials with the same spread of Sharpe ratios. With one trial a strategy
    it is against 0: the probabilistic Sharpe ratio of Bailey and Lopez de Prado (2012). None where the ratio has no
    error: of returns that do not vary, or that are one of two values so that mean and deviation err alike.

    Parameters
    ----------
    returns : [days] float64
        Daily returns.
    trials : sequence of sequences of float
        Annual Sharpe ratios of all trials, by strategy.
    """
    daily = _ratio(returns)
    if daily is None:
        return None
    standard = (returns - returns.mean()) / returns.std()
    skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    variance = 1 - skewness * daily + (kurtosis - 1) / 4 * daily**2
    if variance < ROUNDING:
        return None
    error = sqrt(variance)
    return NORMAL.cdf((daily - expected_maximum(trials) / sqrt(TRADING_DAYS)) * sqrt(len(returns) - 1) / error)


def expected_maximum(trials: Trials) -> float:
    """Return the expected best of as many trials with true Sharpe ratio 0 and this spread; 0 where there is none.

    All trials count, and what differs between strategies is no luck: the spread is that inside strategies.
    """
    n, free = (sum(len(sharpes) - less for sharpes in trials if len(sharpes)) for less in (0, 1))
    if free < 1:
        return 0.0
    apart = [np.array(sharpes) - np.mean(sharpes) for sharpes in trials if len(sharpes)]
    quantiles = (1 - EULER_GAMMA) * NORMAL.inv_cdf(1 - 1 / n) + EULER_GAMMA * NORMAL.inv_cdf(1 - 1 / (n * e))
    return sqrt(float(np.sum(np.concatenate(apart) ** 2)) / free) * quantiles


def market_beta(returns: Floats, market: Sequence[float | None]) -> float | None:
    """Return the slope of daily returns on the market's, over days on which it has one; None where it does not vary."""
    x = np.array([np.nan if m is None else m for m in market], dtype=np.float64)
    known = ~np.isnan(x)
    x, y = x[known], returns[known]
    if _sd(x) == 0:
        return None
    return float(np.cov(y, x, ddof=1)[0, 1] / x.var(ddof=1))


def days_won(days: pl.DataFrame) -> float | None:
    """Return the share of days with a gain, of those on which the book held or traded anything and won or lost."""
    moved = days.filter(pl.col("net_return") != 0)["net_return"]
    return float((moved > 0).sum()) / len(moved) if len(moved) else None


def trades_won(trades: pl.DataFrame) -> float | None:
    """Return the share of closed trades that earned more than they cost."""
    return float((trades["gross_pnl"] > trades["costs"]).sum()) / trades.height if trades.height else None


def _ratio(returns: Floats) -> float | None:
    sd = _sd(returns)
    return float(returns.mean()) / sd if sd > 0 else None


def _sd(returns: Floats) -> float:
    """Return the standard deviation; 0 where there are fewer than two returns or all are equal."""
    return float(returns.std(ddof=1)) if len(returns) > 1 and np.ptp(returns) > 0 else 0.0


def _over_capital(book: Book, column: str) -> float:
    mean = book.returns.select(pl.col(column).mean()).item()
    return float(mean) / book.capital if book.capital else 0.0
