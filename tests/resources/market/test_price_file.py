"""Prices written as Parquet or CSV, long or wide, are read back unchanged."""

import csv as csv_module
import gzip
import io
import re
import subprocess
import sys
import tempfile
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.market.price_file import SAMPLE_PRICES, FileMarket
from resources.market.quotes import QUOTES, PriceError
from resources.settings.prices import PriceColumns, Prices

DAYS = [date(2004, 1, 2), date(2004, 1, 5), date(2004, 1, 6)]
ALL = PriceColumns(close="close", volume="volume", security="security")
ODD_TICKERS = ["KO", "BRK.B", "BRK/B", "^GSPC", "^.*$", "*", "A,B", "A;B", 'say "A"', "Ü", "date of", "$KO", "007", "-"]
Rows = list[tuple[object, ...]]

prices = st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False)
volumes = st.none() | st.integers(0, 10**12).map(float)
quotes = st.fixed_dictionaries(
    {
        "adj_close": prices,
        "close": st.none() | prices,
        "volume": volumes,
        "security": st.none() | st.sampled_from(["10107", "B"]),
    }
)
histories = st.dictionaries(
    st.tuples(st.sampled_from(ODD_TICKERS), st.dates(date(1950, 1, 1), date(2049, 12, 31))),
    quotes,
    min_size=1,
    max_size=12,
)


def long_parquet(folder: Path, rows: Rows, **types: pl.DataType) -> Prices:
    schema = {"ticker": pl.String(), "date": pl.Date(), "adj_close": pl.Float64()} | types
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / "prices.parquet")
    return Prices(source="parquet", path=folder / "prices.parquet")


def csv(folder: Path, text: str, **kwargs: object) -> Prices:
    (folder / "prices.csv").write_text(text, encoding="utf-8", newline="")
    return Prices(source="csv", path=folder / "prices.csv", **kwargs)  # type: ignore[arg-type]


def read(prices: Prices, *tickers: str) -> Rows:
    return FileMarket(prices).quotes(tickers).rows.select("ticker", "date", "adj_close").rows()


@settings(max_examples=40, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_every_format_and_layout_reads_back_what_was_written(history: dict, random: object) -> None:
    rows = [{"ticker": ticker, "date": day, **quote} for (ticker, day), quote in history.items()]
    expected = pl.DataFrame(rows, schema=QUOTES).sort("ticker", "date")
    random.shuffle(rows)  # type: ignore[attr-defined]
    mixed = pl.DataFrame(rows, schema=QUOTES)
    priced = expected.with_columns(pl.lit(None, QUOTES[c]).alias(c) for c in ("close", "volume", "security"))
    with tempfile.TemporaryDirectory() as folder:
        for found in long_files(mixed, Path(folder)):
            assert FileMarket(found).quotes(ODD_TICKERS).rows.equals(expected)
        for found in wide_files(mixed, Path(folder)):
            assert FileMarket(found).quotes(ODD_TICKERS).rows.equals(priced)


def long_files(rows: pl.DataFrame, folder: Path) -> list[Prices]:
    rows.write_parquet(folder / "long.parquet")
    rows.write_csv(folder / "long.csv")
    rows.write_csv(folder / "comma.csv", separator=";", decimal_comma=True, line_terminator="\r\n", include_bom=True)
    rows.write_csv(folder / "quoted.csv", separator="\t", quote_style="always", float_scientific=True)
    return [
        Prices(source="parquet", path=folder / "long.parquet", columns=ALL),
        Prices(source="csv", path=folder / "long.csv", columns=ALL),
        Prices(source="csv", path=folder / "comma.csv", columns=ALL, separator=";", decimal_comma=True),
        Prices(source="csv", path=folder / "quoted.csv", columns=ALL, separator="\t"),
    ]


def wide_files(rows: pl.DataFrame, folder: Path) -> list[Prices]:
    wide = rows.pivot("ticker", index="date", values="adj_close")
    wide.write_parquet(folder / "wide.parquet")
    wide.write_csv(folder / "wide.csv")
    return [
        Prices(source="parquet", path=folder / "wide.parquet", layout="wide"),
        Prices(source="csv", path=folder / "wide.csv", layout="wide"),
    ]


fields = (
    st.sampled_from(["KO", "PEP", '"KO"', '"A,B"', '"K""O"', '"', "", "KO ", 'K"O"']),
    st.sampled_from(["2004-01-02", "2004-01-05", "2004-01-06T16:00", "2004-01-07 00:00", "2004-1-8", ""]),
    st.sampled_from(["1", "1.5", "2e3", "+3", ".5", '"2.5"', '""', "", " 1", "0", "N/A", '"1,5"', '"7"x']),
)
lines = st.tuples(*fields).map(",".join) | st.sampled_from(
    ["", "KO,2004-01-08", "KO,2004-01-08,1,2", '"KO,2004-01-08,1']
)


@settings(max_examples=150, deadline=None)
@given(st.lists(lines, min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_a_csv_says_what_the_csv_module_reads_or_is_refused(body: list[str], end: str) -> None:
    text = end.join(["ticker,date,adj_close", *body, ""])
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = read(csv(Path(folder), text), "KO", "PEP")
        except PriceError as error:
            assert re.search(r"line \d+|no prices", str(error))
            return
    plain = [row for row in csv_module.reader(io.StringIO(text, newline="")) if row and row[0] in {"KO", "PEP"}]
    assert found == sorted((ticker, date.fromisoformat(day[:10]), float(price)) for ticker, day, price in plain)


def test_tickers_without_a_price_are_missing_with_the_reason(tmp_path: Path) -> None:
    prices = long_parquet(tmp_path, [("KO", day, 50.1) for day in DAYS] + [("PEP", DAYS[0], 40.0)])
    done: list[int] = []
    quotes = FileMarket(prices).quotes(["XOM", "KO", "KO", "ABT"], done.append)
    assert quotes.rows["ticker"].unique().to_list() == ["KO"]
    assert quotes.rows.schema == pl.Schema(QUOTES)
    assert list(quotes.missing.items()) == [(t, "no price in the price file") for t in ("ABT", "XOM")]
    assert sum(done) == 3
    assert FileMarket(Prices()).quotes(["KO", "NONE"]).missing == {"NONE": "no price in the bundled sample"}
    assert FileMarket(prices).quotes([]).rows.is_empty()


def test_a_wide_file_of_other_tickers_has_no_price(tmp_path: Path) -> None:
    prices = csv(tmp_path, "date,KO,PEP\n2004-01-02,1.5,\n2004-01-05,,\n", layout="wide")
    assert FileMarket(prices).quotes(["XOM", "PEP"]).missing.keys() == {"PEP", "XOM"}
    assert read(prices, "KO", "PEP") == [("KO", DAYS[0], 1.5)]


def test_the_sample_is_read_whatever_the_columns_of_another_source() -> None:
    market = FileMarket(Prices(columns=PriceColumns(ticker="symbol"), layout="wide"))
    assert market.span() == (date(2000, 2, 1), date(2012, 9, 12))
    assert market.quotes(["KO"]).rows.height == pl.read_parquet(SAMPLE_PRICES).filter(ticker="KO").height


def test_float32_prices_are_upcast_unrounded(tmp_path: Path) -> None:
    assert (
        read(long_parquet(tmp_path, [("KO", DAYS[0], 66.57)], adj_close=pl.Float32()), "KO")[0][2] == 66.56999969482422
    )


def test_own_column_names_and_types_are_read(tmp_path: Path) -> None:
    rows = pl.DataFrame({"symbol": ["KO"], "day": [DAYS[0]], "px": [5], "shares": [7], "permno": [10107], "n": ["x"]})
    rows.cast({"symbol": pl.Categorical, "px": pl.Decimal(9, 2)}).write_parquet(tmp_path / "own.parquet")
    rows.write_csv(tmp_path / "own.csv")
    columns = PriceColumns(ticker="symbol", date="day", adj_close="px", close="px", volume="shares", security="permno")
    for source in ("parquet", "csv"):
        found = FileMarket(Prices(source=source, path=tmp_path / f"own.{source}", columns=columns)).quotes(["KO"])  # type: ignore[arg-type]
        assert found.rows.rows() == [("KO", DAYS[0], 5.0, 5.0, 7.0, "10107")]


def test_a_file_name_with_glob_characters_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "a[1]*{x}"
    folder.mkdir()
    assert read(long_parquet(folder, [("KO", DAYS[0], 1.0)]), "KO") == [("KO", DAYS[0], 1.0)]
    assert read(csv(folder, "ticker,date,adj_close\nKO,2004-01-02,1\n"), "KO") == [("KO", DAYS[0], 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "ticker,date,adj_close\nKO,2004-01-02,1.5\n",
        "\ufeffticker,date,adj_close\r\nKO,2004-01-02,1.5\r\n",
        "ticker,date,adj_close\n\nKO,2004-01-02,1.5\n\n\r\n",
        '\ufeff"ticker","date","adj_close"\n"KO","2004-01-02","1.5"',
        "adj_close,note,ticker,date\n1.5,,KO,2004-01-02\n",
        ',ticker,date,adj_close\n0,KO,2004-01-02,1.5\n1,PEP,2004-01-02,"45,67"\n',
        'ticker,date,adj_close\nKO,2004-01-02,+15E-1\n"a, b",2004-01-02,N/A\nPEP,,\n',
    ],
)
def test_variants_of_csv_are_read(tmp_path: Path, text: str) -> None:
    assert read(csv(tmp_path, text), "KO") == [("KO", DAYS[0], 1.5)]


def test_a_gzipped_csv_is_read(tmp_path: Path) -> None:
    (tmp_path / "prices.csv.gz").write_bytes(gzip.compress(b"ticker,date,adj_close\nKO,2004-01-02,1.5\n"))
    assert read(Prices(source="csv", path=tmp_path / "prices.csv.gz"), "KO") == [("KO", DAYS[0], 1.5)]


def test_a_bad_row_of_an_unrequested_ticker_is_ignored(tmp_path: Path) -> None:
    bad: Rows = [("BAD", DAYS[0], -1.0), ("BAD", None, 1.0), ("BAD", DAYS[0], 2.0)]
    assert read(long_parquet(tmp_path, [("KO", DAYS[0], 50.0), *bad]), "KO") == [("KO", DAYS[0], 50.0)]


def market_of(folder: Path, rows: Rows, source: str, layout: str) -> FileMarket:
    frame = pl.DataFrame(rows, schema={"ticker": pl.String, "date": pl.Date, "adj_close": pl.Float64}, orient="row")
    frame = frame.pivot("ticker", index="date", values="adj_close") if layout == "wide" else frame
    file = folder / f"{layout}.{source}"
    frame.write_csv(file) if source == "csv" else frame.write_parquet(file)
    return FileMarket(Prices(source=source, path=file, layout=layout))  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["parquet", "csv"])
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_digest_changes_with_its_month_only_and_not_with_the_order(tmp_path: Path, source: str, layout: str) -> None:
    def now(*rows: tuple[str, date, float]) -> dict[str, str]:
        return market_of(tmp_path, list(rows), source, layout).now()

    rows = [("KO", DAYS[0], 50.0), ("PEP", DAYS[1], 40.0), ("KO", date(2004, 2, 2), 51.0)]
    before = now(*rows)
    assert list(before) == ["2004-01", "2004-02"]
    assert now(*rows[::-1]) == before
    assert before.items() < now(*rows, ("KO", date(2004, 3, 1), 52.0)).items()
    others = (("PEP", DAYS[1], 40.5), ("PEP", DAYS[2], 40.0), ("KO", DAYS[1], 40.0), ("PEP", DAYS[0], 40.0))
    changed = [now(rows[0], other, rows[2]) for other in others]
    assert {digests["2004-02"] for digests in changed} == {before["2004-02"]}
    assert len({digests["2004-01"] for digests in changed} | {before["2004-01"]}) == len(others) + 1
    assert now(("KO", DAYS[0], 40.0), ("PEP", DAYS[1], 50.0), rows[2])["2004-01"] != before["2004-01"]


def test_the_digest_covers_close_volume_and_security(tmp_path: Path) -> None:
    def now(*row: object) -> dict[str, str]:
        types = {"close": pl.Float64(), "volume": pl.Int64(), "security": pl.Int64()}
        prices = long_parquet(tmp_path, [("KO", DAYS[0], 1.0, *row)], **types)
        return FileMarket(prices.model_copy(update={"columns": ALL})).now()

    assert len({now(*row)["2004-01"] for row in [(1.0, 2, 3), (2.0, 2, 3), (1.0, 3, 3), (1.0, 2, 4), (1.0, 3, 2)]}) == 5


def test_the_digest_is_the_same_in_another_process() -> None:
    code = "from resources.market.price_file import *; print(sorted(FileMarket(Prices()).now().items()))"
    another = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert another.stdout.strip() == str(sorted(FileMarket(Prices()).now().items()))


def test_rows_without_a_day_are_in_the_digest_without_a_month(tmp_path: Path) -> None:
    text = "ticker,date,adj_close\nKO,2004-01-02,1.5\nPEP,,1\n"
    before = FileMarket(csv(tmp_path, text)).now()
    after = FileMarket(csv(tmp_path, text + "XOM,soon,1\n")).now()
    assert list(before) == list(after) == ["", "2004-01"]
    assert (before[""] == after[""], before["2004-01"] == after["2004-01"]) == (False, True)


@pytest.mark.parametrize("source", ["parquet", "csv"])
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_the_span_is_the_first_and_the_last_day_of_any_price(tmp_path: Path, source: str, layout: str) -> None:
    rows: Rows = [("KO", DAYS[1], 50.0), ("PEP", DAYS[2], 40.0), ("KO", DAYS[0], 1.0)]
    market = market_of(tmp_path, rows, source, layout)
    assert market.span() == (DAYS[0], DAYS[2])


def test_timestamps_of_any_precision_count_as_their_local_day(tmp_path: Path) -> None:
    late = datetime(2004, 1, 2, 22, 30)
    for zone in (None, "UTC", "America/New_York", "Asia/Tokyo", "Etc/GMT+5"):
        for unit in ("ms", "us", "ns"):
            stamps = pl.Series("date", [late], dtype=pl.Datetime(unit)).dt.replace_time_zone(zone)  # type: ignore[arg-type]
            rows = pl.DataFrame([pl.Series("ticker", ["KO"]), stamps, pl.Series("adj_close", [1.0])])
            rows.write_parquet(tmp_path / "zoned.parquet")
            assert read(Prices(source="parquet", path=tmp_path / "zoned.parquet"), "KO") == [("KO", DAYS[0], 1.0)]


@pytest.mark.parametrize(
    "stamp",
    [
        "2004-01-02",
        "2004-01-02 16:00",
        "2004-01-02T16:00:00",
        "2004-01-02 00:00:00.000000",
        "2004-01-02T23:59:59Z",
        "2004-01-02 22:00:00-05:00",
        "2004-01-02 00:00:00 +0900",
        "2004-01-02 01:00+05:30",
    ],
)
def test_iso_days_and_timestamps_count_as_their_local_day(tmp_path: Path, stamp: str) -> None:
    prices = csv(tmp_path, f"ticker,date,adj_close\nKO,{stamp},1\n")
    assert read(prices, "KO") == [("KO", DAYS[0], 1.0)]
    assert FileMarket(prices).span() == (DAYS[0], DAYS[0])
    assert list(FileMarket(prices).now()) == ["2004-01"]


def test_winter_and_summer_time_are_one_time_zone(tmp_path: Path) -> None:
    text = "ticker,date,adj_close\nKO,2004-01-02 00:00:00-05:00,1\nKO,2004-07-01 00:00:00-04:00,2\n"
    assert read(csv(tmp_path, text), "KO") == [("KO", DAYS[0], 1.0), ("KO", date(2004, 7, 1), 2.0)]


def test_no_prices_at_all_is_an_error(tmp_path: Path) -> None:
    empty = [long_parquet(tmp_path, []), csv(tmp_path, "ticker,date,adj_close\n\n")]
    empty.append(empty[1].model_copy(update={"layout": "wide", "path": tmp_path / "wide.csv"}))
    (tmp_path / "wide.csv").write_text("date,KO\n2004-01-02,\n")
    for prices in empty:
        for ask in (FileMarket(prices).span, lambda prices=prices: FileMarket(prices).quotes(["KO"])):
            with pytest.raises(PriceError, match="no prices; add those"):
                ask()


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_ticker_spelled_differently_in_the_file_is_found_under_the_requested_spelling(
    tmp_path: Path, layout: str
) -> None:
    long = "ticker,date,adj_close\nBRK.B,2004-01-02,7\nbf/b,2004-01-02,8\nKO,2004-01-02,9\n"
    text = {"long": long, "wide": "date,BRK.B,bf/b,KO\n2004-01-02,7,8,9\n"}[layout]
    found = FileMarket(csv(tmp_path, text, layout=layout)).quotes(["KO", "BRK-B", "BF-B", "XOM"])
    assert found.rows.select("ticker", "adj_close").rows() == [("BF-B", 8.0), ("BRK-B", 7.0), ("KO", 9.0)]
    assert set(found.missing) == {"XOM"}


def test_two_spellings_of_one_ticker_are_an_error_only_if_neither_is_the_requested_one(tmp_path: Path) -> None:
    prices = csv(tmp_path, "date,BRK.B,BRK/B\n2004-01-02,7,8\n", layout="wide")
    assert read(prices, "BRK.B") == [("BRK.B", DAYS[0], 7.0)]
    with pytest.raises(PriceError, match=r"BRK\.B and BRK/B are spellings of the same ticker; keep one"):
        read(prices, "BRK-B")
