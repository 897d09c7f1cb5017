"""Sums of the warehouse do not depend on the order in which threads hand over rows."""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from assets.outputs.warehouse import build_warehouse
from resources.places import SQL
from tests.outputs.small_lake import lake, write

SCORES = ["mean_corr", "pair_weighted", "all_pairs", "coverage", "largest_share", "placebo_mean", "placebo_z"]
DATES = pl.date_range(date(1990, 12, 31), date(2019, 12, 31), "1y", eager=True)


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


def scored(table: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Return a row of sae at each of `DATES`, with scores at random in some columns."""
    rng = np.random.default_rng(0)
    rows = pl.concat([table.filter(method="sae").head(1)] * len(DATES))
    return rows.with_columns(DATES.alias("as_of"), *(pl.Series(c, rng.gamma(0.3, size=len(DATES))) for c in columns))


def test_the_means_of_the_scoreboard_are_the_same_in_any_order(tmp_path: Path) -> None:
    rows = lake()
    cluster = scored(rows["cluster_scores"], SCORES)
    nearest = scored(rows["neighbour_scores"], ["forward_corr"])
    found, plain = set(), set()
    for order in range(3):
        folder = tmp_path / str(order)
        shuffled = cluster.sample(fraction=1, shuffle=True, seed=order)
        plain.add(tuple(sum(shuffled[column].to_list()) for column in SCORES))
        near = nearest.sample(fraction=1, shuffle=True, seed=order)
        files = write(rows | {"cluster_scores": shuffled, "neighbour_scores": near}, folder)
        build_warehouse(folder / "peerlens.duckdb", folder, files, SQL, "")
        with duckdb.connect(str(folder / "peerlens.duckdb"), read_only=True) as window:
            board = window.view("scoreboard").pl().filter(method="sae")
            found.add(board.select(*SCORES, "forward_corr").row(0))
    assert len(found) == 1 and None not in found.pop()
    assert len(plain) > 1  # else the orders prove nothing
