"""Monthly returns and their flags, on hand-made months; real ones are in test_real_prices.py."""

import math
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import schemas
from assets.prices.returns import monthly_returns
from resources.market.price_file import SAMPLE_PRICES

END = ("other", date(2004, 12, 31), 1.0)
"""A company that still trades at the end of 2004."""


def prices(*rows: tuple[str, date, float]) -> pl.DataFrame:
    schema = {"company_id": pl.String, "date": pl.Date, "adj_close": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def of_months(*closes: float | None) -> pl.DataFrame:
    """One close a month of 2004 from January on, None for a month without, beside a company that trades on."""
    days = [(date(2004, month, 28), close) for month, close in enumerate(closes, 1)]
    return prices(*(("1", day, close) for day, close in days if close is not None), END)


def flags(rows: pl.DataFrame) -> list[list[str]]:
    return [[flag for flag in row if flag != "delisted"] for row in monthly_returns(rows)["flags"]]


def test_a_return_runs_from_last_trade_to_last_trade() -> None:
    rows = monthly_returns(
        prices(
            ("1", date(2004, 2, 27), 30.0),
            ("1", date(2004, 1, 5), 10.0),
            ("1", date(2004, 1, 30), 20.0),
            ("1", date(2004, 2, 2), 25.0),
        )
    )
    assert rows.rows() == [("1", date(2004, 2, 29), round(math.log(1.5), 9), [])]
    assert schemas.MONTHLY_RETURNS.validate(rows.with_columns(used=True)).num_rows == 1


def test_no_return_is_made_over_a_missing_month_or_between_companies() -> None:
    rows = monthly_returns(
        prices(("1", date(2004, 1, 30), 1.0), ("1", date(2004, 3, 31), 2.0), ("2", date(2004, 4, 30), 3.0))
    )
    assert rows.is_empty()
    assert rows.columns == ["company_id", "month", "log_return", "flags"]


def test_no_prices_make_no_returns() -> None:
    assert schemas.MONTHLY_RETURNS.validate(monthly_returns(prices()).with_columns(used=True)).num_rows == 0


def test_december_is_followed_by_january() -> None:
    rows = monthly_returns(prices(("1", date(2004, 12, 31), 1.0), ("1", date(2005, 1, 31), 2.0)))
    assert rows["month"].to_list() == [date(2005, 1, 31)]


def test_returns_beyond_one_are_outliers_in_both_directions() -> None:
    assert flags(of_months(1.0, 2.7, 7.6, 30.0, 1.0)) == [[], ["outlier"], ["outlier"], ["outlier"]]


@pytest.mark.parametrize(
    ("closes", "second"),
    [
        ((1.0, 3.0, 1.0), ["outlier", "reversal"]),  # up and all the way back
        ((3.0, 1.0, 2.9), ["outlier", "reversal"]),  # down and back
        ((1.0, 3.0, 1.49), ["reversal"]),  # to within 50 %, the second no outlier
        ((1.0, 3.0, 1.51), []),  # not so near
        ((1.0, 2.0, 0.7), ["outlier", "reversal"]),  # the second alone is an outlier
        ((3.0, 1.0, 1.99), []),
        ((1.0, 2.7, 1.0), []),  # neither is an outlier
        ((1.0, 3.0, 3.1), []),  # goes on
        ((1.0, 3.0, 3.0), []),
    ],
)
def test_a_month_that_undoes_the_one_before_is_a_reversal(closes: tuple[float, ...], second: list[str]) -> None:
    assert flags(of_months(*closes))[1] == second


def test_a_reversal_needs_the_month_before() -> None:
    assert flags(of_months(1.0, 3.0, None, 3.0, 1.0)) == [["outlier"], ["outlier"]]


def test_a_reversal_is_never_made_of_two_companies() -> None:
    months = [("1", date(2004, 11, 30), 1.0), ("1", date(2004, 12, 31), 3.0)]
    assert flags(prices(*months, ("2", date(2004, 11, 30), 3.0), ("2", date(2004, 12, 31), 1.0))) == [["outlier"]] * 2


@pytest.mark.parametrize(("same", "expected"), [(4, []), (5, ["stale"]), (9, ["stale"])])
def test_five_identical_closes_in_a_row_make_a_month_stale(same: int, expected: list[str]) -> None:
    closes = [7.0, 8.0] + [9.0] * same + [10.0]
    month = [("1", date(2004, 2, 15 + i), close) for i, close in enumerate(closes)] + [("1", date(2004, 2, 29), 11.0)]
    assert flags(prices(("1", date(2004, 1, 30), 9.0), *month, END)) == [expected]


@pytest.mark.parametrize(("in_january", "in_february"), [(1, 4), (4, 1), (3, 2)])
def test_a_run_over_a_month_end_makes_the_month_of_its_fifth_close_stale(in_january: int, in_february: int) -> None:
    run = [date(2004, 1, 31 - i) for i in range(in_january)] + [date(2004, 2, 1 + i) for i in range(in_february)]
    months = prices(
        ("1", date(2003, 12, 31), 6.0), *(("1", day, 5.0) for day in run), ("1", date(2004, 2, 20), 6.0), END
    )
    assert flags(months) == [[], ["stale"]]
    assert flags(months.filter(pl.col("date") != date(2004, 2, in_february))) == [[], []]


def test_every_month_in_which_a_run_goes_on_is_stale() -> None:
    run = [("1", date(2004, 1, 1) + timedelta(7 * week), 5.0) for week in range(14)]
    assert flags(prices(*run, ("1", date(2004, 4, 30), 6.0), END)) == [["stale"], ["stale"], ["stale"]]


def test_no_run_goes_over_a_month_without_a_trade() -> None:
    run = [("1", date(2004, month, day), 5.0) for month in (1, 3, 4) for day in (1, 20)]
    assert flags(prices(*run, END)) == [[]]
    assert flags(prices(*run, ("1", date(2004, 2, 5), 5.0), END))[1:] == [["stale"], ["stale"]]


def test_no_run_goes_from_one_company_to_the_next() -> None:
    months = [(company, date(2004, month, 28), 5.0) for company in "12" for month in range(1, 5)]
    assert flags(prices(*months, END)) == [[]] * 6


@pytest.mark.parametrize(("last", "months"), [(26, 1), (27, 2), (31, 2)])
def test_the_last_month_counts_if_the_data_reach_to_within_four_days_of_its_end(last: int, months: int) -> None:
    rows = prices(("1", date(2004, 3, 1), 1.0), ("1", date(2004, 4, 2), 2.0), ("1", date(2004, 5, last), 3.0))
    assert monthly_returns(rows).height == months


def test_a_company_that_stops_trading_keeps_its_last_month_up_to_its_last_price() -> None:
    stops = [("1", date(2004, 1, 30), 1.0), ("1", date(2004, 2, 6), 0.5)]
    rows = monthly_returns(prices(*stops, ("2", date(2004, 3, 5), 1.0), ("2", date(2004, 2, 27), 1.0)))
    assert rows.rows() == [("1", date(2004, 2, 29), round(math.log(0.5), 9), ["delisted"])]


@pytest.mark.parametrize(("last", "expected"), [(16, ["delisted"]), (17, [])])
def test_delisted_is_who_stopped_more_than_14_days_before_the_data_end(last: int, expected: list[str]) -> None:
    rows = [("1", date(2004, 11, 30), 1.0), ("1", date(2004, 12, last), 2.0), END]
    assert monthly_returns(prices(*rows))["flags"].to_list() == [expected]


def test_stragglers_do_not_set_the_last_day_of_the_data() -> None:
    days = [date(2004, 1, 30), date(2004, 2, 27), date(2004, 3, 12)]
    rows = [(company, day, 1.0) for company in "1234" for day in days]
    stragglers = [("5", day, 1.0) for day in (*days, date(2004, 3, 31), date(2004, 4, 30))]
    found = monthly_returns(prices(*rows, *stragglers))
    assert found["month"].unique().to_list() == [date(2004, 2, 29)]
    assert found["flags"].to_list() == [[]] * 5


def test_a_company_whose_prices_are_behind_is_not_delisted() -> None:
    stops = [(company, date(2004, month, 28), 1.0) for company in "12" for month in (1, 2)]
    goes_on = [(company, date(2004, month, 28), 1.0) for company in "34" for month in (1, 2, 3)]
    found = monthly_returns(prices(*stops, *goes_on), behind=["2"])
    february = found.filter(pl.col("month") == date(2004, 2, 29))
    assert february["flags"].to_list() == [["delisted"], [], [], []]


def test_only_the_last_month_of_a_company_is_delisted() -> None:
    assert monthly_returns(of_months(1.0, 1.1, 1.2, None, 1.3))["flags"].to_list() == [[], []]
    assert monthly_returns(of_months(1.0, 1.1, 1.2))["flags"].to_list() == [[], ["delisted"]]


def test_flags_come_in_one_order() -> None:
    days = [("1", date(2004, 3, 1 + i), 1.0) for i in range(5)]
    rows = monthly_returns(prices(("1", date(2004, 1, 30), 1.0), ("1", date(2004, 2, 27), 3.0), *days, END))
    assert rows["flags"].to_list()[1] == ["outlier", "reversal", "stale", "delisted"]


def test_the_sample_ends_with_august_2012() -> None:
    sample = pl.read_parquet(SAMPLE_PRICES).rename({"ticker": "company_id"}).cast({"adj_close": pl.Float64})
    assert monthly_returns(sample)["month"].max() == date(2012, 8, 31)


@given(st.lists(st.floats(0.01, 1e6), min_size=2, max_size=40))
def test_returns_add_up_over_months(closes: list[float]) -> None:
    days = [date(2000 + m // 12, 1 + m % 12, 28) for m in range(len(closes))]
    rows = monthly_returns(prices(*(("1", day, close) for day, close in zip(days, closes, strict=True))))
    assert rows["log_return"].sum() == pytest.approx(math.log(closes[-1] / closes[0]), abs=1e-9 * len(closes))


QUOTED = st.dictionaries(
    st.tuples(st.sampled_from("123"), st.integers(0, 240)),
    st.sampled_from([1.0, 1.2, 3.0, 9.0]),
    min_size=1,
    max_size=60,
)


@given(QUOTED, st.integers(1, 9))
def test_nothing_but_delisted_depends_on_later_months(quoted: dict[tuple[str, int], float], month: int) -> None:
    every_fourth = [("4", date(2004, 1, 1) + timedelta(n), 1.0) for n in range(0, 280, 4)]
    rows = prices(*((company, date(2004, 1, 1) + timedelta(n), close) for (company, n), close in quoted.items()))
    rows = pl.concat([rows, prices(*every_fourth)])
    end = date(2004, month + 1, 1) - timedelta(1)
    lasting = pl.col("flags").list.set_difference(["delisted"]).list.sort()
    cut = monthly_returns(rows.filter(pl.col("date") <= end)).with_columns(lasting)
    whole = monthly_returns(rows).filter(pl.col("month") <= end).with_columns(lasting)
    assert cut.rows() == whole.rows()
