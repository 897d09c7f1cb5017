"""The trading day of a price, from dates and timestamps; a timestamp counts as its own local day."""

import polars as pl

from resources.market.price_table import ROW, PriceTable

TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
OFFSET = r"Z|[+-]\d\d(?::?\d\d)?"
STAMP = rf"^\d{{4}}-\d\d-\d\d(?:[T ]{TIME} ?(?:{OFFSET})?)?$"
SUMMER_TIME = 60
"""Minutes; offsets of the same time zone differ by no more over a year."""


def day_of(date: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return the day of dates, timestamps or ISO text; null for any text but 2004-01-02 and ISO timestamps."""
    if dtype == pl.String:
        days = pl.when(date.str.contains(STAMP)).then(date.str.slice(0, 10))
        return days.str.to_date("%Y-%m-%d", strict=False)
    return date.dt.date() if isinstance(dtype, pl.Datetime) else date


def check_zones(table: PriceTable) -> None:
    """Raise for text with several time zones, in which one day would mean different trading days.

    Raises
    ------
    PriceError
        Some rows have an offset from UTC and some have none, or offsets are further apart than summer time.
    """
    if table.types()["date"] != pl.String:
        return
    stamps = table.rows().group_by("date").agg(pl.col(ROW).min(), count=pl.col(ROW).n_unique()).collect().sort(ROW)
    known = stamps.filter(day_of(pl.col("date"), pl.String()).is_not_null()).with_columns(minutes=_minutes())
    other = known.select(_is_other().alias("other")).to_series()
    if other.any():
        usual, odd = known.filter(~other), known.filter(other)
        text, row, _, _ = odd.row(0)
        problem = f"{text}: {table.position(usual[ROW][0])} has {usual['date'][0]}, another time zone"
        raise table.error(row, "date", None, f"{problem}; write the day alone, as 2004-01-02", int(odd["count"].sum()))


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
