"""Sums of the warehouse do not depend on the order in which threads hand over rows."""

import duckdb
import numpy as np
import pytest

from resources.places import SQL


@pytest.fixture(scope="module")
def window() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.sql((SQL / "macros" / "exact.sql").read_text("utf-8"))
    return connection


@pytest.mark.parametrize("seed", range(5))
def test_an_exact_sum_is_the_same_in_any_order(window: duckdb.DuckDBPyConnection, seed: int) -> None:
    numbers = np.random.default_rng(seed).gamma(0.3, size=300) / 300
    orders = [np.random.default_rng(order).permutation(numbers).tolist() for order in range(10)]
    query = "select sum(exact(part.x))::double, sum(part.x) from (select unnest($1) as x) as part"
    found = [window.execute(query, [order]).fetchone() for order in orders]
    exact, plain = ({row[i] for row in found if row} for i in (0, 1))
    assert len(exact) == 1 and exact.pop() == pytest.approx(numbers.sum(), abs=1e-15)
    assert len(plain) > 1  # else the orders prove nothing
