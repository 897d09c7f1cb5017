"""Which pairs move together: Engle and Granger's test of many pairs at once, and the false discovery rate."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.backtests.close_matrix import FormationError
from assets.backtests.dickey_fuller import chosen_lags, level_t
from assets.backtests.false_discovery import benjamini_hochberg
from assets.backtests.hedge import fitted_line, half_life, half_slopes
from assets.backtests.johansen import johansen
from assets.backtests.mackinnon import mackinnon_p
from resources.settings.backtest import Backtest, Criterion, fewest_days

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

BLOCK = 128
"""Pairs tested at once: few enough that their prices stay in a core's cache."""
REASONS = ("", "constant price", "one series", "collinear regressors", "no noise", "too few common days")
"""Why a pair is not tested, by code; 0 where it is."""
TOO_FEW_DAYS = REASONS.index("too few common days")

NUMBERS = (
    "hedge_ratio",
    "hedge_ratio_first",
    "hedge_ratio_second",
    "intercept",
    "half_life",
    "spread_mean",
    "spread_sd",
)
"""What the regression says about a pair."""
MAY_BE_NULL = ("hedge_ratio_first", "hedge_ratio_second", "half_life")


@dataclass(frozen=True)
class PairPrices:
    """Log prices of pairs, each pair on the days on which both companies have one."""

    series: Floats
    """[companies, days]."""
    present: NDArray[np.bool_]
    """[companies, days], whether there is a price."""
    pairs: Pairs
    """[pairs, 2] rows of `series`, the dependent one first."""
    days: Pairs
    """[pairs] days on which both are there."""

    def both(self, block: Pairs) -> tuple[Floats, Floats]:
        """Return the log prices of pairs that have equally many common days, [pairs, days] each.

        Days that one of the two lacks are left out, so a change may be over several days.
        """
        a, b = self.pairs[block].T
        y, x, days = self.series[a], self.series[b], int(self.days[block[0]])
        if days == y.shape[1]:
            return y, x
        common = self.present[a] & self.present[b]
        return y[common].reshape(-1, days), x[common].reshape(-1, days)


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
        Log prices over the formation window, NaN where one is missing.
    pairs : [pairs, 2] int
        Columns to test, the dependent one first.
    settings : Backtest
        `lags`, `min_common_days`, `false_discovery_rate` and `johansen` are used.
    not_tested : Counter, optional
        Pairs that cannot be tested are counted here by reason; they have no row, and no part in the correction.
    """
    names = np.asarray(company_ids, dtype=object)
    asked = engle_granger(log_prices, pairs, settings.lags, settings.min_common_days)
    tested = asked.filter(reason=0)
    if not_tested is not None:
        not_tested.update(REASONS[code] for code in asked["reason"] if code)
    rows = tested.select(
        pl.Series("company_a", names[tested["a"]], pl.String),
        pl.Series("company_b", names[tested["b"]], pl.String),
        pl.exclude("a", "b", "reason"),
        pl.Series("q_value", benjamini_hochberg(tested["p_value"].to_numpy())),
        *_johansen_columns(log_prices, tested, settings.johansen),
    )
    ranked = rows.sort("p_value", "t_stat", "company_a", "company_b").with_columns(
        passes=pl.col("q_value") <= settings.false_discovery_rate,
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32),
    )
    return ranked.sort("company_a", "company_b")


def engle_granger(
    log_prices: Floats,
    pairs: Pairs,
    lags: int | Criterion,
    min_common_days: float = 1.0,
    progress: Callable[[int], None] = lambda n: None,
) -> pl.DataFrame:
    """Test each pair for cointegration (Engle and Granger 1987), as `statsmodels.tsa.stattools.coint` does.

    Log price a is regressed on log price b with an intercept; the residuals' Dickey-Fuller regression has no constant;
    p is MacKinnon's for two series. A pair is tested on the days on which both have a price. Where those are too few,
    or rounding would decide, it is not tested, t is 0 and p is 1: two series that are one, where statsmodels warns and
    says p = 0; a price that never moves; and a spread whose days follow from the days before without noise.

    Parameters
    ----------
    log_prices : [days, companies] float64
        Log prices; what is not finite is missing.
    pairs : [pairs, 2] int
        Columns to test, the dependent one first.
    lags : int, "aic" or "bic"
        Lagged differences in the Dickey-Fuller regression, or the criterion that chooses them for each pair.
    min_common_days : float
        Share of the days on which both prices must be there.
    progress : callable
        Told how many pairs were tested.

    Returns
    -------
    DataFrame
        One row per pair, in order: a, b; hedge_ratio, and that of the first and second half of the days (null where a
        price does not move in it); intercept; half_life (days, null where the spread does not revert); spread_mean and
        spread_sd (log USD) of log a - hedge_ratio * log b; t_stat, p_value, lags, days; reason, a code of `REASONS`,
        0 where it was tested.

    Raises
    ------
    FormationError
        The window has too few days for the regression.
    """
    window, needed = len(log_prices), fewest_days(lags)
    if len(pairs) and window < needed:
        said = f"{lags} lags" if isinstance(lags, int) else f"lags chosen by {lags}"
        raise FormationError(f"formation window of {window} days: too short for {said}, which need {needed}")
    prices = _pair_prices(log_prices, pairs)
    enough = (prices.days / max(window, 1) >= min_common_days) & (prices.days >= needed)
    reason = np.where(enough, 0, TOO_FEW_DAYS)
    numbers, chosen = {name: np.zeros(len(pairs)) for name in NUMBERS}, np.zeros(len(pairs), np.int64)
    progress(int((~enough).sum()))
    for block in _blocks(np.flatnonzero(enough), prices.days):
        found, chosen[block], reason[block] = _fit(*prices.both(block), lags)
        for name, values in zip(NUMBERS, found, strict=True):
            numbers[name][block] = values
        progress(len(block))
    t, reason = _test(prices, chosen, reason)
    p = np.where(reason == 0, mackinnon_p(t), 1.0)
    counts = {"lags": chosen.astype(np.int32), "days": prices.days.astype(np.int32)}
    columns = {"a": pairs[:, 0], "b": pairs[:, 1], **numbers, "t_stat": t, "p_value": p, **counts, "reason": reason}
    no_number = pl.when(pl.col("reason") == 0).then(pl.col(MAY_BE_NULL))
    return pl.DataFrame(columns).with_columns(no_number.name.keep()).with_columns(pl.col(MAY_BE_NULL).fill_nan(None))


def _pair_prices(log_prices: Floats, pairs: Pairs) -> PairPrices:
    series = np.ascontiguousarray(log_prices.T)
    present = np.isfinite(series)
    per_company, days = present.sum(axis=1), np.full(len(pairs), len(log_prices), np.int64)
    # Most windows of most companies are complete: no day of those needs to be looked at.
    gaps = np.flatnonzero((per_company[pairs] < len(log_prices)).any(axis=1))
    for start in range(0, len(gaps), BLOCK):
        a, b = pairs[gaps[start : start + BLOCK]].T
        days[gaps[start : start + BLOCK]] = (present[a] & present[b]).sum(axis=1)
    return PairPrices(series, present, pairs, days)


def _blocks(which: Pairs, *keys: Pairs) -> Iterator[Pairs]:
    """Yield these pairs in blocks inside which every key has one value."""
    order = which[np.lexsort([key[which] for key in keys])]
    changes = [np.flatnonzero(np.diff(key[order])) + 1 for key in keys]
    for group in np.split(order, np.unique(np.concatenate(changes))) if len(order) else []:
        yield from (group[start : start + BLOCK] for start in range(0, len(group), BLOCK))


def _fit(y: Floats, x: Floats, lags: int | Criterion) -> tuple[tuple[Floats, ...], Pairs, Pairs]:
    """Return the `NUMBERS` of y and x, [pairs, days] each, the lags of their test, and the code of the reason."""
    line = fitted_line(y, x)
    reason, left = line.reason.copy(), np.flatnonzero(line.reason == 0)
    chosen, life = np.zeros(len(y), np.int64), np.full(len(y), np.nan)
    if len(left):
        spread = line.spread[left]
        life[left] = half_life(spread)
        if isinstance(lags, int):
            chosen[left] = lags
        else:
            chosen[left], reason[left] = chosen_lags(spread, lags)
    # The intercept twice: residuals average 0, so the spread without it averages to the intercept.
    spread_sd = line.spread.std(axis=1, ddof=1)
    return (line.slope, *half_slopes(y, x), line.intercept, life, line.intercept, spread_sd), chosen, reason


def _test(prices: PairPrices, lags: Pairs, reason: Pairs) -> tuple[Floats, Pairs]:
    """Return t of each pair with its lags, 0 where it is not tested, and the code of the reason.

    Spreads are fitted a second time, which is cheaper than to keep them: pairs with as many lags are spread over all
    blocks.
    """
    t, reason = np.zeros(len(lags)), reason.copy()
    for block in _blocks(np.flatnonzero(reason == 0), prices.days, lags):
        t[block], reason[block] = level_t(fitted_line(*prices.both(block)).spread, int(lags[block[0]]))
    return t, reason


def _johansen_columns(log_prices: Floats, tested: pl.DataFrame, asked: bool) -> list[pl.Series]:
    """Return trace statistic and rank of each tested pair with the lags of its other test; empty where not asked."""
    found: list[Any] = [(None, None)] * tested.height
    if asked:
        prices = _pair_prices(log_prices, tested.select("a", "b").to_numpy())
        for row, lags in enumerate(tested["lags"]):
            y, x = prices.both(np.array([row]))
            found[row] = johansen(y[0], x[0], lags)
    trace, rank = zip(*found, strict=True) if found else ((), ())
    return [pl.Series("johansen_trace", trace, pl.Float64), pl.Series("johansen_rank", rank, pl.Int32)]
