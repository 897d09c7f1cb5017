"""Our measures are those of empyrical-reloaded, where it is installed: its cap on peewee is below our pin."""

import numpy as np
import pytest

from assets.backtests.drawdown import max_drawdown
from assets.backtests.performance import market_beta, sharpe

empyrical = pytest.importorskip("empyrical")

RNG = np.random.default_rng(4)
MARKET = RNG.normal(0.0003, 0.01, 1_000)
RETURNS = 0.4 * MARKET + RNG.standard_t(4, 1_000) * 0.005


def test_sharpe_ratio_and_volatility() -> None:
    assert sharpe(RETURNS) == pytest.approx(empyrical.sharpe_ratio(RETURNS), rel=1e-12)
    assert RETURNS.std(ddof=1) * np.sqrt(252) == pytest.approx(empyrical.annual_volatility(RETURNS), rel=1e-12)


def test_beta() -> None:
    assert market_beta(RETURNS, MARKET.tolist()) == pytest.approx(empyrical.beta(RETURNS, MARKET), rel=1e-9)


def test_drawdown_of_compounded_wealth() -> None:
    """Ours adds returns up, as a book over fixed capital does: the logarithm of theirs."""
    fall = max_drawdown(np.log1p(RETURNS))
    assert -np.expm1(-fall) == pytest.approx(-empyrical.max_drawdown(RETURNS), rel=1e-9)
