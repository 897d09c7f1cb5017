"""An unusable file is an error that says where the problem is and how to fix it."""

import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.market.price_file import FileMarket
from resources.market.quotes import PriceError
from resources.settings.prices import PriceColumns, Prices

DAYS = [date(2004, 1, 2), date(2004, 1, 5), date(2004, 1, 6)]
COLUMNS = PriceColumns(close="close", volume="volume", security="permno")
LONG = "ticker,date,adj_close\nKO,2004-01-02,50\n"
TABBED = "ticker\tdate\tadj_close"
WIDE = "date,KO,PEP\n2004-01-02,50,40\n"


def refusal(prices: Prices, *tickers: str) -> str:
    """The error's sentence without the file's name, which it must start with."""
    with pytest.raises(PriceError) as caught:
        FileMarket(prices).quotes(tickers or ["KO"])
    start = f"prices {prices.path}: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def csv(folder: Path, content: str | bytes, **kwargs: object) -> Prices:
    file = folder / "prices.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return Prices(source="csv", path=file, **kwargs)  # type: ignore[arg-type]


def parquet(folder: Path, rows: list[tuple[object, ...]], **types: pl.DataType) -> Prices:
    schema = {"ticker": pl.String(), "date": pl.Date(), "adj_close": pl.Float64()} | types
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / "prices.parquet")
    return Prices(source="parquet", path=folder / "prices.parquet")


STRAY_QUOTE = "a quotation mark without its partner or inside a field; put quotation marks around whole fields only"
POSITIVE = "not a positive, finite price"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("KO,2004-01-05,", f"line 3, column adj_close, ticker KO: empty: {POSITIVE}; drop the row (1 such row)"),
        ("KO,2004-01-05,0", f"line 3, column adj_close, ticker KO: 0: {POSITIVE}; drop the row (1 such row)"),
        ("KO,2004-01-05,-3.0", f"line 3, column adj_close, ticker KO: -3.0: {POSITIVE}; drop the row (1 such row)"),
        ("KO,2004-01-05,NaN", f"line 3, column adj_close, ticker KO: NaN: {POSITIVE}; drop the row (1 such row)"),
        ("KO,2004-01-05,inf", f"line 3, column adj_close, ticker KO: inf: {POSITIVE}; drop the row (1 such row)"),
        ("KO,2004-01-05,1e999", f"line 3, column adj_close, ticker KO: 1e999: {POSITIVE}; drop the row (1 such row)"),
        (
            "\nKO,2004-01-05,N/A\nKO,2004-01-06,null",
            "line 4, column adj_close, ticker KO: N/A: not a number; drop the row (2 such rows)",
        ),
        ("KO,2004-01-05, 5", "line 3, column adj_close, ticker KO:  5: not a number; drop the row (1 such row)"),
        (
            'KO,2004-01-05,"45,67"',
            "line 3, column adj_close, ticker KO: 45,67: a decimal comma; set prices.decimal_comma (1 such row)",
        ),
        (
            'KO,2004-01-05,"1,234.50"',
            "line 3, column adj_close, ticker KO: 1,234.50: a comma between digits; write 1234.5 without it, "
            "or set prices.decimal_comma if it is the decimal mark (1 such row)",
        ),
        (
            "KO,2004-01-05,$5",
            "line 3, column adj_close, ticker KO: $5: a currency sign; write the number alone (1 such row)",
        ),
        ("KO,,5", "line 3, column date, ticker KO: empty: no date; drop the row (1 such row)"),
        (
            "KO,01/02/2004,5",
            "line 3, column date, ticker KO: 01/02/2004: day and month are ambiguous; "
            "write dates as 2004-01-02 (1 such row)",
        ),
        (
            "KO,2004-02-30,5",
            "line 3, column date, ticker KO: 2004-02-30: not a date; write dates as 2004-01-02 (1 such row)",
        ),
        (
            "KO,2004-01-05,1\nPEP,2004-01-02,1\nKO,2004-01-02,1",
            "line 5, column date, ticker KO: 2004-01-02: line 2 has the same day; keep one (1 such row)",
        ),
        (",2004-01-05,5\n,2004-01-06,5", "line 3, column ticker: empty: no ticker; drop the row (2 such rows)"),
        ('"",2004-01-05,5', "line 3, column ticker: empty: no ticker; drop the row (1 such row)"),
        ("KO ,2004-01-05,5", "line 3, column ticker: 'KO ': spaces around a ticker; write it without (1 such row)"),
        (
            "PEP,2004-01-05 00:00:00-05:00,5",
            "line 3, column date: 2004-01-05 00:00:00-05:00: line 2 has 2004-01-02, another time zone; "
            "write the day alone, as 2004-01-02 (1 such row)",
        ),
        (
            "KO,2004-01-05",
            "line 3 has 2 fields, the header has 3; give every line as many fields as the header (1 such line)",
        ),
        (
            "KO,2004-01-05,45,67\nKO,2004-01-06,45,68",
            "line 3 has 4 fields, the header has 3; if the comma is the decimal mark, "
            "use another separator and set prices.decimal_comma (2 such lines)",
        ),
        ('"KO\nCOLA",2004-01-05,5', f"line 3 has {STRAY_QUOTE} (2 such lines)"),
        ('"KO,2004-01-05,5', f"line 3 has {STRAY_QUOTE} (1 such line)"),
        ('KO,2004-01-05,"7"x', f"line 3 has {STRAY_QUOTE} (1 such line)"),
        ('K"O",2004-01-05,7', f"line 3 has {STRAY_QUOTE} (1 such line)"),
    ],
)
def test_a_bad_line_of_a_csv_is_named(tmp_path: Path, lines: str, sentence: str) -> None:
    assert refusal(csv(tmp_path, f"{LONG}{lines}\n")) == sentence
    assert refusal(csv(tmp_path, f"\ufeff{LONG}{lines}\n".replace("\n", "\r\n"))) == sentence


@pytest.mark.parametrize(
    "stamp", ["20040105", "2004-1-5", " 2004-01-05", "2004-01-05 ", "2004-01-05 25:00", "05Jan2004"]
)
def test_a_date_that_is_not_iso_is_named(tmp_path: Path, stamp: str) -> None:
    sentence = f"line 3, column date, ticker KO: {stamp}: not a date; write dates as 2004-01-02 (1 such row)"
    assert refusal(csv(tmp_path, f"{LONG}KO,{stamp},5\n")) == sentence


@pytest.mark.parametrize("number", ["1_000", "0x10", "5 USD", "１", "1e", ".", "--1", "1'000", "true", "1;5"])
def test_a_number_that_is_not_plain_is_named(tmp_path: Path, number: str) -> None:
    sentence = f"line 3, column adj_close, ticker KO: {number}: not a number; drop the row (1 such row)"
    assert refusal(csv(tmp_path, f"{LONG}KO,2004-01-05,{number}\n")) == sentence


@pytest.mark.parametrize("number", ["1.234,5", "1.5", "1.234"])
def test_points_among_decimal_commas_are_named(tmp_path: Path, number: str) -> None:
    prices = csv(tmp_path, f"date;KO\n2004-01-02;{number}\n", layout="wide", separator=";", decimal_comma=True)
    assert refusal(prices) == (
        f"line 2, column KO: {number}: a point in a file with decimal commas; write 1234,5 without points (1 such cell)"
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("KO", DAYS[1], 0.0), "column adj_close, ticker KO: 0.0: not a positive, finite price; drop the row"),
        (("KO", DAYS[1], -3.0), "column adj_close, ticker KO: -3.0: not a positive, finite price; drop the row"),
        (("KO", DAYS[1], float("nan")), "column adj_close, ticker KO: nan: not a positive, finite price; drop the row"),
        (("KO", DAYS[1], float("inf")), "column adj_close, ticker KO: inf: not a positive, finite price; drop the row"),
        (("KO", DAYS[1], None), "column adj_close, ticker KO: empty: not a positive, finite price; drop the row"),
        (("KO", None, 1.0), "column date, ticker KO: empty: no date; drop the row"),
        (("KO", DAYS[0], 2.0), "column date, ticker KO: 2004-01-02: row 1 has the same day; keep one"),
        ((None, DAYS[0], 2.0), "column ticker: empty: no ticker; drop the row"),
        (("", DAYS[0], 2.0), "column ticker: empty: no ticker; drop the row"),
        (("KO      ", DAYS[0], 2.0), "column ticker: 'KO      ': spaces around a ticker; write it without"),
    ],
)
def test_a_bad_row_of_a_parquet_file_is_named(tmp_path: Path, row: tuple[object, ...], words: str) -> None:
    rows = [("KO", DAYS[0], 50.0), ("BAD", None, None), row]
    assert refusal(parquet(tmp_path, rows)) == f"row 3, {words} (1 such row)"


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ("0,1,1", "column shut, ticker KO: 0: not a positive, finite price; empty the cell"),
        ("inf,1,1", "column shut, ticker KO: inf: not a positive, finite price; empty the cell"),
        ("x,1,1", "column shut, ticker KO: x: not a number; empty the cell"),
        ("1,-1,1", "column shares, ticker KO: -1: not a volume of shares; empty the cell"),
        ("1,inf,1", "column shares, ticker KO: inf: not a volume of shares; empty the cell"),
        ("1,5K,1", "column shares, ticker KO: 5K: not a number; empty the cell"),
    ],
)
def test_a_bad_close_or_volume_is_named_as_the_file_calls_it(tmp_path: Path, cells: str, sentence: str) -> None:
    columns = PriceColumns(close="shut", volume="shares", security="permno")
    text = "ticker,date,adj_close,shut,shares,permno\nKO,2004-01-02,1,,,\nKO,2004-01-05,1,"
    assert refusal(csv(tmp_path, f"{text}{cells}\n", columns=columns)) == f"line 3, {sentence} (1 such row)"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("2004-01-05,0,-1\n2004-01-06,1,0", f"line 3, column KO: 0: {POSITIVE}; empty the cell (3 such cells)"),
        ("2004-01-05,1,N/A", "line 3, column PEP: N/A: not a number; empty the cell (1 such cell)"),
        ('2004-01-05,"1,5",', "line 3, column KO: 1,5: a decimal comma; set prices.decimal_comma (1 such cell)"),
        (",1,1", "line 3, column date: empty: no date; drop the row (1 such row)"),
        ("2004-01-02,1,1", "line 3, column date: 2004-01-02: line 2 has the same day; keep one (1 such row)"),
        (
            "2004-01-05T00:00+01:00,1,1\n2004-01-06T00:00Z,1,1",
            "line 3, column date: 2004-01-05T00:00+01:00: line 2 has 2004-01-02, another time zone; "
            "write the day alone, as 2004-01-02 (2 such rows)",
        ),
    ],
)
def test_a_bad_cell_of_a_wide_csv_is_named(tmp_path: Path, lines: str, sentence: str) -> None:
    assert refusal(csv(tmp_path, f"{WIDE}{lines}\n", layout="wide"), "PEP", "KO") == sentence


def test_offsets_further_apart_than_summer_time_are_refused(tmp_path: Path) -> None:
    text = (
        "ticker,date,adj_close\nKO,2004-01-02 00:00-05:00,1\nPEP,2004-01-05 00:00+00:00,1\nKO,2004-07-01 00:00-0400,1\n"
    )
    assert refusal(csv(tmp_path, text)) == (
        "line 3, column date: 2004-01-05 00:00+00:00: line 2 has 2004-01-02 00:00-05:00, another time zone; "
        "write the day alone, as 2004-01-02 (1 such row)"
    )


def test_a_bad_cell_of_a_wide_parquet_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "prices.parquet"
    pl.DataFrame({"date": DAYS, "KO": [1.0, None, float("nan")], "OLD": [None] * 3}).write_parquet(file)
    prices = Prices(source="parquet", path=file, layout="wide")
    assert refusal(prices, "KO", "OLD") == f"row 3, column KO: nan: {POSITIVE}; empty the cell (1 such cell)"


@pytest.mark.parametrize(
    ("column", "type", "value", "kind"),
    [
        ("date", pl.Int64(), 20040102, "dates"),
        ("adj_close", pl.String(), "5", "numbers"),
        ("adj_close", pl.Boolean(), True, "numbers"),
        ("ticker", pl.Boolean(), True, "text or whole numbers"),
        ("ticker", pl.Binary(), b"KO", "text or whole numbers"),
        ("ticker", pl.List(pl.String()), ["KO"], "text or whole numbers"),
        ("permno", pl.Boolean(), True, "text or whole numbers"),
        ("volume", pl.String(), "5", "numbers"),
    ],
)
def test_a_column_of_the_wrong_type_is_named(
    tmp_path: Path, column: str, type: pl.DataType, value: object, kind: str
) -> None:
    row = {"ticker": "KO", "date": DAYS[0], "adj_close": 5.0, "close": 5.0, "volume": 1, "permno": 1} | {column: value}
    types = {"close": pl.Float64(), "volume": pl.Int64(), "permno": pl.Int64()} | {column: type}
    prices = parquet(tmp_path, [tuple(row.values())], **types).model_copy(update={"columns": COLUMNS})
    assert refusal(prices) == f"column {column} has type {type}, expected {kind}; convert it"
    with pytest.raises(PriceError, match=f"column {column} has type"):
        FileMarket(prices).now()


def test_a_wide_column_of_the_wrong_type_is_named_even_if_it_was_not_requested(tmp_path: Path) -> None:
    pl.DataFrame({"date": DAYS[:1], "KO": [1.0], "note": ["x"]}).write_parquet(tmp_path / "prices.parquet")
    prices = Prices(source="parquet", path=tmp_path / "prices.parquet", layout="wide")
    assert refusal(prices) == "column note has type String, expected numbers; convert it"


@pytest.mark.parametrize(
    ("text", "changed", "words"),
    [
        (
            LONG,
            {"columns": {"adj_close": "px"}},
            "no column px; it has ticker, date, adj_close; set prices.columns.adj_close",
        ),
        (LONG, {"columns": {"volume": "v"}}, "no column v; it has ticker, date, adj_close; set prices.columns.volume"),
        (
            WIDE,
            {},
            "no column ticker; it has date, KO, PEP; "
            "set prices.columns.ticker, or prices.layout: wide if every ticker has a column",
        ),
        (LONG, {"layout": "wide"}, "it has columns ticker and adj_close, so it is not wide; set prices.layout: long"),
        (
            WIDE,
            {"layout": "wide", "columns": {"date": "Date"}},
            "no column Date; it has date, KO, PEP; set prices.columns.date",
        ),
        (LONG.replace(",", ";"), {}, 'no column ticker; it has ticker;date;adj_close; set prices.separator: ";"'),
        (LONG.replace(",", "\t"), {}, f'no column ticker; it has {TABBED}; set prices.separator: "\\t"'),
        (LONG, {"separator": "§"}, "'§' cannot separate columns; set prices.separator to the separator of the file"),
        ("", {}, "an empty file; its first line must name the columns"),
        ("\ufeff", {}, "an empty file; its first line must name the columns"),
        (f"\n{LONG}", {}, "line 1 is empty; its first line must name the columns"),
        ("ticker,date,date\nKO,2004-01-02,5\n", {}, "line 1 names the column 'date' twice; rename or drop one"),
        (",date,KO\n0,2004-01-02,5\n", {"layout": "wide"}, "column 1 is named ''; name it by its ticker alone"),
        ("date, KO\n2004-01-02,5\n", {"layout": "wide"}, "column 2 is named ' KO'; name it by its ticker alone"),
        (LONG.encode("utf-16"), {}, "line 1 is not UTF-8 text; save the file as CSV in UTF-8"),
        (LONG.encode() + b"\nM\xdcV2,2004-01-05,1\n", {}, "line 4 is not UTF-8 text; save the file as CSV in UTF-8"),
        (
            gzip.compress(LONG.encode() + b"M\xdcV2,2004-01-05,1\n", mtime=0),
            {},
            "line 3 is not UTF-8 text; save the file as CSV in UTF-8",
        ),
    ],
)
def test_a_csv_with_another_layout_is_explained(
    tmp_path: Path, text: str | bytes, changed: dict[str, object], words: str
) -> None:
    assert refusal(csv(tmp_path, text, **changed)) == words


def test_hundreds_of_columns_are_not_all_listed(tmp_path: Path) -> None:
    header = ",".join(f"T{i}" for i in range(500))
    assert "T10, T11 and 488 more; set" in refusal(csv(tmp_path, f"{header}\n", layout="wide"))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert (
        refusal(Prices(source="csv", path=tmp_path / "gone.csv")) == "no such file; set prices.path to an existing file"
    )
    assert refusal(Prices(source="parquet", path=tmp_path)) == "a folder; set prices.path to one file"


def test_a_file_of_the_other_format_is_named(tmp_path: Path) -> None:
    prices = parquet(tmp_path, [("KO", DAYS[0], 1.0)])
    assert refusal(prices.model_copy(update={"source": "csv"})) == "a Parquet file; set prices.source: parquet"
    prices = csv(tmp_path, LONG).model_copy(update={"source": "parquet"})
    assert refusal(prices).startswith("not a readable Parquet file: ")
    assert refusal(prices).endswith("; a CSV needs prices.source: csv")


def test_a_parquet_file_that_is_damaged_inside_or_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    prices = parquet(tmp_path, [("KO", day, 1.0 + n) for n, day in enumerate(DAYS * 5000)])
    content = bytearray((tmp_path / "prices.parquet").read_bytes())
    content[100:1000] = bytes(900)
    (tmp_path / "prices.parquet").write_bytes(content)
    assert refusal(prices).startswith("cannot be read to its end: ")
    pq.write_table(pa.table([pa.array(["KO"])] * 2, names=["ticker", "ticker"]), tmp_path / "prices.parquet")
    assert "'ticker' has more than one occurrence" in refusal(prices)


def test_a_truncated_gzipped_csv_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv.gz"
    file.write_bytes(gzip.compress(LONG.encode() * 1000)[:60])
    assert refusal(Prices(source="csv", path=file)).startswith("cannot be read as CSV: ")


def test_a_file_whose_days_are_all_unreadable_has_no_span(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="line 2, column date, ticker KO: 1/2/04: day and month"):
        FileMarket(csv(tmp_path, "ticker,date,adj_close\nKO,1/2/04,5\n")).span()
