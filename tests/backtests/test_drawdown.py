"""How far a book fell, from which day to which."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assets.backtests.drawdown import drawdowns, max_drawdown, worst_drawdown


def days(count: int) -> list[date]:
    return [date(2005, 1, 1) + timedelta(i) for i in range(count)]


def test_the_dates_of_the_largest_fall() -> None:
    returns = np.array([0.1, 0.2, -0.1, -0.3, 0.1, 0.4, -0.2])
    found = worst_drawdown(days(7), returns)
    assert found == {"drawdown_from": days(7)[1], "drawdown_low": days(7)[3], "drawdown_over": days(7)[5]}


def test_a_fall_from_the_start_that_is_never_made_up() -> None:
    found = worst_drawdown(days(3), np.array([-0.1, -0.2, 0.1]))
    assert found == {"drawdown_from": days(3)[0], "drawdown_low": days(3)[1], "drawdown_over": None}


def test_a_book_that_only_rises_has_no_dates() -> None:
    assert set(worst_drawdown(days(2), np.array([0.1, 0.0])).values()) == {None}


@given(arrays(float, st.integers(1, 40), elements=st.integers(-5, 5).map(float)))
def test_the_peak_is_before_the_bottom_and_the_recovery_after_it(returns: np.ndarray) -> None:
    found, fallen = worst_drawdown(days(len(returns)), returns), drawdowns(returns)
    if found["drawdown_low"] is not None:
        low = days(len(returns)).index(found["drawdown_low"])
        assert fallen[low] == max_drawdown(returns) > 0
        assert found["drawdown_from"] <= found["drawdown_low"]  # type: ignore[operator]
        assert found["drawdown_over"] is None or found["drawdown_over"] > found["drawdown_low"]
