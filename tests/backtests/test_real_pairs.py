"""Real pairs are tested as statsmodels tests them: p, hedge ratio and half-life, over one, three and five years."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant
from statsmodels.tsa.stattools import coint
from threadpoolctl import threadpool_limits

from assets.backtests.candidate_pairs import random_pairs
from assets.backtests.cointegration import engle_granger

TESTDATA = os.environ.get("PEERLENS_TESTDATA")
pytestmark = pytest.mark.skipif(TESTDATA is None, reason="PEERLENS_TESTDATA is not set")
PAIRS = 20


def log_prices(days: int) -> np.ndarray:
    """[days, companies] up to the end of 2013, of companies with a price every day."""
    prices = pl.read_parquet(Path(TESTDATA or "") / "sp500" / "prices_daily.parquet")
    wide = prices.filter(pl.col("date").dt.year() < 2014).pivot("ticker", index="date", values="adj_close")
    closes = wide.sort("date").drop("date").to_numpy().astype(float)[-days:]
    return np.log(closes[:, np.isfinite(closes).all(axis=0)])


@pytest.mark.parametrize("days", [252, 756, 1260])
def test_p_hedge_ratio_and_half_life_of_real_pairs(days: int) -> None:
    series = log_prices(days)
    pairs = random_pairs(series.shape[1], PAIRS, seed=days)
    tested, fixed = engle_granger(series, pairs, "aic"), engle_granger(series, pairs, 5)
    assert tested["lags"].n_unique() > 3
    with threadpool_limits(1):
        for row, (a, b) in enumerate(pairs):
            y, x, one = series[:, a], series[:, b], tested.row(row, named=True)
            assert one["p_value"] == pytest.approx(coint(y, x, autolag="aic")[1], abs=1e-9)
            assert fixed["p_value"][row] == pytest.approx(coint(y, x, autolag=None, maxlag=5)[1], abs=1e-9)
            line = OLS(y, add_constant(x)).fit()
            assert one["hedge_ratio"] == pytest.approx(line.params[1], abs=1e-9)
            phi = OLS(np.diff(line.resid), line.resid[:-1]).fit().params[0]
            assert (one["half_life"] is None) == (phi >= 0)
            assert phi >= 0 or one["half_life"] == pytest.approx(-np.log(2) / np.log1p(phi), rel=1e-8)
