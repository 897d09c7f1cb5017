"""Time zones of a price file: one day must not mean different trading days."""

import polars as pl

from resources.market.price_table import ROW, PriceTable
from resources.values.days import day_of, in_another_zone


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
    known = stamps.filter(day_of(pl.col("date"), pl.String()).is_not_null())
    other = in_another_zone(known)
    if other.any():
        usual, odd = known.filter(~other), known.filter(other)
        text, row, _ = odd.row(0)
        problem = f"{text}: {table.position(usual[ROW][0])} has {usual['date'][0]}, another time zone"
        raise table.error(row, "date", None, f"{problem}; write the day alone, as 2004-01-02", int(odd["count"].sum()))
