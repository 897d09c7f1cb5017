"""Stored histories keep their own scale; checked on random walks rounded to float32, as Yahoo's numbers are."""

import itertools
import math
from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.market.yahoo.readjustment import (
    ROWS,
    Scale,
    estimate_scale,
    extended,
    matches,
    succeeded_by,
    with_securities,
)

FIRST = date(2004, 1, 1)


def history(
    adj_close: np.ndarray, close: np.ndarray | None = None, first: date = FIRST, security: str | None = None
) -> pl.DataFrame:
    plain = adj_close if close is None else close
    days = [first + timedelta(days=i) for i in range(len(adj_close))]
    told = {"adj_close": adj_close.astype(np.float32), "close": plain.astype(np.float32)}
    return pl.DataFrame(
        {"date": days, **told, "volume": [100.0] * len(days), "security": security or str(first)}, schema=ROWS
    )


def walk(seed: int, n: int) -> np.ndarray:
    return 50 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, n)))


def returns(rows: pl.DataFrame) -> list[float]:
    logs = [math.log(value) for value in rows["adj_close"]]
    return [b - a for a, b in itertools.pairwise(logs)]


factors = st.floats(0.05, 20)
walks = st.builds(walk, st.integers(0, 10_000), st.integers(12, 40))


@settings(deadline=None)
@given(walks, factors, factors, st.integers(3, 10))
def test_returns_of_unchanged_days_stay_bit_for_bit(whole: np.ndarray, k: float, s: float, new: int) -> None:
    stored = history(whole[:-new])
    fetched = history(whole * k, whole * s).with_columns(volume=pl.lit(100.0 / s))
    at = estimate_scale(stored, fetched)
    assert at is not None
    rows = extended(stored, fetched, at)
    assert rows[: stored.height].equals(stored)
    assert returns(rows)[: stored.height - 1] == returns(stored)
    assert np.allclose(returns(rows), returns(fetched), rtol=0, atol=1e-6)


@settings(deadline=None)
@given(walks, factors, st.integers(0, 10_000), st.floats(1.001, 3))
def test_a_corrected_day_changes_the_returns_beside_it_and_no_others(
    whole: np.ndarray, k: float, where: int, error: float
) -> None:
    i = where % len(whole)
    wrong = whole.copy()
    wrong[i] *= error
    stored, fetched = history(wrong), history(whole * k)
    at = estimate_scale(stored, fetched)
    assert at is not None
    rows = extended(stored, fetched, at)
    changed = [j for j, (a, b) in enumerate(zip(returns(stored), returns(rows), strict=True)) if a != b]
    assert set(changed) == {j for j in (i - 1, i) if 0 <= j < len(whole) - 1}
    assert math.isclose(rows["adj_close"][i], whole[i], rel_tol=1e-6)


@settings(deadline=None)
@given(walks, factors, factors, st.integers(0, 5), st.integers(1, 6))
def test_extending_twice_equals_extending_once(whole: np.ndarray, k: float, s: float, where: int, new: int) -> None:
    wrong = whole[:-new].copy()
    wrong[where] *= 1.5
    stored, fetched = history(wrong), history(whole * k, whole * s)
    at = estimate_scale(stored, fetched)
    assert at is not None
    once = extended(stored, fetched, at)
    again = estimate_scale(once, fetched)
    assert again is not None
    assert extended(once, fetched, again).equals(once)
    assert extended(once, fetched, at).equals(once)


def test_a_split_divides_closes_and_multiplies_volumes_in_the_stored_units() -> None:
    whole = np.array([10.0, 11.0, 12.0, 13.0])
    fetched = history(whole / 4).with_columns(volume=pl.lit(400.0))
    stored = history(whole[:3])
    at = estimate_scale(stored, fetched)
    assert at == Scale(0.25, 0.25)
    assert extended(stored, fetched, at).equals(history(whole))


def test_a_dividend_moves_adjusted_closes_alone() -> None:
    whole = np.array([10.0, 10.0, 10.0, 8.0])
    adjusted = whole * [0.5, 0.5, 0.5, 1.0]
    stored = history(whole[:3])
    at = estimate_scale(stored, history(adjusted, whole))
    assert at == Scale(0.5, 1.0)
    rows = extended(stored, history(adjusted, whole), at)
    assert rows["adj_close"].to_list() == [10.0, 10.0, 10.0, 16.0]
    assert rows["close"].to_list() == whole.tolist()


def test_histories_agree_up_to_the_scale_and_float32() -> None:
    whole = walk(1, 30)
    stored = history(whole)
    recent = history(whole[20:] * 0.37, whole[20:], first=FIRST + timedelta(days=20))
    assert matches(stored, recent, Scale(0.37, 1.0))
    assert not matches(stored, recent, Scale())
    assert not matches(stored, recent, Scale(0.37 * (1 + 2e-5), 1.0))
    assert not matches(stored, recent, Scale(0.37, 1 + 2e-5))


def test_histories_without_a_common_day_have_no_scale_and_do_not_agree() -> None:
    stored, later = history(walk(1, 5)), history(walk(2, 5), first=FIRST + timedelta(days=400), security="b")
    assert estimate_scale(stored, later) is None
    assert not matches(stored, later, Scale())
    assert succeeded_by(stored, later).equals(pl.concat([stored, later]))


def test_days_that_yahoo_withdrew_are_dropped_but_not_those_before_its_first() -> None:
    stored = history(walk(1, 10))
    fetched = stored[3:].remove(date=FIRST + timedelta(days=5))
    rows = extended(stored, fetched, Scale())
    assert rows.equals(stored.remove(date=FIRST + timedelta(days=5)))


def test_missing_closes_match_and_are_filled_later() -> None:
    fetched = history(walk(1, 6))
    stored = fetched.with_columns(close=pl.lit(None, pl.Float64))
    assert matches(stored, stored, Scale())
    assert not matches(stored, fetched, Scale())
    at = estimate_scale(stored, fetched)
    assert at == Scale(1.0, 1.0)
    assert extended(stored, fetched, at).equals(fetched)


def test_prices_that_differ_by_no_single_factor_are_another_security() -> None:
    stored = history(walk(1, 30))
    assert estimate_scale(stored, history(walk(2, 30))) is None
    half = np.repeat([1.0, 0.7], [16, 14])
    at = estimate_scale(stored, history(walk(1, 30) * half))
    assert at is not None
    assert math.isclose(at.adj_close, 1.0, rel_tol=1e-6)


def test_securities_are_labelled_by_the_first_day_of_their_stretch() -> None:
    days = [date(2004, 1, 1), date(2004, 3, 31), date(2004, 6, 30), date(2004, 7, 1), date(2004, 7, 2)]
    names = [None, "2004-02-02", "2004-02-02", "another", None]
    rows = pl.DataFrame({"date": days, "adj_close": 1.0, "close": 1.0, "volume": 1.0, "security": names}, schema=ROWS)
    expected = ["2004-01-01", "2004-01-01", "2004-06-30", "2004-07-01", "2004-07-01"]  # 90 days, then 91
    assert with_securities(rows)["security"].to_list() == expected
    assert with_securities(with_securities(rows)).equals(with_securities(rows))
