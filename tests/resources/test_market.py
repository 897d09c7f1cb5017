"""Prices come as they are in the file, or the file is refused with a sentence that says where to look."""

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from assets import schemas
from resources.market import PriceError, price_fingerprint, price_span, read_prices
from resources.profile import PriceColumns, Prices

DAYS = [date(2004, 1, 2), date(2004, 1, 5), date(2004, 1, 6)]


def price_file(folder: Path, rows: list[tuple[object, object, object]], **types: pl.DataType) -> Prices:
    schema = {"ticker": pl.String(), "date": pl.Date(), "adj_close": pl.Float32()} | types
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / "prices.parquet")
    return Prices(source="parquet", path=folder / "prices.parquet")


def universe(**tickers: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"company_id": list(tickers.values()), "ticker": list(tickers)},
        schema={"company_id": pl.String, "ticker": pl.String},
    )


def test_rows_match_the_tables(tmp_path: Path) -> None:
    settings = price_file(tmp_path, [("KO", day, 50.1) for day in DAYS] + [("PEP", DAYS[0], 40.0)])
    prices, missing = read_prices(settings, universe(KO="1", PEP="2", XOM="3"))
    assert schemas.PRICES.validate(prices).num_rows == 4
    assert schemas.PRICES_MISSING.validate(missing).to_pylist() == [
        {"company_id": "3", "ticker": "XOM", "reason": "no price in the price file"}
    ]


def test_float32_prices_are_upcast_unrounded(tmp_path: Path) -> None:
    prices, _ = read_prices(price_file(tmp_path, [("KO", DAYS[0], 66.57)]), universe(KO="1"))
    assert prices["adj_close"].to_list() == [66.56999969482422]


def test_own_column_names_and_timestamps_are_read(tmp_path: Path) -> None:
    rows = pl.DataFrame({"symbol": ["KO"], "day": [datetime(2004, 1, 2)], "px": [5]})
    rows.write_parquet(tmp_path / "own.parquet")
    columns = PriceColumns(ticker="symbol", date="day", adj_close="px")
    prices, _ = read_prices(Prices(source="parquet", path=tmp_path / "own.parquet", columns=columns), universe(KO="1"))
    assert prices.select("date", "adj_close").rows() == [(date(2004, 1, 2), 5.0)]


def test_the_ticker_with_the_longest_history_stands_for_a_company(tmp_path: Path) -> None:
    settings = price_file(tmp_path, [("NEW", day, 2.0) for day in DAYS] + [("OLD", DAYS[0], 1.0)])
    prices, missing = read_prices(settings, universe(OLD="1", NEW="1"))
    assert prices["ticker"].unique().to_list() == ["NEW"]
    assert missing.is_empty()


def test_a_ticker_claimed_twice_stands_for_nobody(tmp_path: Path) -> None:
    settings = price_file(tmp_path, [("C", DAYS[0], 2.0), ("KO", DAYS[0], 1.0)])
    tickers = pl.DataFrame({"company_id": ["chrysler", "citigroup", "1"], "ticker": ["C", "C", "KO"]})
    prices, missing = read_prices(settings, tickers)
    assert prices["company_id"].to_list() == ["1"]
    assert missing.rows() == [(c, "C", "several companies claim this ticker") for c in ("chrysler", "citigroup")]


def test_a_missing_company_names_all_its_tickers(tmp_path: Path) -> None:
    _, missing = read_prices(price_file(tmp_path, [("KO", DAYS[0], 1.0)]), universe(B="1", A="1"))
    assert missing["ticker"].to_list() == ["A, B"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("KO", DAYS[1], 0.0), ["adj_close", "KO", "2004-01-05", "not a positive"]),
        (("KO", DAYS[1], -3.0), ["adj_close", "KO", "2004-01-05"]),
        (("KO", DAYS[1], float("nan")), ["adj_close", "KO", "2004-01-05"]),
        (("KO", DAYS[1], float("inf")), ["adj_close", "KO", "2004-01-05"]),
        (("KO", DAYS[1], None), ["adj_close", "KO", "2004-01-05"]),
        (("KO", None, 1.0), ["column date", "KO", "no date"]),
        (("KO", DAYS[0], 2.0), ["column date", "KO", "2004-01-02", "two rows"]),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: tuple[object, object, object], words: list[str]) -> None:
    settings = price_file(tmp_path, [("KO", DAYS[0], 50.0), row])
    with pytest.raises(PriceError) as caught:
        read_prices(settings, universe(KO="1"))
    assert all(word in str(caught.value) for word in [*words, "prices.parquet"])


def test_a_bad_row_of_a_ticker_nobody_asked_for_is_no_matter(tmp_path: Path) -> None:
    settings = price_file(tmp_path, [("KO", DAYS[0], 50.0), ("BAD", DAYS[0], -1.0)])
    assert read_prices(settings, universe(KO="1"))[0].height == 1


@pytest.mark.parametrize(
    ("column", "type", "value"),
    [("date", pl.String(), "2004-01-02"), ("adj_close", pl.String(), "5"), ("ticker", pl.Int64(), 5)],
)
def test_a_column_of_the_wrong_type_is_named(tmp_path: Path, column: str, type: pl.DataType, value: object) -> None:
    row = {"ticker": "KO", "date": DAYS[0], "adj_close": 5.0} | {column: value}
    settings = price_file(tmp_path, [tuple(row.values())], **{column: type})  # type: ignore[list-item]
    with pytest.raises(PriceError, match=f"column {column} holds"):
        read_prices(settings, universe(KO="1"))


def test_a_missing_column_and_a_missing_file_are_named(tmp_path: Path) -> None:
    settings = price_file(tmp_path, [("KO", DAYS[0], 50.0)])
    renamed = settings.model_copy(update={"columns": PriceColumns(adj_close="close")})
    with pytest.raises(PriceError, match="no column close; it has ticker, date, adj_close"):
        read_prices(renamed, universe(KO="1"))
    with pytest.raises(PriceError, match="no such file"):
        price_fingerprint(settings.model_copy(update={"path": tmp_path / "gone.parquet"}))


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prices.parquet").write_text("ticker,date,adj_close\n")
    with pytest.raises(PriceError, match="not a Parquet file"):
        read_prices(Prices(source="parquet", path=tmp_path / "prices.parquet"), universe(KO="1"))


def test_the_fingerprint_is_a_digest_for_each_month_of_the_file(tmp_path: Path) -> None:
    rows = [("KO", DAYS[0], 50.0), ("PEP", DAYS[1], 40.0), ("KO", date(2004, 2, 2), 51.0)]
    before = price_fingerprint(price_file(tmp_path, rows))
    assert list(before) == ["2004-01", "2004-02"]
    assert price_fingerprint(price_file(tmp_path, rows[::-1])) == before
    later = price_fingerprint(price_file(tmp_path, [*rows, ("KO", date(2004, 3, 1), 52.0)]))
    assert before.items() < later.items()
    for changed in (("PEP", DAYS[1], 40.5), ("PEP", DAYS[2], 40.0), ("KO", DAYS[1], 40.0)):
        now = price_fingerprint(price_file(tmp_path, [rows[0], changed, rows[2]]))
        assert (now["2004-01"] == before["2004-01"], now["2004-02"] == before["2004-02"]) == (False, True)


def test_the_span_is_the_first_and_the_last_day_of_any_price(tmp_path: Path) -> None:
    settings = price_file(tmp_path, [("KO", DAYS[1], 50.0), ("PEP", DAYS[2], 40.0), ("KO", DAYS[0], 1.0)])
    assert price_span(settings) == (DAYS[0], DAYS[2])
    assert price_span(Prices()) == (date(2000, 2, 1), date(2012, 9, 12))
    with pytest.raises(PriceError, match="no rows"):
        price_span(price_file(tmp_path, []))
