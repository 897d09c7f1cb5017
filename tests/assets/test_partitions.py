"""Which partitions a profile wants, and which dates each of them sees."""

from datetime import date

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from assets.partitions import (
    as_of_keys,
    as_of_window,
    filing_year_keys,
    month_end,
    months_around,
    months_later,
)
from resources.lake.recipe import DateWindow
from resources.settings.as_of import AsOf
from resources.settings.profile import Profile

PROFILE = Profile(name="p", as_of=AsOf(first="2004-12", last="2006-12"), filing_years=[2004, 2003])


@given(st.integers(1900, 2100), st.integers(1, 12), st.integers(-300, 300))
def test_months_later_is_the_last_day_of_the_month_that_the_calendar_says(year: int, month: int, count: int) -> None:
    assert months_later(f"{year}-{month:02d}", count) == date(year, month, 1) + relativedelta(months=count, day=31)


def test_month_end_knows_leap_years() -> None:
    assert [month_end(m) for m in ("2004-02", "2003-02", "2004-12")] == [
        date(2004, 2, 29),
        date(2003, 2, 28),
        date(2004, 12, 31),
    ]


@pytest.mark.parametrize(
    ("as_of", "keys"),
    [
        (AsOf(first="2004-12", last="2006-12"), ("2004-12", "2005-12", "2006-12")),
        (AsOf(first="2004-12", last="2006-11"), ("2004-12", "2005-12")),
        (AsOf(first="2004-11", last="2005-02", every_months=1), ("2004-11", "2004-12", "2005-01", "2005-02")),
        (AsOf(first="2006-10", last=None), ()),
        (AsOf(first="2006-06", last=None, every_months=3), ("2006-06", "2006-09")),
    ],
)
def test_as_of_keys_go_in_steps_to_the_last_or_to_the_last_complete_month(as_of: AsOf, keys: tuple[str, ...]) -> None:
    assert as_of_keys(Profile(name="p", as_of=as_of), date(2006, 10, 31)) == keys


def test_the_month_that_is_running_is_not_complete() -> None:
    monthly = Profile(name="p", as_of=AsOf(first="2006-09", last=None, every_months=1))
    assert as_of_keys(monthly, date(2006, 10, 31)) == ("2006-09",)
    assert as_of_keys(monthly, date(2006, 11, 1)) == ("2006-09", "2006-10")


def test_filing_years_are_sorted() -> None:
    assert filing_year_keys(PROFILE) == ("2003", "2004")


def test_months_before_and_after_meet_at_the_as_of_date() -> None:
    before = months_around("clusters.train_months")(PROFILE, "2004-12")
    after = months_around(None, "clusters.horizon_months")(PROFILE, "2004-12")
    assert before == DateWindow(date(1999, 12, 31), date(2004, 12, 31))
    assert after == DateWindow(date(2004, 12, 31), date(2005, 12, 31))
    assert sum(before.shows(f"{y}-{m:02d}") for y in range(1995, 2010) for m in range(1, 13)) == 60
    assert sum(after.shows(f"{y}-{m:02d}") for y in range(1995, 2010) for m in range(1, 13)) == 12


def test_a_book_sees_from_before_the_first_to_a_horizon_after_the_last_as_of_date() -> None:
    reads = as_of_window("backtest.trading_months")
    assert reads(PROFILE, None) == DateWindow(date(2004, 10, 31), date(2007, 12, 31))
    endless = PROFILE.model_copy(update={"as_of": AsOf(first="2004-12", last=None)})
    assert reads(endless, None) == DateWindow(date(2004, 10, 31), None)
