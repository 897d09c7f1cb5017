"""Whose quotes are whose, on hand-made tickers, and that no quote and no company is ever lost."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import schemas
from assets.prices.securities import CompanyPrices, company_prices
from resources.market.quotes import PAUSE_DAYS, QUOTES, Quotes

DAY = date(2004, 1, 1)


def span(ticker: str, first: int, last: int, security: str | None = None, **columns: float) -> list[dict[str, object]]:
    """A quote a day, days counted from DAY."""
    row = {"ticker": ticker, "adj_close": 1.0, "security": security} | columns
    return [row | {"date": DAY + timedelta(n)} for n in range(first, last + 1)]


def claim(company: str, ticker: str | None, first: int | None = None, last: int | None = None) -> tuple[object, ...]:
    """A row of `tickers`, days counted from DAY."""
    return company, ticker, *(None if n is None else DAY + timedelta(n) for n in (first, last))


def found(
    rows: list[dict[str, object]], *claims: tuple[object, ...], missing: dict[str, str] | None = None, others: str = ""
) -> CompanyPrices:
    quotes = pl.DataFrame(rows, schema=QUOTES).sort("ticker", "date")
    schema = {"company_id": pl.String, "ticker": pl.String, "valid_from": pl.Date, "valid_to": pl.Date}
    tickers = pl.DataFrame(list(claims), schema=schema, orient="row")
    companies = sorted({*others.split(), *tickers["company_id"]})
    return company_prices(Quotes(quotes, missing or {}), tickers, pl.Series(companies, dtype=pl.String))


def days(result: CompanyPrices, company: str) -> list[int]:
    return [(day - DAY).days for day in result.prices.filter(pl.col("company_id") == company)["date"]]


def cuts(result: CompanyPrices) -> list[tuple[object, ...]]:
    """Rows of `cut` with days counted from DAY and the first word of the reason."""
    return [
        (ticker, (first - DAY).days, (last - DAY).days, n, company, reason.split()[0])
        for ticker, first, last, n, company, reason in result.cut.iter_rows()
    ]


def test_the_three_tables_match_their_schemas() -> None:
    result = found(span("A", 0, 9, volume=5.0) + span("B", 0, 3), claim("1", "A"), claim("1", "B"), claim("2", None))
    priced = result.prices.with_columns(source=pl.lit("sample"))
    assert schemas.PRICES.validate(priced).num_rows == 10
    assert schemas.PRICES_MISSING.validate(result.missing).num_rows == 1
    assert schemas.PRICES_CUT.validate(result.cut).num_rows == 1


def test_with_no_quotes_at_all_every_company_is_missing() -> None:
    result = found([], claim("1", "A"), claim("1", "B"), missing={"A": "delisted", "B": "unknown"}, others="1 2")
    assert result.missing.rows() == [("1", "A, B", None, "delisted; unknown"), ("2", None, None, "no ticker known")]
    assert schemas.PRICES.validate(result.prices.with_columns(source=pl.lit("x"))).num_rows == 0
    assert schemas.PRICES_CUT.validate(result.cut).num_rows == 0


def test_the_same_reason_is_given_once() -> None:
    result = found([], claim("1", "A"), claim("1", "B"), missing={"A": "delisted", "B": "delisted"})
    assert result.missing.rows() == [("1", "A, B", None, "delisted")]


@pytest.mark.parametrize(("pause", "kept"), [(PAUSE_DAYS, 15), (PAUSE_DAYS + 1, 10)])
def test_a_ticker_means_another_security_after_more_than_90_days(pause: int, kept: int) -> None:
    result = found(span("A", 0, 4) + span("A", 4 + pause, 13 + pause), claim("1", "A"))
    assert result.prices.height == kept
    assert cuts(result) == ([("A", 0, 4, 5, "1", "another")] if kept == 10 else [])


def test_a_ticker_means_another_security_where_the_market_says_so() -> None:
    result = found(span("A", 0, 4, "10001") + span("A", 5, 7, "10002"), claim("1", "A"))
    assert days(result, "1") == [0, 1, 2, 3, 4]
    assert cuts(result) == [("A", 5, 7, 3, "1", "another")]


def test_a_pause_changes_nothing_where_the_market_says_that_the_security_is_the_same() -> None:
    result = found(span("A", 0, 4, "10001") + span("A", 400, 404, "10001"), claim("1", "A"))
    assert (result.prices.height, cuts(result)) == (10, [])


def test_a_company_whose_quotes_end_early_has_prices_and_a_reason() -> None:
    rows = pl.DataFrame(span("A", 0, 1) + span("A", 200, 204) + span("B", 0, 9), schema=QUOTES)
    claims = {
        "company_id": ["1", "2", "3"],
        "ticker": ["A", "B", "C"],
        "valid_from": [None] * 3,
        "valid_to": [None] * 3,
    }
    tickers = pl.DataFrame(claims, schema_overrides={"valid_from": pl.Date, "valid_to": pl.Date})
    quotes = Quotes(rows.sort("ticker", "date"), {"C": "throttled"}, {"A": "throttled"})
    result = company_prices(quotes, tickers, pl.Series(["1", "2", "3"]))
    ends = DAY + timedelta(204)
    assert result.missing.rows() == [("1", "A", ends, "throttled"), ("3", "C", None, "throttled")]
    assert result.prices["company_id"].unique().sort().to_list() == ["1", "2"]


def test_an_unknown_security_is_taken_for_the_one_before() -> None:
    rows = span("A", 0, 1) + span("A", 2, 3, "10001") + span("A", 4, 5) + span("A", 6, 7, "10001")
    assert days(found(span("0", 0, 1, "10002") + rows, claim("0", "0"), claim("1", "A")), "1") == list(range(8))
    assert days(found(rows + span("A", 8, 8) + span("A", 9, 9, "10002"), claim("1", "A")), "1") == list(range(9))


def test_of_securities_as_long_the_latest_counts() -> None:
    result = found([row for n in range(20) for row in span("A", 2 * n, 2 * n + 1, f"{n}")], claim("1", "A"))
    assert days(result, "1") == [38, 39]


@pytest.mark.parametrize("valid", [(4, 5), (None, 0), (9, None)])
def test_dates_identify_a_security_and_do_not_trim_it(valid: tuple[int | None, int | None]) -> None:
    assert days(found(span("A", 0, 9), claim("1", "A", *valid)), "1") == list(range(10))


def test_a_shorter_security_counts_where_only_it_is_the_companys() -> None:
    result = found(span("A", 0, 2, "x") + span("A", 3, 20, "y"), claim("1", "A", None, 1))
    assert days(result, "1") == [0, 1, 2]
    assert cuts(result) == [("A", 3, 20, 18, "1", "another")]


def test_a_company_whose_ticker_was_quoted_only_as_anothers_is_missing() -> None:
    result = found(span("A", 9, 12), claim("1", "A", None, 8))
    assert result.prices.is_empty()
    assert result.missing.rows() == [
        ("1", "A", None, "quotes of 2004-01-10 to 2004-01-13 only, when the ticker meant another company")
    ]
    assert cuts(result) == [("A", 9, 12, 4, "1", "another")]


@pytest.mark.parametrize(
    ("first", "second"),
    [((None, None), (None, None)), ((0, 5), (5, 9)), ((3, None), (None, 3)), ((0, 9), (None, None))],
)
def test_a_ticker_claimed_for_the_same_days_stands_for_nobody(
    first: tuple[int | None, int | None], second: tuple[int | None, int | None]
) -> None:
    result = found(span("A", 0, 9), claim("1", "A", *first), claim("2", "A", *second))
    assert result.prices.is_empty()
    assert result.missing["reason"].to_list() == ["several companies claim this ticker"] * 2
    assert result.cut["reason"].to_list() == ["several companies claim this ticker"]


def test_companies_that_had_a_ticker_one_after_the_other_each_get_their_security() -> None:
    rows = span("A", 0, 9) + span("A", 200, 204) + span("A", 400, 407)
    result = found(rows, claim("2", "A", 200, None), claim("1", "A", None, 100))
    assert (days(result, "1"), days(result, "2")) == (list(range(10)), list(range(400, 408)))
    assert cuts(result) == [("A", 200, 204, 5, "2", "another")]


def test_a_security_that_changes_hands_without_a_pause_is_cut_between_the_companies() -> None:
    result = found(span("A", 0, 9), claim("1", "A", 2, 3), claim("2", "A", 6, 8))
    assert (days(result, "1"), days(result, "2")) == ([0, 1, 2, 3], [6, 7, 8, 9])
    assert cuts(result) == [("A", 4, 5, 2, "2", "between")]


def test_nothing_is_cut_between_companies_that_follow_day_on_day() -> None:
    result = found(span("A", 0, 9), claim("1", "A", None, 3), claim("2", "A", 4, 5), claim("3", "A", 6, None))
    assert [days(result, company) for company in "123"] == [[0, 1, 2, 3], [4, 5], [6, 7, 8, 9]]
    assert result.cut.is_empty()


def test_a_security_of_neither_companys_days_is_nobodys() -> None:
    result = found(span("A", 0, 9), claim("1", "A", 20, 30), claim("2", "A", 40, None))
    assert cuts(result) == [("A", 0, 9, 10, "1", "another")]
    assert result.missing["company_id"].to_list() == ["1", "2"]


def test_the_most_traded_share_class_counts_where_every_volume_is_known() -> None:
    long, dear = span("GOOGL", 0, 9, volume=10.0, close=1.0), span("GOOG", 5, 9, volume=5.0, close=100.0)
    result = found(long + dear, claim("1", "GOOG"), claim("1", "GOOGL"))
    assert result.prices["ticker"].unique().to_list() == ["GOOG"]
    assert result.cut["reason"].to_list() == ["lesser share class: GOOG trades more"]


def test_traded_value_falls_back_on_the_adjusted_close() -> None:
    result = found(
        span("A", 0, 4, volume=10.0) + span("B", 0, 4, volume=1.0, adj_close=11.0), claim("1", "A"), claim("1", "B")
    )
    assert result.prices["ticker"].unique().to_list() == ["B"]


def test_the_longest_share_class_counts_where_a_volume_is_unknown() -> None:
    result = found(span("A", 0, 9) + span("B", 5, 9, volume=1e9), claim("1", "A"), claim("1", "B"))
    assert result.cut["reason"].to_list() == ["lesser share class: A has the longer history"]


def test_the_alphabet_decides_between_share_classes_that_are_alike() -> None:
    result = found(span("A", 0, 9) + span("B", 0, 9), claim("1", "B"), claim("1", "A"))
    assert result.cut["reason"].to_list() == ["lesser share class: A comes first in the alphabet"]


def test_a_quote_of_a_ticker_nobody_has_is_ignored() -> None:
    result = found(span("A", 0, 9) + span("Z", 0, 9), claim("1", "A"))
    assert (result.prices.height, result.cut.height) == (10, 0)


BOUND = st.none() | st.integers(0, 400)
CLAIMS = st.dictionaries(st.tuples(st.sampled_from("123"), st.sampled_from("AB")), st.tuples(BOUND, BOUND), max_size=5)
HISTORIES = st.dictionaries(
    st.tuples(st.sampled_from("AB"), st.integers(0, 400)),
    st.tuples(st.sampled_from([None, "x", "y"]), st.none() | st.integers(0, 3)),
    max_size=25,
)


@given(CLAIMS, HISTORIES)
def test_no_quote_and_no_company_is_lost(
    claims: dict[tuple[str, str], tuple[int | None, int | None]],
    histories: dict[tuple[str, int], tuple[str | None, int | None]],
) -> None:
    asked, quoted = {ticker for _, ticker in claims}, {ticker for ticker, _ in histories}
    rows = [
        {"ticker": ticker, "date": DAY + timedelta(n), "adj_close": 1.0, "security": security, "volume": volume}
        for (ticker, n), (security, volume) in histories.items()
    ]
    whole = [claim(*key, *(days if None in days else sorted(days))) for key, days in claims.items()]
    result = found(rows, *whole, missing=dict.fromkeys(asked - quoted, "no price"), others="1 2 3")
    priced, absent = set(result.prices["company_id"]), result.missing["company_id"].to_list()
    assert sorted([*priced, *absent]) == ["1", "2", "3"]
    assert not result.missing["reason"].has_nulls()
    kept = [(row["ticker"], row["date"]) for row in result.prices.iter_rows(named=True)]
    left_out = list(result.cut.iter_rows(named=True))
    places = dict.fromkeys(((row["ticker"], row["date"]) for row in rows if row["ticker"] in asked), 0)
    inside = [
        [at for at in places if at[0] == row["ticker"] and row["first"] <= at[1] <= row["last"]] for row in left_out
    ]
    assert [len(days) for days in inside] == [row["days"] for row in left_out]
    for at in kept + [at for days in inside for at in days]:
        places[at] += 1
    assert set(places.values()) <= {1}
