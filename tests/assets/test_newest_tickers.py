"""A company is called by its newest ticker, and a ticker means its newest bearer."""

from datetime import date

import polars as pl

from assets.newest_tickers import newest_bearers, newest_tickers

ROWS = pl.DataFrame(
    [
        ("OLD", "1", None, date(2005, 1, 1)),
        ("New", "1", date(2005, 1, 2), None),
        ("OLD", "2", date(2006, 1, 1), date(2009, 1, 1)),
        ("NOW", "2", None, None),
        ("LATE", "2", date(2010, 1, 1), None),
    ],
    schema={"ticker": pl.String, "company_id": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
    orient="row",
)


def test_a_claim_that_holds_is_newer_than_one_that_ended_and_a_dated_one_than_an_undated_one() -> None:
    assert dict(newest_tickers(ROWS).iter_rows()) == {"1": "New", "2": "LATE"}


def test_the_bearer_whose_claim_ended_last_has_the_ticker() -> None:
    assert newest_bearers(ROWS) == {"OLD": "2", "NEW": "1", "NOW": "2", "LATE": "2"}
