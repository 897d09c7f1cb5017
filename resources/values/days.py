"""Days, from dates, timestamps and ISO text; a timestamp counts as its own local day, whatever its time zone."""

import re
from datetime import date
from typing import Any

import polars as pl

from resources.values.columns import is_text
from resources.values.excerpt import excerpt

FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2199, 12, 31)
"""Days outside are marks for a missing date, as 0001-01-01 and 9999-12-31, or numbers that were taken for dates."""
TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
OFFSET = r"Z|[+-]\d\d(?::?\d\d)?"
STAMP = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{TIME} ?(?:{OFFSET})?)?$".replace(r"\d", "[0-9]")
SHORT_DATE = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}")
SUMMER_TIME = 60
"""Minutes; offsets of the same time zone differ by no more over a year."""
PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
EPOCH = date(1970, 1, 1)
LARGEST = 2**63 - 1


def holds_days(dtype: pl.DataType) -> bool:
    """Return whether a column can hold days: dates, timestamps or text, but no numbers, as none says its epoch."""
    return is_text(dtype) or dtype == pl.Date or isinstance(dtype, pl.Datetime)


def day_of(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return the day of dates, timestamps or ISO text; null for any text but 2004-01-02 and ISO timestamps."""
    if is_text(dtype):
        text = column.cast(pl.String)
        days = pl.when(text.str.contains(STAMP)).then(text.str.slice(0, 10)).str.to_date("%Y-%m-%d", strict=False)
        return pl.when(days.is_between(FIRST_DAY, LAST_DAY)).then(days)
    # What is out of range goes first: polars panics where a day has no place in the calendar.
    within = pl.when(_in_range(column, dtype)).then(column)
    return within.dt.date() if isinstance(dtype, pl.Datetime) else within


def _in_range(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    per_day = PER_DAY[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 1
    first, last = ((day - EPOCH).days * per_day for day in (FIRST_DAY, LAST_DAY))
    return column.to_physical().cast(pl.Int64).is_between(max(first, -LARGEST), min(last + per_day - 1, LARGEST))


def shown_day(column: pl.Series) -> Any:
    """Return a single value of a column of days as it is shown in a message."""
    if not (column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime)):
        return column.item()
    if column.null_count():
        return None
    inside = pl.select(_in_range(pl.lit(column), column.dtype)).item()
    return str(column.item()) if inside else f"outside {FIRST_DAY.year} to {LAST_DAY.year}"


def date_problem(value: Any) -> str:
    """Return why `value` is not a date, and the fix."""
    if value is None or value == "":
        return "empty: no date; drop the row"
    if SHORT_DATE.match(value):
        return f"{excerpt(value)}: day and month are ambiguous; write dates as 2004-01-02"
    return f"{excerpt(value)}: not a date; write dates as 2004-01-02"


def in_another_zone(stamps: pl.DataFrame) -> pl.Series:
    """Return which texts have another time zone than the others, so that one day would mean different local days.

    Some have an offset from UTC and some have none, or offsets are further apart than summer time.

    Parameters
    ----------
    stamps : DataFrame
        Column `date`, texts that `day_of` can read; the first counts as the usual kind.
    """
    return stamps.with_columns(minutes=_minutes()).select(_is_other().alias("other")).to_series()


def _is_other() -> pl.Expr:
    """Return the rows that differ from the first in having an offset; else those too far from the smallest offset."""
    minutes = pl.col("minutes")
    zoned = minutes.is_not_null()
    apart = (minutes - minutes.min() > SUMMER_TIME).fill_null(False)
    return pl.when(zoned.any() & ~zoned.all()).then(zoned != zoned.first()).otherwise(apart)


def _minutes() -> pl.Expr:
    """Return the minutes east of UTC; null where no offset is written."""
    offset = pl.col("date").str.slice(10).str.extract(f"({OFFSET})$")
    digits = offset.str.replace_all(r"\D", "")
    minutes = digits.str.slice(0, 2).cast(pl.Int32, strict=False) * 60
    minutes += digits.str.slice(2).cast(pl.Int32, strict=False).fill_null(0)
    signed = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    return pl.when(offset == "Z").then(0).otherwise(signed)
