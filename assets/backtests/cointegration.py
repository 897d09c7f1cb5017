"""Which pairs move together: Engle and Granger's test of many pairs at once, and the false discovery rate."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from statsmodels.tsa.adfvalues import mackinnonp

from assets.backtests.close_matrix import FormationError
from resources.settings.backtest import Backtest, fewest_days

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

BLOCK = 256
"""Pairs tested at once."""
COLLINEAR = 100 * sqrt(np.finfo(float).eps)
"""Share of variance left by the regression below which two series are one; statsmodels' limit."""
CONSTANT = 1e-6
"""Range of log prices that is none: single precision makes up 1e-7, and what is traded moves by more in a week."""
ONE_REGRESSOR = 1e-7
"""Length that a regressor of unit length has beside the others, below which it is a sum of them but for rounding."""
NOISELESS = 1e-10
"""Share of the length of daily changes that the Dickey-Fuller regression leaves, below which it leaves rounding."""
REASONS = ("", "constant price", "one series", "collinear regressors", "no noise")
"""Why a pair is not tested, by code; 0 where it is."""

NUMBERS = ("hedge_ratio", "intercept", "t_stat", "p_value", "half_life", "spread_mean", "spread_sd")
"""What the test says about a pair."""


def pairs_within(labels: Sequence[object]) -> Pairs:
    """Return all pairs i < j of members that share a label, [pairs, 2], sorted."""
    _, group = np.unique(np.asarray(labels), return_inverse=True)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []
    found = [m[np.column_stack(np.triu_indices(len(m), 1))] for m in members]
    pairs = np.concatenate([np.empty((0, 2), np.int64), *found]).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def random_pairs(n: int, count: int, seed: int) -> Pairs:
    """Return `count` different pairs i < j out of `n`, or all where there are no more, [pairs, 2], sorted."""
    total = n * (n - 1) // 2
    drawn = (
        np.sort(np.random.default_rng(seed).choice(total, min(count, total), replace=False))
        if total
        else np.empty(0, int)
    )
    row_starts = np.concatenate([[0], np.cumsum(np.arange(n - 1, 0, -1))])
    i = np.searchsorted(row_starts, drawn, side="right") - 1
    return np.column_stack([i, drawn - row_starts[i] + i + 1]).astype(np.int64)


def cointegrated_pairs(
    company_ids: Sequence[str],
    log_prices: Floats,
    pairs: Pairs,
    settings: Backtest,
    not_tested: Counter[str] | None = None,
) -> pl.DataFrame:
    """Return the rows of `cointegrated_pairs` without method and as_of: every pair tested, ranked by p.

    Parameters
    ----------
    company_ids : sequence of str
        Names of the columns of `log_prices`.
    log_prices : [days, companies] float64
        Log prices over the formation window, none missing.
    pairs : [pairs, 2] int
        Columns to test, the dependent one first.
    settings : Backtest
        `adf_lags` and `false_discovery_rate` are used.
    not_tested : Counter, optional
        Pairs that cannot be tested are counted here by reason; they have no row, and no part in the correction.
    """
    names = np.asarray(company_ids, dtype=object)
    asked = engle_granger(log_prices, pairs, settings.adf_lags)
    tested = asked.filter(reason=0)
    if not_tested is not None:
        not_tested.update(REASONS[code] for code in asked["reason"] if code)
    rows = tested.select(
        pl.Series("company_a", names[tested["a"]], pl.String),
        pl.Series("company_b", names[tested["b"]], pl.String),
        pl.exclude("a", "b", "reason"),
        pl.Series("q_value", benjamini_hochberg(tested["p_value"].to_numpy())),
        pl.lit(len(log_prices), pl.Int32).alias("days"),
    )
    ranked = rows.sort("p_value", "t_stat", "company_a", "company_b").with_columns(
        passes=pl.col("q_value") <= settings.false_discovery_rate,
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32),
    )
    return ranked.sort("company_a", "company_b")


def engle_granger(
    log_prices: Floats, pairs: Pairs, lags: int, progress: Callable[[int], None] = lambda n: None
) -> pl.DataFrame:
    """Test each pair for cointegration (Engle and Granger 1987), as `statsmodels.tsa.stattools.coint` does.

    Log price a is regressed on log price b with an intercept; the residuals' Dickey-Fuller regression has no constant
    and `lags` lags; p is MacKinnon's for two series. Where rounding would decide, the pair is not tested, t is 0 and p
    is 1: two series that are one, where statsmodels warns and says p = 0; a price that never moves; and a spread whose
    days follow from the days before without noise.

    Parameters
    ----------
    log_prices : [days, companies] float64
        Log prices, none missing.
    pairs : [pairs, 2] int
        Columns to test, the dependent one first.
    lags : int
        Lagged differences in the Dickey-Fuller regression.
    progress : callable
        Told how many pairs were tested.

    Returns
    -------
    DataFrame
        One row per pair, in order: a, b, hedge_ratio, intercept, t_stat, p_value, half_life (days, null where the
        spread does not revert), spread_mean and spread_sd (log USD) of log a - hedge_ratio * log b; reason, a code
        of `REASONS`, 0 where it was tested.

    Raises
    ------
    FormationError
        The window has too few days for the regression, or a price in it is missing.
    """
    if len(pairs) and len(log_prices) < fewest_days(lags):
        raise FormationError(f"formation window of {len(log_prices)} days: too short for {lags} lags; lengthen it")
    if not np.isfinite(log_prices).all():
        raise FormationError("formation window: a price is missing; keep the companies that have one every day")
    series = np.ascontiguousarray(log_prices.T)
    blocks: list[dict[str, Any]] = [{"reason": np.empty(0, np.int64), **dict.fromkeys(NUMBERS, np.empty(0))}]
    for start in range(0, len(pairs), BLOCK):
        a, b = pairs[start : start + BLOCK].T
        blocks.append(_test_block(series[a], series[b], lags))
        progress(len(a))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in (*NUMBERS, "reason")}
    tested = pl.DataFrame({"a": pairs[:, 0], "b": pairs[:, 1], **columns})
    return tested.with_columns(pl.col("half_life").fill_nan(None))


def benjamini_hochberg(p: Floats) -> Floats:
    """Return the smallest false discovery rate at which each test passes (Benjamini and Hochberg 1995), [tests]."""
    order = np.argsort(p, kind="stable")[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return q


def _test_block(y: Floats, x: Floats, lags: int) -> dict[str, Any]:
    """Return the test's numbers and the code of the reason for y and x, [pairs, days] each."""
    hedge_ratio, intercept, spread, reason = _regress(y, x)
    t, p, half_life = np.zeros(len(y)), np.ones(len(y)), np.full(len(y), np.nan)
    left = np.flatnonzero(reason == 0)
    t[left], reason[left] = _dickey_fuller(spread[left], lags)
    left = left[reason[left] == 0]
    p[left] = [mackinnonp(one, regression="c", N=2) for one in t[left]]
    half_life[left] = _half_life(spread[left])
    spread_sd = spread.std(axis=1, ddof=1)
    # The intercept twice: residuals average 0, so the spread without it averages to the intercept.
    numbers = dict(zip(NUMBERS, (hedge_ratio, intercept, t, p, half_life, intercept, spread_sd), strict=True))
    return numbers | {"reason": reason}


def _regress(y: Floats, x: Floats) -> tuple[Floats, Floats, Floats, Pairs]:
    """Return slope, intercept and residuals of y on x row by row, and the code of why residuals cannot be tested."""
    y_mean, x_mean = y.mean(axis=1), x.mean(axis=1)
    moves = (np.ptp(y, axis=1) > CONSTANT) & (np.ptp(x, axis=1) > CONSTANT)
    y, x = y - y_mean[:, None], x - x_mean[:, None]
    yy, xx, xy = (np.einsum("pt,pt->p", u, v) for u, v in ((y, y), (x, x), (x, y)))
    slope = np.divide(xy, xx, out=np.zeros_like(xy), where=moves)
    residuals = y - slope[:, None] * x
    left = np.einsum("pt,pt->p", residuals, residuals)
    reason = np.select([~moves, left <= COLLINEAR * yy], [1, 2], 0)
    return slope, y_mean - slope * x_mean, residuals, reason


def _dickey_fuller(spread: Floats, lags: int) -> tuple[Floats, Pairs]:
    """Return t of the level in the regression of differences on it and on `lags` earlier ones, no constant.

    Beside it the code of why there is none; t is then 0.
    """
    change = np.diff(spread, axis=1)
    target = change[:, lags:]
    days = target.shape[1]
    earlier = (change[:, lags - k : lags - k + days] for k in range(1, lags + 1))
    regressors = np.stack([spread[:, lags:-1], *earlier], axis=2)
    lengths = np.linalg.norm(regressors, axis=1)
    # QR of columns of unit length, since normal equations square what rounding does.
    q, r = np.linalg.qr(regressors / np.where(lengths > 0, lengths, 1)[:, None, :])
    singular = (np.abs(np.diagonal(r, axis1=1, axis2=2)) < ONE_REGRESSOR).any(axis=1)
    inverse = np.linalg.inv(np.where(singular[:, None, None], np.eye(r.shape[1]), r))
    explained = np.einsum("ptk,pt->pk", q, target)
    residuals = target - np.einsum("ptk,pk->pt", q, explained)
    noise = np.linalg.norm(residuals, axis=1)
    noiseless = noise <= NOISELESS * np.linalg.norm(target, axis=1)
    reason = np.select([singular, noiseless], [3, 4], 0)
    sd = noise / np.sqrt(days - regressors.shape[2]) * np.linalg.norm(inverse[:, 0], axis=1)
    slope = np.einsum("pk,pk->p", inverse[:, 0], explained)
    t: Floats = np.divide(slope, sd, out=np.zeros(len(spread)), where=reason == 0)
    return t, reason


def _half_life(spread: Floats) -> Floats:
    """Return -ln 2 / ln(1 + phi), phi the slope of differences on the level; NaN where the spread does not revert."""
    level, change = spread[:, :-1], np.diff(spread, axis=1)
    phi = np.einsum("pt,pt->p", level, change) / np.einsum("pt,pt->p", level, level)
    reverts = (phi < 0) & (phi > -1)
    return np.where(reverts, -np.log(2) / np.log1p(np.where(reverts, phi, -0.5)), np.nan)
