"""Every value of every mapped column of a user's table is read as a person would read it, or refused with its place."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pytest
from fakes.own_table import read, table

from resources.settings.profile import ProfileError
from resources.universe.table_source import read_universe


def refusal(folder: Path, name: str, *values: object, **columns: object) -> str:
    """Why a column is refused, after the name of the file."""
    with pytest.raises(ProfileError) as caught:
        read(folder, name, *values, **columns)
    said = str(caught.value)
    assert len(said.splitlines()) == 1 and len(said) < 500
    return said.partition("own.parquet: ")[2] or said


@pytest.mark.parametrize(
    "values",
    [
        ["320193", "1"],
        ["0000320193", " 1 "],
        [320193, 1],
        [320193.0, 1.0],
        [Decimal("320193"), Decimal(1)],
        [Decimal("320193.00"), Decimal("1.00")],
        pl.Series(["320193", "1"], dtype=pl.Categorical),
        pl.Series(["320193", "1"], dtype=pl.Enum(["1", "320193"])),
        pl.Series([320193, 1], dtype=pl.UInt64),
        pa.array([320193, 1]).dictionary_encode(),
        pa.array(["320193", "1"]).dictionary_encode(),
        pa.array(["320193", "1"], pa.large_string()),
        pa.array(["320193", "1"], pa.string_view()),
    ],
)
def test_a_cik_is_ten_digits_whatever_its_type(tmp_path: Path, values: object) -> None:
    written = values if isinstance(values, pa.Array) else pl.Series(values)  # type: ignore[call-overload]
    assert read(tmp_path, "cik", written) == ["0000320193", "0000000001"]


def test_no_cik_is_one_only_where_the_column_says_null(tmp_path: Path) -> None:
    for numbers in ([None, "1"], [None, 1], [float("nan"), 1.0], pl.Series([None, 1], dtype=pl.Int32)):
        assert read(tmp_path, "cik", pl.Series(numbers)) == ["ticker:KO", "0000000001"]
    assert read(tmp_path, "cik", pa.nulls(2)) == ["ticker:KO", "ticker:T1"]


@pytest.mark.parametrize(
    "cik",
    [
        *("nan", "NaN", "None", "<NA>", "", " ", "-", "n/a", "320193.0", "CIK0000320193", "cik 19617", "320,193", "0"),
        *("000", "320193.5", "-5", "+5", "1e5", "12345678901", "00000320193 1", "٣٢٠", "３２", "²", "0x10", "5\u200b"),
        *("1_000", "\x00"),
    ],
)
def test_what_is_no_cik_is_refused_with_row_column_and_value(tmp_path: Path, cik: str) -> None:
    said = refusal(tmp_path, "cik", "1", cik, cik)
    shown = cik[:40].replace("\u200b", "\\u200b").replace("\x00", "\\x00") or "empty"
    assert said.startswith(f"row 2, column cik: {shown}: n")
    assert said.endswith("(2 such rows)")
    assert "null where a company has none" in said or "leave the cell null" in said


@pytest.mark.parametrize("values", [[1, 0], [1, -1], [1, 10**10], [1.0, 320193.5], [1.0, float("inf")], [1.0, 1e300]])
def test_a_number_that_is_no_cik_is_refused_and_never_cut(tmp_path: Path, values: list[float]) -> None:
    assert refusal(tmp_path, "cik", *values).startswith("row 2, column cik: ")


def test_two_spellings_of_one_number_are_one_company(tmp_path: Path) -> None:
    days = [date(2003, 12, 19), date(2004, 12, 3)]
    assert read(tmp_path, "cik", "320193", "0000320193", ticker=["AAPL"] * 2, filed_at=days) == ["0000320193"] * 2


@pytest.mark.parametrize(
    ("tickers", "ciks", "words"),
    [
        (["KO", "KO"], ["21344", None], "row 2, column cik: empty: no CIK for 'KO', but row 1 gives it 0000021344"),
        (["KO", "ko"], [None, None], "row 1, column ticker: 'KO': row 2 has 'ko', the same ticker in another spelling"),
        *(
            (["BRK.B", other], [None, None], "the same ticker in another spelling; use one")
            for other in ("BRK-B", "BRK B", "BRK_B", "brk/b")
        ),
    ],
)
def test_a_ticker_that_may_be_one_company_or_two_is_refused(
    tmp_path: Path, tickers: list[str], ciks: list[str | None], words: str
) -> None:
    days = [date(2003, 12, 19), date(2004, 12, 3)]
    assert words in refusal(tmp_path, "ticker", *tickers, cik=ciks, filed_at=days)


def test_a_ticker_that_passed_to_another_company_is_read(tmp_path: Path) -> None:
    days = [date(2003, 12, 19), date(2004, 12, 3)]
    assert read(tmp_path, "ticker", "KO", "KO", cik=["1", "2"], filed_at=days) == ["KO", "KO"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7203, 6758], ["7203", "6758"]),
        ([7203.0, 6758.0], ["7203", "6758"]),
        (pl.Series(["XOM", "GE"], dtype=pl.Categorical), ["XOM", "GE"]),
        (["BRK B", "^GSPC"], ["BRK B", "^GSPC"]),
        (["NAN", "NA"], ["NAN", "NA"]),
        (["TRUE", "NULL"], ["TRUE", "NULL"]),
        (["0700.HK", "7203.T"], ["0700.HK", "7203.T"]),
    ],
)
def test_a_ticker_is_read_as_it_is(tmp_path: Path, values: list[object], expected: list[str]) -> None:
    assert read(tmp_path, "ticker", *values) == expected


@pytest.mark.parametrize(
    ("ticker", "words"),
    [
        ("KO ", "'KO ': spaces around a ticker; write it without"),
        (" KO", "' KO': spaces around a ticker; write it without"),
        ("\u00a0KO", "spaces around a ticker; write it without"),
        ("KO\u200b", "KO\\u200b: characters in a ticker that cannot be seen; write it without"),
        ("KO\u3164", "characters in a ticker that cannot be seen; write it without"),
        ("KO\ufe0f", "characters in a ticker that cannot be seen; write it without"),
        ("K\u115fO", "characters in a ticker that cannot be seen; write it without"),
        ("K\nO", "K\\nO: characters in a ticker that cannot be seen"),
        ("nan", "nan: no ticker; drop the row"),
        ("None", "None: no ticker; drop the row"),
        ("-", "-: no ticker; drop the row"),
        ("", "empty: no ticker; drop the row"),
        ("  ", "empty: no ticker; drop the row"),
        (None, "empty: no ticker; drop the row"),
        ("7203.0", "7203.0: not a ticker; write it as text without a decimal point"),
        ("x" * 5_000_000, f"{'x' * 40}: 5000000 characters, too long for a ticker; is it the right column?"),
    ],
)
def test_what_is_no_ticker_is_refused(tmp_path: Path, ticker: str | None, words: str) -> None:
    said = refusal(tmp_path, "ticker", "KO", ticker)
    assert said.startswith("row 2, column ticker: ") and words in said


@pytest.mark.parametrize("name", ["sector", "industry", "name"])
@pytest.mark.parametrize(
    "label", ["", "  ", "nan", "NaN", "None", "N/A", "null", "-", "\u200b", "<NA>", "unknown", None]
)
def test_a_label_that_says_nothing_is_none(tmp_path: Path, name: str, label: str | None) -> None:
    expected = "T1" if name == "name" else None
    assert read(tmp_path, name, "Energy", label) == ["Energy", expected]


def test_labels_are_read_from_whole_numbers_and_without_blanks_around_them(tmp_path: Path) -> None:
    assert read(tmp_path, "sector", 10, 40, None) == ["10", "40", None]
    assert read(tmp_path, "sector", 10.0, float("nan")) == ["10", None]
    assert read(tmp_path, "sector", " energy\u200b", "real\n  estate") == ["energy", "real estate"]
    assert read(tmp_path, "sector", pl.Series(["a", None], dtype=pl.Categorical)) == ["a", None]
    assert (
        refusal(tmp_path, "sector", 10.0, 10.5)
        == "row 2, column sector: 10.5: not a whole number; write it as text (1 such row)"
    )


@pytest.mark.parametrize(
    ("sic", "expected"), [("6022", "6022"), (" 100 ", "0100"), (6022.0, "6022"), ("", None), (" ", None)]
)
def test_a_sic_code_is_four_digits_or_not_there(tmp_path: Path, sic: object, expected: str | None) -> None:
    assert read(tmp_path, "sic", sic) == [expected]


@pytest.mark.parametrize("sic", ["6022.0", "nan", "12", "0", "0000", "60221", "６０２２", "60 22", 0, 6022.5, -100])
def test_what_is_no_sic_code_is_refused(tmp_path: Path, sic: object) -> None:
    assert refusal(tmp_path, "sic", sic).startswith(
        f"row 1, column sic: {sic}: not a SIC code; give three or four digits"
    )


BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2005, 1, 1)


@pytest.mark.parametrize(
    "value",
    [
        "2005-01-01",
        "2005-01-01T00:00:00",
        "2005-01-01 23:59:59.5",
        "2005-01-01 00:00+01:00",
        "2005-01-01T23:30:00Z",
        DAY,
        datetime(2005, 1, 1, 23, 59),
        datetime(2005, 1, 1, tzinfo=BERLIN),
        pa.array([datetime(2004, 12, 31, 18, 30)], pa.timestamp("us", "+05:30")),
        pa.array([datetime(2005, 1, 2, 4, 59)], pa.timestamp("ns", "-05:00")),
        pa.array([DAY], pa.date64()),
        pa.array([DAY]).dictionary_encode(),
        pl.Series(["2005-01-01"], dtype=pl.Categorical),
    ],
)
def test_a_day_is_the_local_day_whatever_its_type(tmp_path: Path, value: object) -> None:
    assert read(tmp_path, "filed_at", value) == [DAY]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(
            (text, "day and month are ambiguous")
            for text in ("12/01/2004", "01.12.2004", "31.12.2004", "03/01/04", "3-1-04")
        ),
        *(
            (text, "not a date")
            for text in ("20040301", "38047", "2004-1-5", "2004-02-30", " 2004-01-05", "1 March 2004")
        ),
        *(
            (text, "not a date")
            for text in ("nan", "NaT", "0001-01-01", "9999-12-31", "2004-01-05T25:00", "２００４-01-05", "-")
        ),
        *((text, "empty: no date") for text in ("", None)),
    ],
)
def test_a_text_that_is_no_iso_date_is_refused(tmp_path: Path, text: str | None, why: str) -> None:
    said = refusal(tmp_path, "filed_at", "2004-01-05", text, text)
    assert said.startswith("row 2, column filed_at: ") and why in said and said.endswith("(2 such rows)")


@pytest.mark.parametrize(
    "value",
    [
        20040301,
        38047,
        2004.0,
        True,
        time(1),
        timedelta(1),
        b"2004-01-01",
        ["2004-01-01"],
        {"day": "2004-01-01"},
        Decimal(1),
    ],
)
def test_what_is_no_date_by_its_type_is_refused(tmp_path: Path, value: object) -> None:
    assert "not dates; convert it to dates, or to text as 2004-01-02" in refusal(tmp_path, "filed_at", value)


@pytest.mark.parametrize("days", [2**31 - 1, -(2**31), 10**6, -(10**6)])
def test_a_day_that_no_calendar_has_is_refused(tmp_path: Path, days: int) -> None:
    said = refusal(tmp_path, "filed_at", pa.array([days], pa.int32()).cast(pa.date32()))
    assert said.startswith("row 1, column filed_at: outside 1800 to 2199: not a date")
    many = pa.array([2**63 - 1 if days > 0 else -(2**63)], pa.int64()).cast(pa.timestamp("us", "Europe/Berlin"))
    assert "row 1, column filed_at: outside 1800 to 2199: not a date" in refusal(tmp_path, "filed_at", many)


def test_days_of_several_time_zones_are_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, "filed_at", "2004-01-05", "2004-01-05T00:00:00+09:00")
    assert "row 2, column filed_at: 2004-01-05T00:00:00+09:00: row 1 has 2004-01-05, another time zone" in said


@pytest.mark.parametrize("name", ["ticker", "name", "cik", "sic", "sector", "text"])
@pytest.mark.parametrize("value", [True, date(2004, 1, 1), b"KO", ["KO"], {"a": "KO"}, [["KO"]], timedelta(1), time(1)])
def test_a_column_of_another_type_is_refused_by_its_name(tmp_path: Path, name: str, value: object) -> None:
    said = refusal(tmp_path, name, pl.Series([value]))
    assert said.startswith(f"descriptions.columns.{name}: '{name}' of ") and "convert it" in said


def test_a_text_may_be_of_any_type_of_text_and_is_read_to_the_letter(tmp_path: Path) -> None:
    said = ["a\x00b \u200b\n", "", "x" * 3_000_000, None]
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        found = read_universe(table(tmp_path / "own.parquet", 4, text=pa.array(said).cast(kind))).sort("name")
        assert found["text"].to_list() == [*said[:3], ""]


def test_other_columns_may_hold_anything(tmp_path: Path) -> None:
    odd = {
        "a.b": pa.array([datetime(2004, 1, 1)], pa.timestamp("us", "+05:30")),
        "text.x": pa.array([{"y": 1}]),
        "^.*$": pa.array([Decimal(1)], pa.decimal256(60, 2)),
        "when": pa.array([[datetime(2004, 1, 1)]], pa.list_(pa.timestamp("us", "+05:30"))),
        "half": pa.array([1.0], pa.float16()),
    }
    assert read_universe(table(tmp_path / "own.parquet", 1, **odd))["text"].to_list() == [
        "We make things and sell them. 0"
    ]


@pytest.mark.parametrize("zone", ["+05:30", "Mars/Base"])
def test_a_dictionary_of_timestamps_of_a_foreign_zone_is_refused_where_its_day_would_be_another(
    tmp_path: Path, zone: str
) -> None:
    stamps = pa.array([datetime(2004, 12, 31, 18, 30)], pa.timestamp("us", zone)).dictionary_encode()
    assert "column filed_at holds dictionary<values=timestamp[us, tz=" in refusal(tmp_path, "filed_at", stamps)
    assert read(tmp_path, "ticker", "KO", other=stamps) == ["KO"]
    known = pa.array([datetime(2004, 12, 31, 23, 30)], pa.timestamp("us", "Europe/Berlin")).dictionary_encode()
    assert read(tmp_path, "filed_at", known) == [DAY]
