"""Prices from a file of one's own, Parquet or CSV, long or wide, or from the bundled sample."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date

import polars as pl

from resources.market.price_rows import check_days, check_tickers, checked_quotes
from resources.market.price_table import ROW, PriceTable, open_table
from resources.market.quotes import QUOTES, PriceError, Quotes
from resources.market.trading_day import check_zones, day_of
from resources.places import SAMPLE
from resources.settings.prices import Prices

SAMPLE_PRICES = SAMPLE / "prices.parquet"


class FileMarket:
    """Daily prices of a file; nothing in it is dropped or repaired, what cannot be used as it stands is refused."""

    def __init__(self, settings: Prices) -> None:
        is_sample = settings.source == "sample"
        self.settings = Prices(source="parquet", path=SAMPLE_PRICES) if is_sample else settings
        self.absent = f"no price in the {'bundled sample' if is_sample else 'price file'}"

    def quotes(self, tickers: Collection[str], progress: Callable[[int], None] = lambda n: None) -> Quotes:
        """Quotes of the tickers; bad rows of tickers that nobody asked for are no matter.

        A ticker that the file does not have as it is spelled is looked for with dots, slashes and hyphens as one, and
        in whatever case: `BRK-B` is `BRK.B`.

        Raises
        ------
        PriceError
            The file, a column, a row without a ticker, the time zones, or a row of these tickers cannot be used.
        """
        asked = sorted(set(tickers))
        with self._table() as table:
            check_tickers(table)
            check_zones(table)
            rows = _respelled(table, checked_quotes(table, asked), asked)
            if rows.is_empty():
                _refuse_nothing(table)
        progress(len(asked))
        found = set(rows["ticker"].unique())
        return Quotes(rows, {ticker: self.absent for ticker in asked if ticker not in found})

    def now(self) -> dict[str, str]:
        """Month ('2004-03', '' for rows without a day) -> digest of all rows of that month, in whatever order.

        Raises
        ------
        PriceError
            The file or a column cannot be used.
        """
        with self._table() as table:
            hashes = [pl.col(name).hash(seed) for seed, name in enumerate(QUOTES)]
            mark = pl.reduce(lambda left, right: left ^ right, hashes).hash(0)
            marked = table.rows().select("date", mark.alias("mark"))
            days = marked.group_by("date").agg(pl.col("mark").sum(), rows=pl.len()).collect()
            day = day_of(pl.col("date"), table.types()["date"])
            months = days.group_by(day.dt.strftime("%Y-%m").fill_null("").alias("month")).agg(
                pl.col("mark", "rows").sum()
            )
        return {month: f"{mark:x}-{rows}" for month, mark, rows in months.sort("month").iter_rows()}

    def span(self) -> tuple[date, date]:
        """First and last day on which anything in the file has a price; raises PriceError."""
        with self._table() as table:
            days = table.rows().with_columns(day_of(pl.col("date"), table.types()["date"]))
            first, last = days.select(first=pl.col("date").min(), last=pl.col("date").max()).collect().row(0)
            if first is None:
                _refuse_nothing(table)
                check_days(table, days.select(ROW, "ticker", "date").collect())
        return first, last

    @contextmanager
    def _table(self) -> Iterator[PriceTable]:
        table = open_table(self.settings)
        try:
            yield table
        except (pl.exceptions.PolarsError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise PriceError(f"prices {table.file}: cannot be read to its end: {reason}; write it anew") from error


def _respelled(table: PriceTable, rows: pl.DataFrame, asked: Collection[str]) -> pl.DataFrame:
    """The rows, and those of tickers that the file spells otherwise, under the spelling that was asked for."""
    absent = {_symbol(ticker): ticker for ticker in set(asked) - set(rows["ticker"])}
    if not absent:
        return rows
    others = [name for name in _names(table) if name not in asked and _symbol(name) in absent]
    names = {name: absent[_symbol(name)] for name in others}
    if len(set(names.values())) < len(names):
        twice = [name for name in sorted(names) if list(names.values()).count(names[name]) > 1]
        raise PriceError(f"prices {table.file}: {' and '.join(twice)} are spellings of one ticker; keep one")
    respelled = checked_quotes(table, names).with_columns(pl.col("ticker").replace(names))
    return pl.concat([rows, respelled]).sort("ticker", "date")


def _names(table: PriceTable) -> list[str]:
    """Every ticker of the file, as it is spelled there."""
    if table.wide:
        return table.tickers()
    return table.rows().select(pl.col("ticker").unique()).collect()["ticker"].to_list()


def _symbol(ticker: str) -> str:
    return ticker.upper().replace(".", "-").replace("/", "-")


def _refuse_nothing(table: PriceTable) -> None:
    if table.rows().head(1).collect().is_empty():
        raise PriceError(f"prices {table.file}: no prices; give those of the companies in the descriptions")
