"""Prices from the user's own file, Parquet or CSV, long or wide, or from the bundled sample."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date

import polars as pl

from resources.market.price_rows import check_days, check_tickers, checked_quotes
from resources.market.price_table import ROW, PriceTable, open_table
from resources.market.quotes import QUOTES, PriceError, Quotes
from resources.market.trading_day import check_zones
from resources.places import SAMPLE
from resources.settings.prices import Prices
from resources.values.days import day_of
from resources.values.excerpt import one_line

SAMPLE_PRICES = SAMPLE / "prices.parquet"


class FileMarket:
    """Daily prices of a file. No value is dropped or repaired: a file with an unusable value is an error."""

    def __init__(self, settings: Prices) -> None:
        is_sample = settings.source == "sample"
        self.settings = Prices(source="parquet", path=SAMPLE_PRICES) if is_sample else settings
        self.absent = f"no price in the {'bundled sample' if is_sample else 'price file'}"

    def quotes(self, tickers: Collection[str], progress: Callable[[int], None] = lambda n: None) -> Quotes:
        """Return the quotes of the tickers; bad rows of other tickers are ignored.

        A ticker that the file does not spell this way is matched with dots, slashes and hyphens as the same character,
        in any case: `BRK-B` is `BRK.B`.

        Raises
        ------
        PriceError
            The file, a column, a row without a ticker, the time zones, or a row of these tickers is unusable.
        """
        wanted = sorted(set(tickers))
        with self._table() as table:
            check_tickers(table)
            check_zones(table)
            rows = _add_respelled(table, checked_quotes(table, wanted), wanted)
            if rows.is_empty():
                _refuse_empty(table)
        progress(len(wanted))
        found = set(rows["ticker"].unique())
        return Quotes(rows, {ticker: self.absent for ticker in wanted if ticker not in found})

    def now(self) -> dict[str, str]:
        """Return month ('2004-03', or '' for rows without a date) -> digest of its rows, whatever their order.

        Raises
        ------
        PriceError
            The file or a column is unusable.
        """
        with self._table() as table:
            hashes = [pl.col(name).hash(seed) for seed, name in enumerate(QUOTES)]
            # Hashes of rows are added up below, so the order of the rows does not matter.
            row_hash = pl.reduce(lambda left, right: left ^ right, hashes).hash(0)
            hashed = table.rows().select("date", row_hash.alias("hash"))
            days = hashed.group_by("date").agg(pl.col("hash").sum(), rows=pl.len()).collect()
            day = day_of(pl.col("date"), table.types()["date"])
            months = days.group_by(day.dt.strftime("%Y-%m").fill_null("").alias("month")).agg(
                pl.col("hash", "rows").sum()
            )
        return {month: f"{digest:x}-{rows}" for month, digest, rows in months.sort("month").iter_rows()}

    def span(self) -> tuple[date, date]:
        """Return the first and last day with a price in the file. Raises PriceError."""
        with self._table() as table:
            days = table.rows().with_columns(day_of(pl.col("date"), table.types()["date"]))
            first, last = days.select(first=pl.col("date").min(), last=pl.col("date").max()).collect().row(0)
            if first is None:
                _refuse_empty(table)
                check_days(table, days.select(ROW, "ticker", "date").collect())
        return first, last

    @contextmanager
    def _table(self) -> Iterator[PriceTable]:
        table = open_table(self.settings)
        try:
            yield table
        except (pl.exceptions.PolarsError, OSError) as error:
            reason = one_line(str(error).partition("\n")[0])
            problem = f"cannot be read to its end: {reason}; write the file again"
            raise PriceError(f"prices {table.file}: {problem}") from error


def _add_respelled(table: PriceTable, rows: pl.DataFrame, wanted: Collection[str]) -> pl.DataFrame:
    """Return the rows with those of tickers that the file spells differently, under the wanted spelling."""
    absent = {_symbol(ticker): ticker for ticker in set(wanted) - set(rows["ticker"])}
    if not absent:
        return rows
    others = [name for name in _names(table) if name not in wanted and _symbol(name) in absent]
    names = {name: absent[_symbol(name)] for name in others}
    if len(set(names.values())) < len(names):
        twice = [name for name in sorted(names) if list(names.values()).count(names[name]) > 1]
        raise PriceError(f"prices {table.file}: {' and '.join(twice)} are spellings of the same ticker; keep one")
    respelled = checked_quotes(table, names).with_columns(pl.col("ticker").replace(names))
    return pl.concat([rows, respelled]).sort("ticker", "date")


def _names(table: PriceTable) -> list[str]:
    """Return every ticker of the file, in its own spelling."""
    if table.wide:
        return table.tickers()
    return table.rows().select(pl.col("ticker").unique()).collect()["ticker"].to_list()


def _symbol(ticker: str) -> str:
    return ticker.upper().replace(".", "-").replace("/", "-")


def _refuse_empty(table: PriceTable) -> None:
    if table.rows().head(1).collect().is_empty():
        raise PriceError(f"prices {table.file}: no prices; add those of the companies in the descriptions")
