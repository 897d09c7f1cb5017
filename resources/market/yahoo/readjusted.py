"""A stored price history goes on in its own units, whatever Yahoo has made of the past since.

A dividend or split moves every earlier price that Yahoo tells, by one factor; its numbers are float32, so every return
would move in the seventh digit. Adjusted prices mean something only up to a constant: the stored days stay as they are,
bit for bit, and what is new is divided by that factor.
"""

from dataclasses import dataclass

import polars as pl

from resources.market.quotes import PAUSE_DAYS

TOLERANCE = 1e-5
"""Relative; below it two prices of one day are the same (float32 alone makes 1e-7)."""
ROWS = {"date": pl.Date, "adj_close": pl.Float64, "close": pl.Float64, "volume": pl.Float64, "security": pl.String}
"""A ticker's history; `adj_close` is never null, `security` is the first day of a stretch of the same security."""


@dataclass(frozen=True)
class Scale:
    """What Yahoo tells today, over what is stored."""

    adj_close: float = 1.0
    close: float = 1.0
    """Splits alone; volumes are multiplied by it where closes are divided."""


def scale(stored: pl.DataFrame, fetched: pl.DataFrame) -> Scale | None:
    """Medians of fetched over stored prices on the days that both have; None where it is another security.

    It is where there is no such day, or where on most of them the adjusted prices do not differ by that factor.
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


def agrees(stored: pl.DataFrame, fetched: pl.DataFrame, at: Scale) -> bool:
    """Whether there are days that both have, and their adjusted and plain closes differ by the scale alone."""
    common = stored.join(fetched, on="date", suffix="_now")
    same = (
        _same(pl.col("adj_close"), pl.col("adj_close_now") / at.adj_close),
        _same(pl.col("close"), pl.col("close_now") / at.close),
    )
    return not common.is_empty() and common.filter(~pl.all_horizontal(*same)).is_empty()


def continued(stored: pl.DataFrame, fetched: pl.DataFrame, at: Scale) -> pl.DataFrame:
    """The stored history brought up to the fetched one; columns ROWS, in the stored units.

    Prices that agree stay bit for bit; the other days of `fetched` (new ones, true corrections) are brought into the
    stored units. Stored days before the first fetched one stay; later ones that `fetched` lacks are gone.
    """
    both = fetched.join(stored, on="date", how="left", suffix="_stored", maintain_order="left")
    inside = both.select(
        "date",
        _kept("adj_close", pl.col("adj_close") / at.adj_close),
        _kept("close", pl.col("close") / at.close),
        _kept("volume", pl.col("volume") * at.close),
        security="security_stored",
    )
    return labelled(pl.concat([_before(stored, fetched), inside]))


def labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, `security` being the first day (ISO) of each stretch; columns ROWS.

    A stretch begins after more than PAUSE_DAYS without a quote, and where `security` changes; null changes nothing.
    """
    known = pl.col("security").forward_fill().backward_fill()
    paused = pl.col("date").diff().dt.total_days() > PAUSE_DAYS
    begins = paused.fill_null(True) | (known != known.shift(1)).fill_null(False)
    return rows.with_columns(security=pl.when(begins).then(pl.col("date").dt.to_string("iso")).forward_fill())


def followed(stored: pl.DataFrame, fetched: pl.DataFrame) -> pl.DataFrame:
    """The stored history, then another security's under the same ticker, in its own units; columns ROWS."""
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
