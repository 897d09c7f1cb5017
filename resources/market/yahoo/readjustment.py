"""Keeps a stored price history on its own scale when Yahoo re-adjusts the past.

A dividend or split multiplies all earlier prices at Yahoo by one factor. Yahoo's numbers are float32, so every return
would change in the seventh digit. Adjusted prices matter only up to a constant factor, so the stored days stay as they
are, bit for bit, and new days are divided by that factor.
"""

from dataclasses import dataclass

import polars as pl

from resources.market.quotes import PAUSE_DAYS

TOLERANCE = 1e-5
"""Relative difference up to which two prices of a day are the same; rounding to float32 makes 1e-7."""
ROWS = {"date": pl.Date, "adj_close": pl.Float64, "close": pl.Float64, "volume": pl.Float64, "security": pl.String}
"""Columns of a history; `adj_close` is never null, `security` is the first day of the security's stretch of quotes."""


@dataclass(frozen=True)
class Scale:
    """Yahoo's prices of today over the stored ones."""

    adj_close: float = 1.0
    close: float = 1.0
    """From splits alone; closes are divided by it and volumes multiplied."""


def estimate_scale(stored: pl.DataFrame, fetched: pl.DataFrame) -> Scale | None:
    """Return the median ratio of fetched to stored prices on common days; None if it is another security.

    It is another security if there is no common day, or if most adjusted prices do not differ by that factor.
    """
    common = stored.join(fetched, on="date", suffix="_now")
    if common.is_empty():
        return None
    ratios = common.select(pl.col(f"{name}_now") / pl.col(name) for name in ("adj_close", "close"))
    adj_close, close = ratios.median().row(0)
    same = common.filter(_same(pl.col("adj_close"), pl.col("adj_close_now") / adj_close))
    if 2 * same.height < common.height:
        return None
    return Scale(adj_close, 1.0 if close is None else close)


def matches(stored: pl.DataFrame, fetched: pl.DataFrame, scale: Scale) -> bool:
    """Return whether there are common days, and their closes and adjusted closes differ by the scale alone."""
    common = stored.join(fetched, on="date", suffix="_now")
    same = (
        _same(pl.col("adj_close"), pl.col("adj_close_now") / scale.adj_close),
        _same(pl.col("close"), pl.col("close_now") / scale.close),
    )
    return not common.is_empty() and common.filter(~pl.all_horizontal(*same)).is_empty()


def extended(stored: pl.DataFrame, fetched: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    """Return the stored history extended by the fetched one: columns ROWS, on the stored scale.

    Prices that match stay bit for bit; the other fetched days (new ones, real corrections) are brought to the stored
    scale. Stored days before the first fetched day stay; later ones that `fetched` lacks are dropped.
    """
    both = fetched.join(stored, on="date", how="left", suffix="_stored", maintain_order="left")
    inside = both.select(
        "date",
        _kept("adj_close", pl.col("adj_close") / scale.adj_close),
        _kept("close", pl.col("close") / scale.close),
        _kept("volume", pl.col("volume") * scale.close),
        security="security_stored",
    )
    return with_securities(pl.concat([_before(stored, fetched), inside]))


def with_securities(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `security` set to the first day (ISO) of each stretch of quotes; columns ROWS.

    A stretch begins after more than PAUSE_DAYS without a quote, and where `security` changes; a null is no change.
    """
    known = pl.col("security").forward_fill().backward_fill()
    paused = pl.col("date").diff().dt.total_days() > PAUSE_DAYS
    begins = paused.fill_null(True) | (known != known.shift(1)).fill_null(False)
    return rows.with_columns(security=pl.when(begins).then(pl.col("date").dt.to_string("iso")).forward_fill())


def succeeded_by(stored: pl.DataFrame, fetched: pl.DataFrame) -> pl.DataFrame:
    """Return the stored history, then that of another security with the same ticker on its own scale; columns ROWS."""
    return pl.concat([_before(stored, fetched), fetched])


def _before(stored: pl.DataFrame, fetched: pl.DataFrame) -> pl.DataFrame:
    return stored.filter(pl.col("date") < fetched["date"].min())


def _kept(name: str, now: pl.Expr) -> pl.Expr:
    stored = pl.col(f"{name}_stored")
    same = _same(stored, now).fill_null(False)
    return pl.when(same).then(stored).otherwise(now).alias(name)


def _same(stored: pl.Expr, now: pl.Expr) -> pl.Expr:
    both_null = stored.is_null() & now.is_null()
    return pl.coalesce((now - stored).abs() <= TOLERANCE * stored.abs(), both_null)
