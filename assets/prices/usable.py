"""Which monthly returns count; here, since clusters read returns and may not import the stage that makes them."""

from collections.abc import Sequence

import polars as pl

KEY = ("company_id", "month")


def usable(returns: pl.DataFrame, exclude: Sequence[str]) -> pl.DataFrame:
    """Return the rows of `monthly_returns` that carry none of the flags in `exclude`, in the order they came.

    A reversal is two months, of which the second carries the flag: with `reversal` in `exclude`, the same company's
    month before is left out too. Pass the months that may be seen, and nothing is left out for what came later.
    """
    kept = returns.filter(pl.col("flags").list.set_intersection(list(exclude)).list.len() == 0)
    if "reversal" not in exclude:
        return kept
    undone = returns.filter(pl.col("flags").list.contains("reversal")).select(
        "company_id", pl.col("month").dt.month_start().dt.offset_by("-1d").alias("month")
    )
    return kept.join(undone, on=KEY, how="anti", maintain_order="left")


def marked(returns: pl.DataFrame, exclude: Sequence[str]) -> pl.DataFrame:
    """Return the rows in the order they came, with `used`: whether they count when all months may be seen."""
    counted = usable(returns, exclude).select(*KEY, used=pl.lit(True))
    joined = returns.join(counted, on=KEY, how="left", maintain_order="left")
    return joined.with_columns(pl.col("used").fill_null(False))
