"""How the tables about methods measure co-movement."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from benchmarks.co_movement import Returns, cross_section_r2, nearest, nearest_correlation, newey_west

MONTHS = [date(2004, 1, 31), date(2004, 2, 29)]


def test_companies_without_every_month_are_left_out() -> None:
    rows = [
        ("A", MONTHS[0], 0.1),
        ("A", MONTHS[1], 0.2),
        ("B", MONTHS[0], 0.3),
        ("C", MONTHS[0], 0.0),
        ("C", MONTHS[1], 0.5),
    ]
    returns = pl.DataFrame(rows, schema=["company_id", "month", "log_return"], orient="row")
    found = Returns.complete(returns, ["C", "B", "A"], MONTHS)
    assert found.ids == ["C", "A"]
    assert found.values.tolist() == [[0.0, 0.1], [0.5, 0.2]]


def test_nobody_is_its_own_peer_and_equal_ones_come_in_order() -> None:
    similarity = np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.9], [0.5, 0.9, 1.0]])
    assert nearest(similarity, 2).tolist() == [[1, 2], [2, 0], [1, 0]]


def test_r2_is_that_of_a_regression_on_the_mean_of_the_peers() -> None:
    rng = np.random.default_rng(0)
    values, peers = rng.normal(size=(4, 9)), np.array([rng.permutation(9)[:3] for _ in range(9)])
    expected = []
    for month in values:
        x = month[peers].mean(axis=1)
        slope, intercept = np.polyfit(x, month, 1)
        plain = 1 - ((month - intercept - slope * x) ** 2).sum() / ((month - month.mean()) ** 2).sum()
        expected.append(1 - (1 - plain) * 8 / 7)
    assert cross_section_r2(peers, values) == pytest.approx(expected)


def test_what_the_market_leaves_has_no_market_in_it() -> None:
    rng = np.random.default_rng(1)
    market = rng.normal(size=60)
    pair = rng.normal(size=60)
    noise = 0.1 * rng.normal(size=(60, 6))
    own = np.stack([pair, pair, -pair, -pair, 0 * pair, 0 * pair], axis=1)
    rest = Returns(list("ABCDEF"), market[:, None] * [1, 2, 1, 2, 1, 2] + own + noise).rest_correlations()
    assert rest[0, 1] > 0.9
    assert rest[0, 2] < -0.9
    assert nearest_correlation(np.array([[1], [0], [3], [2], [5], [4]]), rest) > 0.5


def test_the_error_of_a_mean_grows_where_neighbours_hang_together() -> None:
    alone = np.random.default_rng(2).normal(size=400)
    together = np.repeat(alone[:100], 4)
    assert newey_west(alone, 0) == pytest.approx(alone.std() / 20)
    assert newey_west(together) > 1.4 * newey_west(together, 0)
