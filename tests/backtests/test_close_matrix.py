"""Which days count as trading days, and which companies are complete."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from assets.backtests.close_matrix import FormationError, formation_prices, trading_closes

START = date(2004, 1, 1)


def daily(table: dict[str, list[float | None]]) -> pl.DataFrame:
    rows = [
        (company, START + timedelta(i), price)
        for company, prices in table.items()
        for i, price in enumerate(prices)
        if price is not None
    ]
    schema = {"company_id": pl.String, "date": pl.Date, "adj_close": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize(("min_days", "formed"), [(1.0, ["a", "b"]), (2 / 3, ["a", "b", "gap"]), (0.7, ["a", "b"])])
def test_only_companies_with_a_price_on_enough_days_are_formed(min_days: float, formed: list[str]) -> None:
    prices = daily({"b": [4.0, 5.0, 6.0], "a": [1.0, 2.0, 3.0], "gap": [7.0, None, 8.0]})
    company_ids, _, log_prices = formation_prices(prices, START, START + timedelta(2), min_days)
    assert company_ids == formed
    assert np.isnan(log_prices).sum() == len(formed) - 2


@pytest.mark.parametrize("nothing", [0.0, -1.0])
def test_a_price_of_nothing_is_no_price(nothing: float) -> None:
    prices = daily({"a": [1.0, 2.0, 3.0], "b": [1.0, nothing, 3.0]})
    _, _, log_prices = formation_prices(prices, START, START + timedelta(2), 0.5)
    np.testing.assert_array_equal(log_prices[:, 1], np.log([1.0, np.nan, 3.0]))
    closes = trading_closes(prices, START, START + timedelta(2))
    np.testing.assert_array_equal(closes.prices[:, 1], [1.0, np.nan, 3.0])


def test_log_prices_are_by_day_and_company() -> None:
    prices = daily({"b": [4.0, 5.0, 6.0], "a": [1.0, 2.0, 3.0]})
    company_ids, dates, log_prices = formation_prices(prices, START, START + timedelta(2), 1.0)
    assert company_ids == ["a", "b"]
    assert dates == [START + timedelta(i) for i in range(3)]
    np.testing.assert_array_equal(log_prices, np.log([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]))


def test_a_day_that_few_companies_have_is_no_trading_day() -> None:
    prices = daily({"a": [1.0, 2.0, 3.0], "b": [1.0, None, 3.0], "c": [1.0, None, 3.0]})
    company_ids, dates, _ = formation_prices(prices, START, START + timedelta(2), 1.0)
    assert company_ids == ["a", "b", "c"]
    assert dates == [START, START + timedelta(2)]


def test_prices_after_the_window_change_nothing() -> None:
    prices = daily({"a": [1.0, 2.0, 3.0, None], "b": [4.0, 5.0, 6.0, 9.0]})
    known = prices.filter(pl.col("date") <= START + timedelta(2))
    for left, right in zip(
        *(formation_prices(p, START, START + timedelta(2), 0.9) for p in (prices, known)), strict=True
    ):
        np.testing.assert_array_equal(left, right)


def test_trading_starts_with_the_last_close_before_the_as_of_date_ends() -> None:
    prices = daily({"a": [1.0, 2.0, None, 3.0, 4.0], "b": [1.0, 2.0, None, 3.0, None]})
    closes = trading_closes(prices, START + timedelta(2), START + timedelta(9))
    assert closes.dates == [START + timedelta(i) for i in (1, 3, 4)]
    np.testing.assert_array_equal(closes.prices, [[2.0, 2.0], [3.0, 3.0], [4.0, np.nan]])


def test_an_as_of_date_before_the_data_is_refused() -> None:
    with pytest.raises(FormationError, match="2003-12-31"):
        trading_closes(daily({"a": [1.0]}), date(2003, 12, 31), date(2004, 12, 31))


def test_no_prices_give_empty_matrices() -> None:
    company_ids, dates, log_prices = formation_prices(daily({}), START, START, 0.9)
    assert (company_ids, dates, log_prices.shape) == ([], [], (0, 0))
