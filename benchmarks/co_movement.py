"""How well a similarity tells whose returns move together: what the tables about methods are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.scores import return_matrix

NEAREST = 5
LAGS = 3
"""Months whose errors may hang together (Newey and West)."""


@dataclass(frozen=True)
class Returns:
    """Monthly log returns [months, companies] of companies that have every month."""

    ids: list[str]
    values: NDArray[np.float64]

    @classmethod
    def complete(cls, returns: pl.DataFrame, companies: Sequence[str], months: Sequence[date]) -> "Returns":
        """Take those of `companies` that have all of `months`, from rows of `monthly_returns`."""
        matrix = return_matrix(returns, companies, months)
        whole = np.isfinite(matrix).all(axis=0)
        return cls([company for company, kept in zip(companies, whole, strict=True) if kept], matrix[:, whole])

    def rest_correlations(self) -> NDArray[np.float64]:
        """Return correlations [n, n] of what the market leaves: the rest of a regression on the mean company."""
        market = self.values.mean(axis=1)
        swing = market - market.mean()
        beta = swing @ (self.values - self.values.mean(axis=0)) / (swing @ swing)
        return np.asarray(np.corrcoef((self.values - np.outer(market, beta)).T), dtype=np.float64)


def nearest(similarity: NDArray[np.float64], count: int = NEAREST) -> NDArray[np.int64]:
    """Return the columns [n, count] of the most similar others of each row; equal ones in order."""
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    return np.argsort(-others, axis=1, kind="stable")[:, :count]


def nearest_correlation(peers: NDArray[np.int64], rest: NDArray[np.float64]) -> float:
    """Return the mean over companies of the mean correlation with their peers [n, k]."""
    return float(np.take_along_axis(rest, peers, axis=1).mean())


def cross_section_r2(peers: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return adjusted R2 [months] of r_i on the mean return of i's peers (Bhojraj, Lee, Oler 2003)."""
    expected = values[:, peers].mean(axis=2)
    own, theirs = (part - part.mean(axis=1, keepdims=True) for part in (values, expected))
    explained = (own * theirs).sum(axis=1) ** 2 / ((own**2).sum(axis=1) * (theirs**2).sum(axis=1))
    n = values.shape[1]
    return np.asarray(1 - (1 - explained) * (n - 1) / (n - 2), dtype=np.float64)


def newey_west(series: NDArray[np.float64], lags: int = LAGS) -> float:
    """Return the standard error of the mean of a series whose neighbours may hang together (Bartlett's weights)."""
    centred, n = series - series.mean(), len(series)
    covariances = [centred[lag:] @ centred[: n - lag] / n for lag in range(min(lags, n - 1) + 1)]
    weights = [1.0] + [2 * (1 - lag / (lags + 1)) for lag in range(1, len(covariances))]
    return float(np.sqrt(max(np.dot(weights, covariances), 0.0) / n))
