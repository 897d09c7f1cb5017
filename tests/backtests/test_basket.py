"""Weights of least variance, by formula and by search; whose basket is fitted on whom; what it took away."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from sklearn.covariance import LedoitWolf

from assets import schemas
from assets.backtests.basket import basket_weights, fitted_baskets, formed_returns, shrunk
from assets.backtests.basket_peers import peers_by_method
from assets.backtests.close_matrix import CloseMatrix
from assets.backtests.hedge_scores import hedge_scores, returns_around, returns_of
from resources.settings.backtest import Backtest

NAMES = [f"c{i}" for i in range(8)]
AS_OF = date(2001, 6, 30)


def factor_prices(days: int = 300, seed: int = 0) -> np.ndarray:
    """Eight companies of one market; the first is half the second and half noise."""
    random = np.random.default_rng(seed)
    moves = random.normal(0, 0.01, (days, 1)) + random.normal(0, 0.015, (days, 8))
    moves[:, 0] = 0.8 * moves[:, 1] + random.normal(0, 0.005, days)
    return 20 * np.exp(np.cumsum(moves, axis=0))


def table(prices: np.ndarray, last: date = AS_OF) -> pl.DataFrame:
    """Rows of `prices`, the last day last."""
    days = [last - timedelta(len(prices) - 1 - i) for i in range(len(prices))]
    wide = pl.DataFrame(prices, schema=NAMES).with_columns(date=pl.Series(days, dtype=pl.Date))
    rows = wide.unpivot(index="date", variable_name="company_id", value_name="adj_close")
    return rows.filter(pl.col("adj_close").is_not_nan())


def test_weights_are_the_minimum_that_a_search_finds() -> None:
    covariance = LedoitWolf().fit(np.diff(np.log(factor_prices()), axis=0)).covariance_
    for own in (0, 3):
        peers = np.setdiff1d(np.arange(8), own)

        def variance(weights: np.ndarray, own: int = own, peers: np.ndarray = peers) -> float:
            whole = np.zeros(8)
            whole[own], whole[peers] = 1.0, -weights
            return float(whole @ covariance @ whole) * 1e4

        weights = basket_weights(covariance, own, peers)
        found = minimize(variance, np.full(7, 0.1), bounds=[(0, None)] * 7, tol=1e-14)
        assert variance(weights) <= found.fun + 1e-9
        assert weights == pytest.approx(found.x, abs=1e-3)
        assert (weights >= 0).all()


def test_a_company_is_hedged_by_what_moves_it() -> None:
    rows = fitted_baskets(shrunk(NAMES, np.log(factor_prices())), {"c0": NAMES[1:]})
    weights = {row["peer_id"]: row["weight"] for row in rows}
    assert max(weights, key=weights.__getitem__) == "c1"
    assert weights["c1"] > 0.6
    assert {row["peers"] for row in rows} == {7}


def test_prices_after_the_date_change_no_basket() -> None:
    prices = factor_prices()
    known, garbage = table(prices), table(np.vstack([prices, prices[:60] * 9]), AS_OF + timedelta(60))
    peers = {name: [other for other in NAMES if other != name] for name in NAMES}
    first, second = (fitted_baskets(formed_returns(rows, AS_OF, Backtest()), peers) for rows in (known, garbage))
    assert first == second != []


def test_a_copy_a_constant_and_a_gap_are_no_peers() -> None:
    prices = factor_prices()
    prices[:, 2], prices[:, 3], prices[100:280, 4] = 3 * prices[:, 0], 7.0, np.nan
    formed = formed_returns(table(prices), AS_OF, Backtest())
    assert {"c3", "c4"} & set(formed.company_ids) == set()
    rows = fitted_baskets(formed, {"c0": NAMES[1:], "c3": NAMES[:3]})
    assert {row["company_id"] for row in rows} == {"c0"}
    assert not {"c2", "c3", "c4"} & {row["peer_id"] for row in rows}


def test_a_split_that_was_not_adjusted_is_no_return_to_fit_on() -> None:
    prices = factor_prices()
    split = prices.copy()
    split[150:, 0] /= 2
    whole, halved = (
        {row["peer_id"]: row["weight"] for row in fitted_baskets(shrunk(NAMES, np.log(p)), {"c0": NAMES[1:]})}
        for p in (prices, split)
    )
    assert halved["c1"] == pytest.approx(whole["c1"], abs=0.02)


@pytest.mark.parametrize(("days", "kept"), [(0, True), (4, True), (5, False), (20, False)])
def test_who_has_stopped_trading_before_the_date_is_fitted_on_nobody(days: int, kept: bool) -> None:
    prices = factor_prices()
    prices[len(prices) - days :, 1] = np.nan
    formed = formed_returns(table(prices), AS_OF, Backtest(halt_days=5))
    assert formed.company_ids == [name for name in NAMES if kept or name != "c1"]


def test_too_few_days_make_no_basket() -> None:
    formed = shrunk(NAMES, np.log(factor_prices(days=1)))
    assert formed.company_ids == []
    assert fitted_baskets(formed, {"c0": NAMES[1:]}) == []


NEAR = pl.DataFrame(
    [("tfidf", own, peer, rank) for own in NAMES for rank, peer in enumerate([n for n in NAMES if n != own], 1)],
    schema=["method", "company_id", "peer_id", "rank"],
    orient="row",
)
GROUPS = pl.DataFrame(
    [(method, name, i // size) for method, size in (("sic4", 2), ("tfidf", 8)) for i, name in enumerate(NAMES)],
    schema=["method", "company_id", "cluster"],
    orient="row",
)
CODES = pl.DataFrame(
    [(name, f"20{i // 2}0", f"{20 + i // 4}", "D") for i, name in enumerate(NAMES[:-1])],
    schema=["company_id", "sic", "major_group", "division"],
    orient="row",
)


def test_baskets_of_all_methods_have_one_size() -> None:
    found = dict(peers_by_method(NEAR, GROUPS, CODES, Backtest(basket_peers=3)))
    assert list(found) == ["sic4", "tfidf", "random"]
    assert {len(peers) for method in found.values() for peers in method.values()} == {3}
    assert all(own not in peers for method in found.values() for own, peers in method.items())
    assert found["tfidf"]["c5"] == ["c0", "c1", "c2"]
    assert found["sic4"]["c0"][0] == "c1"
    assert set(found["sic4"]["c0"]) == {"c1", "c2", "c3"}  # one of its code, then its major group


def test_drawn_peers_do_not_depend_on_the_order_of_rows() -> None:
    settings = Backtest(basket_peers=3)
    rows = (NEAR, GROUPS, CODES)
    assert dict(peers_by_method(*rows, settings)) == dict(
        peers_by_method(*(frame.reverse() for frame in rows), settings)
    )


BASKET = pl.DataFrame({"method": ["sae"], "company_id": ["c0"], "peer_id": ["c1"], "weight": [0.8], "peers": [7]})


def test_a_hedge_is_measured_after_the_date_only_once_its_months_are_over() -> None:
    settings, prices = Backtest(trading_months=1), factor_prices()
    longer = np.vstack([prices, factor_prices(days=31, seed=1)])
    for missing, over in ((15, False), (0, True)):
        rows = table(longer[: len(longer) - missing], AS_OF + timedelta(31 - missing))
        before, after = returns_around(rows, AS_OF, settings)
        (score,) = hedge_scores(BASKET, before, after)
        assert ("raised" in score) is over
        assert schemas.HEDGE_SCORES.validate(schemas.HEDGE_SCORES.frame([{"as_of": AS_OF, **score}])).num_rows == 1


def test_a_hedge_score_is_the_variance_of_what_is_left() -> None:
    prices = factor_prices()
    closes = CloseMatrix(NAMES, [AS_OF + timedelta(i) for i in range(len(prices))], prices)
    (score,) = hedge_scores(BASKET, returns_of(closes), returns_of(closes))
    returns = prices[1:] / prices[:-1] - 1
    assert score["variance_after"] == pytest.approx(returns[:, 0].var(ddof=1))
    assert score["hedged_after"] == pytest.approx((returns[:, 0] - 0.8 * returns[:, 1]).var(ddof=1))
    assert score["raised"] is False
    wrong = BASKET.with_columns(peer_id=pl.lit("c5"), weight=9.0)
    (against,) = hedge_scores(wrong, returns_of(closes), returns_of(closes))
    assert against["raised"] is True


def test_a_jump_after_the_date_counts_and_is_flagged_and_one_before_it_does_not() -> None:
    prices = factor_prices()
    split = prices.copy()
    split[150:, 0] /= 2
    dates = [AS_OF + timedelta(i) for i in range(len(prices))]
    whole, halved = (returns_of(CloseMatrix(NAMES, dates, p)) for p in (prices, split))
    (score,) = hedge_scores(BASKET, halved, halved)
    (plain,) = hedge_scores(BASKET, whole, whole)
    assert score["jump"] and not plain["jump"]
    assert score["variance_before"] == pytest.approx(plain["variance_before"], rel=0.02)
    assert score["variance_after"] > 2 * plain["variance_after"]
