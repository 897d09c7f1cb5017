"""Rows are written only if they match their table, and a digest depends only on the rows."""

import math
from datetime import date, timedelta

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.lake.row_digests import rows_digests
from resources.lake.table import Column, SchemaError, Table

PARTS = Table(
    "parts",
    "Parts.",
    ("name",),
    (
        Column("name", pa.string(), "Name."),
        Column("filed_at", pa.date32(), "Day."),
        Column("count", pa.int32(), "Count.", nullable=True),
        Column("weight", pa.float64(), "Weight.", "kg"),
        Column("marks", pa.list_(pa.float32()), "Marks."),
        Column("first_row", pa.int64(), "Where it lies."),
    ),
    slice_by=("filed_at", "name"),
)
DAY = date(2004, 3, 31)


def parts(**changed: object) -> pl.DataFrame:
    row = {"name": "a", "filed_at": DAY, "count": 1, "weight": 0.5, "marks": [1.0], "first_row": 0}
    return pl.DataFrame([row | changed])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (parts().drop("weight"), ["parts", "weight", "missing"]),
        (parts(colour="red"), ["parts", "colour", "unknown"]),
        (parts(weight=None), ["parts.weight", "1 nulls"]),
        (parts(name=None), ["parts.name", "1 nulls"]),
        (parts(count="7"), ["parts.count", "string"]),
        (parts(name=7), ["parts.name", "int64"]),
        (parts(filed_at="2004-03-31"), ["parts.filed_at", "string"]),
        (parts(weight=True), ["parts.weight", "bool"]),
        (parts(weight=math.nan), ["parts.weight", "1 NaN"]),
        (parts(marks=[1.0, math.nan]), ["parts.marks", "1 NaN"]),
        (parts(count=2**40), ["parts.count", str(2**40)]),
        (parts(marks=["x"]), ["parts.marks"]),
        (pl.concat([parts(), parts()]), ["parts", "not unique by name"]),
    ],
)
def test_rows_that_do_not_match_are_refused_by_table_and_column(rows: pl.DataFrame, words: list[str]) -> None:
    with pytest.raises(SchemaError) as caught:
        PARTS.validate(rows)
    assert all(word in str(caught.value) for word in words), caught.value


def test_narrower_and_wider_numbers_are_cast_and_rows_sorted() -> None:
    rows = pl.concat([parts(name="b"), parts()]).with_columns(
        pl.col("count").cast(pl.UInt8), pl.col("weight").cast(pl.Float32)
    )
    written = PARTS.validate(rows.select(reversed(rows.columns)))
    assert written.schema == PARTS.schema
    assert written["name"].to_pylist() == ["a", "b"]


def test_an_all_null_column_fits_a_nullable_column() -> None:
    assert PARTS.validate(parts(count=None))["count"].to_pylist() == [None]


def test_empty_has_the_schema_and_no_slices() -> None:
    written = PARTS.validate(PARTS.empty())
    assert written.schema == PARTS.schema
    assert PARTS.slices(written) == {}


rows_of_parts = st.lists(
    st.tuples(
        st.integers(0, 500),
        st.one_of(st.none(), st.integers(-5, 5)),
        st.floats(allow_nan=False),
        st.lists(st.floats(width=32, allow_nan=False), max_size=3),
    ),
    min_size=1,
    max_size=25,
)


def frame(cells: list[tuple[int, int | None, float, list[float]]]) -> pl.DataFrame:
    return PARTS.frame(
        {
            "name": f"n{i}",
            "filed_at": DAY + timedelta(days),
            "count": count,
            "weight": weight,
            "marks": marks,
            "first_row": i,
        }
        for i, (days, count, weight, marks) in enumerate(cells)
    )


@settings(deadline=None, max_examples=40)
@given(rows_of_parts, st.randoms(use_true_random=False), st.integers(0, 25))
def test_digests_do_not_depend_on_order_or_on_how_the_frame_was_assembled(
    cells: list[tuple[int, int | None, float, list[float]]], random: object, cut: int
) -> None:
    rows = frame(cells)
    order = list(range(rows.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    pieces = pl.concat([rows[order][:cut], rows[order][cut:]], rechunk=False)
    assert PARTS.slices(PARTS.validate(pieces)) == PARTS.slices(PARTS.validate(rows))
    whole = PARTS.validate(rows)
    chunked = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert rows_digests(chunked, [(0, rows.height)]) == rows_digests(whole, [(0, rows.height)])


def test_every_column_is_in_the_digest() -> None:
    was = PARTS.slices(PARTS.validate(parts()))
    for change in (
        {"first_row": 9},
        {"count": 2},
        {"count": None},
        {"weight": 0.25},
        {"marks": [1.0, 1.0]},
        {"marks": [2.0]},
    ):
        assert PARTS.slices(PARTS.validate(parts(**change))) != was


def test_filings_are_sliced_by_day_and_name_and_months_by_month() -> None:
    rows = pl.concat([parts(), parts(name="b", filed_at=date(2004, 4, 1)), parts(name="c", filed_at=date(2004, 4, 2))])
    assert list(PARTS.slices(PARTS.validate(rows))) == ["2004-03-31 a", "2004-04-01 b", "2004-04-02 c"]
    by_month = Table("parts", "Parts.", ("name",), PARTS.columns, slice_by=("filed_at",))
    assert list(by_month.slices(by_month.validate(rows))) == ["2004-03", "2004-04"]
    unsliced = Table("parts", "Parts.", ("name",), PARTS.columns)
    assert list(unsliced.slices(unsliced.validate(rows))) == [""]


def test_a_change_in_one_filing_changes_its_slice_alone() -> None:
    rows = pl.concat([parts(), parts(name="b")])
    changed = pl.concat([parts(), parts(name="b", weight=9.0)])
    before, after = PARTS.slices(PARTS.validate(rows)), PARTS.slices(PARTS.validate(changed))
    assert before["2004-03-31 a"] == after["2004-03-31 a"]
    assert before["2004-03-31 b"] != after["2004-03-31 b"]


def test_a_digest_is_of_the_values_whatever_library_holds_them() -> None:
    """Known for good: another version of pyarrow or polars must not change it."""
    rows = PARTS.validate(pl.concat([parts(), parts(name="ö", count=None, weight=-0.0, marks=[1.5, -2.0])]))
    assert rows_digests(rows, [(0, 2), (1, 2)]) == [
        "7d739c68867f1a0b6823cd1208701bed",
        "1788b964ea0f282a8b9765db6584076c",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"count": None}, {"count": 0}),
        ({"marks": [0.0]}, {"marks": []}),
        ({"weight": 1.0}, {"weight": 1.0 + 2**-52}),
        ({"name": "a\x00"}, {"name": "a"}),
    ],
)
def test_rows_that_differ_little_have_other_digests(one: dict[str, object], other: dict[str, object]) -> None:
    digests = {rows_digests(PARTS.validate(PARTS.frame([row])), [(0, 1)])[0] for row in (full(one), full(other))}
    assert len(digests) == 2


def full(changed: dict[str, object]) -> dict[str, object]:
    return {"name": "a", "filed_at": DAY, "count": 1, "weight": 0.5, "marks": [1.0], "first_row": 0} | changed


@pytest.mark.parametrize("kind", [pa.string(), pa.large_binary()])
def test_bytes_that_move_from_one_row_to_the_next_change_the_digest(kind: pa.DataType) -> None:
    table = Table("two", "Two.", ("key",), (Column("key", pa.string(), "Key."), Column("value", kind, "Value.")))
    one, other = (
        table.validate(table.frame({"key": str(i), "value": value} for i, value in enumerate(values)))
        for values in ((b"ab", b"c"), (b"a", b"bc"))
    )
    assert rows_digests(one, [(0, 2)]) != rows_digests(other, [(0, 2)])
    assert rows_digests(one, [(0, 1), (1, 2)])[0] == rows_digests(one[:1], [(0, 1)])[0]


def test_a_table_by_year_is_stored_in_a_file_a_year_and_only_those_of_a_window_are_opened() -> None:
    days = [date(2003, 12, 31), date(2004, 1, 1), date(2004, 7, 1), date(2006, 1, 1)]
    by_year = Table("parts", "Parts.", ("name",), PARTS.columns, slice_by=("filed_at",), by_year=True)
    rows = by_year.validate(pl.concat([parts(name=f"n{i}", filed_at=day) for i, day in enumerate(days)]))
    files = dict(by_year.parts(rows))
    assert {name: part.num_rows for name, part in files.items()} == {
        "part-02003.parquet": 1,
        "part-02004.parquet": 2,
        "part-02006.parquet": 1,
    }
    shown = [name for name in files if by_year.may_hold(f"parts/{name}", date(2004, 6, 1), date(2005, 12, 31))]
    assert shown == ["part-02004.parquet"]
    assert by_year.may_hold("parts/part-00000.parquet", date(2004, 6, 1), None)
    assert [name for name, _ in by_year.parts(by_year.validate(by_year.empty()))] == ["part-00000.parquet"]
    assert [name for name, _ in PARTS.parts(rows)] == ["part-00000.parquet"]
