"""Monthly returns, against hand-made months and a plain recomputation of the real ones."""

import math
import os
import time
from collections import defaultdict
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import schemas
from assets.prices.returns import monthly_returns
from resources.market import SAMPLE

TESTDATA = os.environ.get("PEERLENS_TESTDATA")


def prices(*rows: tuple[str, date, float]) -> pl.DataFrame:
    schema = {"company_id": pl.String, "date": pl.Date, "adj_close": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def test_a_return_runs_from_last_trade_to_last_trade() -> None:
    rows = monthly_returns(
        prices(
            ("1", date(2004, 2, 27), 30.0),
            ("1", date(2004, 1, 5), 10.0),
            ("1", date(2004, 1, 30), 20.0),
            ("1", date(2004, 2, 2), 25.0),
        )
    )
    assert rows.rows() == [("1", date(2004, 2, 29), round(math.log(1.5), 8), [])]
    assert schemas.MONTHLY_RETURNS.validate(rows).num_rows == 1


def test_no_return_is_made_over_a_missing_month_or_between_companies() -> None:
    rows = monthly_returns(
        prices(("1", date(2004, 1, 30), 1.0), ("1", date(2004, 3, 31), 2.0), ("2", date(2004, 4, 30), 3.0))
    )
    assert rows.is_empty()
    assert rows.columns == ["company_id", "month", "log_return", "flags"]


def test_december_is_followed_by_january() -> None:
    rows = monthly_returns(prices(("1", date(2004, 12, 31), 1.0), ("1", date(2005, 1, 31), 2.0)))
    assert rows["month"].to_list() == [date(2005, 1, 31)]


def test_returns_beyond_one_are_outliers_in_both_directions() -> None:
    closes = [1.0, 2.7, 7.4, 2.7]
    rows = monthly_returns(prices(*(("1", date(2004, m + 1, 28), close) for m, close in enumerate(closes))))
    assert rows["flags"].to_list() == [[], ["outlier"], ["outlier"]]


@pytest.mark.parametrize(("same", "flags"), [(4, []), (5, ["stale"]), (9, ["stale"])])
def test_five_identical_closes_in_a_row_make_a_month_stale(same: int, flags: list[str]) -> None:
    closes = [7.0, 8.0] + [9.0] * same + [10.0]
    month = [("1", date(2004, 2, 15 + i), close) for i, close in enumerate(closes)] + [("1", date(2004, 2, 29), 11.0)]
    rows = monthly_returns(prices(("1", date(2004, 1, 30), 9.0), *month))
    assert rows["flags"].to_list() == [flags]


def test_a_run_that_spans_two_months_makes_neither_stale() -> None:
    days = [date(2004, 1, 28) + timedelta(i) for i in range(8)]
    rows = monthly_returns(prices(*(("1", day, 5.0) for day in days), ("2", date(2004, 2, 29), 1.0)))
    assert rows.rows() == [("1", date(2004, 2, 29), 0.0, [])]


@pytest.mark.parametrize(("last", "months"), [(26, 1), (27, 2), (31, 2)])
def test_the_last_month_counts_if_the_data_reach_to_within_four_days_of_its_end(last: int, months: int) -> None:
    rows = prices(("1", date(2004, 3, 1), 1.0), ("1", date(2004, 4, 2), 2.0), ("1", date(2004, 5, last), 3.0))
    assert monthly_returns(rows).height == months


def test_a_company_that_stops_trading_before_the_data_end_keeps_its_last_month() -> None:
    stops = [("1", date(2004, 1, 30), 1.0), ("1", date(2004, 2, 6), 2.0)]
    rows = monthly_returns(prices(*stops, ("2", date(2004, 3, 5), 1.0), ("2", date(2004, 2, 27), 1.0)))
    assert rows.select("company_id", "month").rows() == [("1", date(2004, 2, 29))]


def test_the_sample_ends_with_august_2012() -> None:
    sample = pl.read_parquet(SAMPLE).rename({"ticker": "company_id"}).cast({"adj_close": pl.Float64})
    assert monthly_returns(sample)["month"].max() == date(2012, 8, 31)


@given(st.lists(st.floats(0.01, 1e6), min_size=2, max_size=40))
def test_returns_add_up_over_months(closes: list[float]) -> None:
    days = [date(2000 + m // 12, 1 + m % 12, 28) for m in range(len(closes))]
    rows = monthly_returns(prices(*(("1", day, close) for day, close in zip(days, closes, strict=True))))
    assert rows["log_return"].sum() == pytest.approx(math.log(closes[-1] / closes[0]), abs=1e-8 * len(closes))


@pytest.mark.skipif(TESTDATA is None, reason="PEERLENS_TESTDATA is not set")
@pytest.mark.parametrize("folder", ["qstk", "sp500"])
def test_real_returns_equal_a_plain_recomputation(folder: str) -> None:
    file = Path(TESTDATA or "") / folder / "prices_daily.parquet"
    daily = pl.read_parquet(file).select(pl.col("ticker").alias("company_id"), "date", pl.col("adj_close").cast(float))
    daily = daily.filter(pl.col("company_id").is_in(daily["company_id"].unique().sort().head(60).implode()))
    found = {(c, m): (r, f) for c, m, r, f in monthly_returns(daily).iter_rows()}
    expected = plain_returns(daily)
    assert found.keys() == expected.keys()
    assert all(abs(found[key][0] - r) < 2e-8 and found[key][1] == flags for key, (r, flags) in expected.items())


def plain_returns(daily: pl.DataFrame) -> dict[tuple[str, date], tuple[float, list[str]]]:
    months: dict[tuple[str, int], list[tuple[date, float]]] = defaultdict(list)
    for company, day, close in sorted(daily.iter_rows()):
        months[company, day.year * 12 + day.month].append((day, close))
    end = daily["date"].max()
    assert isinstance(end, date)
    partial = end.year * 12 + end.month if (end + timedelta(4)).month == end.month else None
    returns = {}
    for (company, number), quotes in months.items():
        if number != partial and (before := months.get((company, number - 1))):
            value = math.log(quotes[-1][1] / before[-1][1])
            stale = max(len(list(run)) for _, run in groupby(close for _, close in quotes)) >= 5
            month = date((number) // 12, number % 12 + 1, 1) if number % 12 else date(number // 12, 1, 1)
            flags = ["outlier"] * (abs(value) > 1) + ["stale"] * stale
            returns[company, month - timedelta(1)] = (value, flags)
    return returns


def test_500_companies_over_18_years_take_less_than_3_seconds() -> None:
    days = pl.date_range(date(2000, 1, 1), date(2017, 12, 31), eager=True)
    days = days.filter(days.dt.weekday() < 6)
    companies = pl.DataFrame({"company_id": [f"{i:010d}" for i in range(500)]})
    daily = companies.join(pl.DataFrame({"date": days}), how="cross")
    daily = daily.with_columns(adj_close=10.0 + pl.int_range(pl.len()) * 7919 % 1000)
    start = time.perf_counter()
    rows = monthly_returns(daily)
    assert time.perf_counter() - start < 3
    assert rows.height == 500 * (18 * 12 - 1)
