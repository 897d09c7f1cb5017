"""Which returns count, on hand-made flags."""

from datetime import date

import polars as pl
import pytest

from assets.prices.usable import marked, usable

ROWS = [
    ("1", date(2004, 1, 31), ["outlier"]),
    ("1", date(2004, 2, 29), ["outlier", "reversal"]),
    ("1", date(2004, 3, 31), []),
    ("2", date(2004, 1, 31), ["stale"]),
    ("2", date(2004, 3, 31), ["reversal"]),
    ("3", date(2004, 1, 31), ["outlier", "stale", "delisted"]),
]
RETURNS = pl.DataFrame(
    ROWS, schema={"company_id": pl.String, "month": pl.Date, "flags": pl.List(pl.String)}, orient="row"
)


@pytest.mark.parametrize(
    ("exclude", "kept"),
    [
        ((), [0, 1, 2, 3, 4, 5]),
        (("stale",), [0, 1, 2, 4]),
        (("outlier",), [2, 3, 4]),
        (("outlier", "stale"), [2, 4]),
        (("reversal",), [2, 3, 5]),
        (("outlier", "reversal", "stale"), [2]),
    ],
)
def test_rows_with_an_excluded_flag_and_the_month_before_a_reversal_are_left_out(
    exclude: tuple[str, ...], kept: list[int]
) -> None:
    assert usable(RETURNS, exclude).rows() == [ROWS[i] for i in kept]


def test_a_reversal_that_is_not_seen_yet_leaves_nothing_out() -> None:
    seen = RETURNS.filter(pl.col("month") <= date(2004, 1, 31))
    assert usable(seen, ("reversal",)).rows() == seen.rows()


def test_no_returns_stay_none() -> None:
    assert usable(RETURNS.clear(), ("reversal", "stale")).is_empty()


def test_every_return_stays_and_is_marked_by_whether_it_counts() -> None:
    found = marked(RETURNS, ["reversal"])
    assert found.drop("used").equals(RETURNS)
    assert found.filter("used").drop("used").equals(usable(RETURNS, ["reversal"]))
    assert found["used"].to_list() == [False, False, True, True, False, True]
