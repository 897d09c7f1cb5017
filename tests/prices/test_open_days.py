"""A day is a trading day where at least half of the usual number of companies have a price."""

from datetime import date, timedelta

import polars as pl

from assets.prices.open_days import open_days

START = date(2004, 1, 1)


def quoted(*companies: int) -> pl.DataFrame:
    """Prices of as many companies on each of the days."""
    rows = [(str(i), START + timedelta(day)) for day, count in enumerate(companies) for i in range(count)]
    return pl.DataFrame(rows, schema={"company_id": pl.String, "date": pl.Date}, orient="row")


def days(prices: pl.DataFrame, usual_on: pl.Expr) -> list[int]:
    return [(day - START).days for day in open_days(prices, usual_on)["date"]]


def test_half_of_the_usual_number_is_enough_and_fewer_is_not() -> None:
    assert days(quoted(4, 2, 1, 4, 4), pl.lit(True)) == [0, 1, 3, 4]


def test_only_the_days_that_are_named_say_what_is_usual() -> None:
    growing = quoted(2, 2, 1, 8, 8, 3)
    assert days(growing, pl.col("date") <= START + timedelta(2)) == [0, 1, 2, 3, 4, 5]
    assert days(growing, pl.col("date") > START + timedelta(2)) == [3, 4]


def test_where_no_day_says_what_is_usual_all_count() -> None:
    assert days(quoted(2, 1), pl.col("date") < START) == [0, 1]
    assert days(quoted(), pl.lit(True)) == []
