"""Daily prices from the bundled sample or from your own Parquet file, checked before anyone uses them."""

from datetime import date
from pathlib import Path

import polars as pl
from polars import selectors as cs

from resources.profile import PriceColumns, Prices

SAMPLE = Path(__file__).parent / "sample" / "prices.parquet"


class PriceError(ValueError):
    """The price file cannot be used; the message says which column and row, and what to do."""


def read_prices(settings: Prices, tickers: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the prices of the companies in `tickers` and name the companies that have none.

    One ticker stands for a company: the one with the most trading days, the alphabetically first of equals. A
    ticker that several companies claim stands for none of them, for nobody can say whose prices they are.

    Parameters
    ----------
    settings : Prices
        Source, path and column mapping.
    tickers : DataFrame
        Columns company_id and ticker.

    Returns
    -------
    tuple of DataFrame
        Rows of `prices`, sorted by company and date, and rows of `prices_missing`.

    Raises
    ------
    PriceError
        The file or a column is missing or of the wrong type, or a row asked for has no date, a price that is not
        positive and finite, or a date that its ticker already has.
    """
    asked = tickers.select("company_id", "ticker").unique()
    owned = asked.filter(pl.col("ticker").is_unique())
    quotes = _checked(_quotes(settings, owned["ticker"]), settings)
    chosen = _longest(owned, quotes)
    prices = chosen.join(quotes, on="ticker").select(
        "company_id",
        "ticker",
        "date",
        "adj_close",
        pl.lit(None, pl.Float64).alias("close"),
        pl.lit(None, pl.Int64).alias("volume"),
        pl.lit(settings.source).alias("source"),
    )
    return prices.sort("company_id", "date"), _missing(asked, owned, chosen, settings)


def price_fingerprint(settings: Prices) -> dict[str, str]:
    """Return month ('2004-03') -> digest of the rows of that month in the file, all tickers; raises PriceError."""
    file, columns = _file(settings), _columns(settings)
    _check_types(file, columns)
    rows = pl.read_parquet(file, columns=[columns.ticker, columns.date, columns.adj_close])
    month = pl.col(columns.date).cast(pl.Date).dt.strftime("%Y-%m")
    marks = pl.struct(columns.ticker, columns.date, columns.adj_close).hash(0)
    months = rows.group_by(month.alias("month")).agg(marks.sum().alias("mark"), pl.len())
    return {str(month): f"{mark:x}-{count}" for month, mark, count in months.sort("month").iter_rows()}


def price_span(settings: Prices) -> tuple[date, date]:
    """Return the first and the last day on which anything in the file has a price; raises PriceError."""
    file, columns = _file(settings), _columns(settings)
    _check_types(file, columns)
    day = pl.col(columns.date).cast(pl.Date)
    first, last = pl.scan_parquet(file).select(day.min().alias("first"), day.max().alias("last")).collect().row(0)
    if first is None:
        raise PriceError(f"prices {file}: no rows; give prices of the companies in the descriptions")
    return first, last


def _file(settings: Prices) -> Path:
    file = settings.path if settings.source == "parquet" else SAMPLE
    if file is None or not file.is_file():
        raise PriceError(
            f"prices {file}: no such file; set prices.path to a Parquet file with {_wanted(settings.columns)}"
        )
    return file


def _columns(settings: Prices) -> PriceColumns:
    return settings.columns if settings.source == "parquet" else PriceColumns()


def _wanted(columns: PriceColumns) -> str:
    return f"the columns {columns.ticker}, {columns.date} and {columns.adj_close}"


def _quotes(settings: Prices, wanted: pl.Series) -> pl.DataFrame:
    """Columns ticker, date, adj_close of the wanted tickers, sorted by ticker and date."""
    file, columns = _file(settings), _columns(settings)
    _check_types(file, columns)
    rows = pl.scan_parquet(file).select(
        pl.col(columns.ticker).cast(pl.String).alias("ticker"),
        pl.col(columns.date).cast(pl.Date).alias("date"),
        pl.col(columns.adj_close).cast(pl.Float64).alias("adj_close"),
    )
    return rows.filter(pl.col("ticker").is_in(wanted.implode())).sort("ticker", "date").collect()


def _check_types(file: Path, columns: PriceColumns) -> None:
    try:
        found = pl.read_parquet_schema(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise PriceError(f"prices {file}: not a Parquet file that can be read: {error}") from error
    rules = {
        columns.ticker: ("text", cs.string(include_categorical=True)),
        columns.date: ("dates", cs.date() | cs.datetime()),
        columns.adj_close: ("numbers", cs.float() | cs.integer()),
    }
    for column, (kind, allowed) in rules.items():
        if column not in found:
            raise PriceError(f"prices {file}: no column {column}; it has {', '.join(found)}; set prices.columns")
        if column not in cs.expand_selector(found, allowed):
            raise PriceError(f"prices {file}: column {column} holds {found[column]}, expected {kind}; convert it")


def _checked(quotes: pl.DataFrame, settings: Prices) -> pl.DataFrame:
    """The quotes as they are, or PriceError naming the first bad one by ticker and date."""
    columns = _columns(settings)
    price = pl.col("adj_close")
    good_price = (price.is_finite() & (price > 0)).fill_null(False)
    again = (pl.struct("ticker", "date") == pl.struct("ticker", "date").shift(1)).fill_null(False)
    rules = (
        (columns.date, pl.col("date").is_null(), "no date; drop the row"),
        (columns.date, again, "two rows for one day; keep one"),
        (columns.adj_close, ~good_price, "not a positive, finite price; drop the row"),
    )
    for column, broken, advice in rules:
        bad = quotes.filter(broken)
        if bad.height:
            ticker, day, value = bad.row(0)
            where = f"prices {_file(settings)}: column {column}, ticker {ticker}, {day}"
            raise PriceError(f"{where} (adj_close {value}): {advice} ({bad.height} such rows)")
    return quotes


def _longest(owned: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """The ticker of each company that has prices: the longest history, then the alphabet."""
    days = quotes.group_by("ticker").len("days")
    ranked = owned.join(days, on="ticker").sort("company_id", "days", "ticker", descending=[False, True, False])
    return ranked.unique("company_id", keep="first", maintain_order=True).select("company_id", "ticker")


def _missing(asked: pl.DataFrame, owned: pl.DataFrame, chosen: pl.DataFrame, settings: Prices) -> pl.DataFrame:
    """Rows of `prices_missing`; a company with several tickers gets one row that names them all."""
    shared = pl.col("ticker").is_in(owned["ticker"].implode()).not_()
    reason = pl.when(shared.any()).then(pl.lit("several companies claim this ticker")).otherwise(_absent(settings))
    without = asked.join(chosen, on="company_id", how="anti")
    rows = without.group_by("company_id").agg(pl.col("ticker").sort().str.join(", "), reason=reason)
    return rows.sort("company_id")


def _absent(settings: Prices) -> pl.Expr:
    where = "the bundled sample" if settings.source == "sample" else "the price file"
    return pl.lit(f"no price in {where}")
