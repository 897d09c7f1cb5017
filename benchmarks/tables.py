"""What the benchmarks' tables share: medians over rounds, ratios within a round, and how a table is printed."""

from collections.abc import Sequence
from statistics import median

import polars as pl

Round = dict[str, float]
"""Rates by name, tokens or gigabytes a second; what was not measured is not in it."""


def summary(rates: Sequence[float], name: str, digits: int) -> dict[str, object]:
    """Return median and range as cells of a row; blank where there are no rates."""
    if not rates:
        return {name: None, "range": None}
    return {name: round(median(rates), digits), "range": f"{min(rates):.{digits}f} to {max(rates):.{digits}f}"}


def ratio(rounds: Sequence[Round], name: str, other: str) -> float | None:
    """Return the median of the ratios within a round; None where one of the two was not measured."""
    ratios = [one[name] / one[other] for one in rounds if name in one and other in one]
    return round(median(ratios), 3) if ratios else None


def show(title: str, table: pl.DataFrame) -> None:
    """Print a table; what was not measured is blank."""
    cells = table.select(pl.all().cast(pl.String).fill_null(""))
    plain = {"tbl_hide_dataframe_shape": True, "tbl_hide_column_data_types": True}
    with pl.Config(tbl_cols=-1, tbl_rows=-1, tbl_width_chars=180, fmt_str_lengths=50, **plain):
        print(f"{title}\n{cells}", flush=True)
