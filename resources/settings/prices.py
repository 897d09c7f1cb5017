"""Settings of prices and returns: where prices come from, which column is which, which returns count."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from resources.settings.section import Month, Once, Place, Real, Section, Share, Text, WebAddress

Excludable = Literal["outlier", "reversal", "stale"]
Flag = Literal[Excludable, "delisted"]


class PriceColumns(Section):
    """Which column of your price file is which; of a wide file only `date` counts, the other columns are tickers."""

    ticker: Text = "ticker"
    """Exchange symbol, as in the descriptions."""
    date: Text = "date"
    """Trading day."""
    adj_close: Text = "adj_close"
    """Close adjusted for splits and dividends."""
    close: Text | None = None
    """Close that is not adjusted for dividends."""
    volume: Text | None = None
    """Shares traded."""
    security: Text | None = None
    """What stays the same as long as the ticker means the same security, as CRSP's PERMNO."""


class Yahoo(Section):
    """Prices from Yahoo, for source `yfinance`."""

    first: Month = "1999-12"
    """First month asked for; up to the last complete month of the calendar."""
    requests_per_second: Annotated[Real, Field(ge=0.01, le=10)] = 2
    """Over all processes on this machine."""
    url: WebAddress | None = None
    """Another server with Yahoo's paths; empty for Yahoo itself."""


class Prices(Section):
    """Where prices come from."""

    source: Literal["sample", "parquet", "csv", "yfinance"] = "sample"
    """`sample` is bundled; `yfinance` is live; `parquet` and `csv` are files of yours, delisted names welcome."""
    path: Place | None = None
    """Your file; relative paths start at the profile's folder."""
    layout: Literal["long", "wide"] = "long"
    """`long`: a row per ticker and day; `wide`: a row per day, a column per ticker."""
    columns: PriceColumns = PriceColumns()
    """Column mapping of your file."""
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Between the columns of a CSV."""
    decimal_comma: bool = False
    """Whether a CSV writes 1,5 for one and a half; then its separator is another one."""
    yahoo: Yahoo = Yahoo()
    """What is asked of Yahoo."""
    min_coverage: Share = 0.5
    """Share of the companies with a ticker that must have prices; below it nothing is committed."""

    @model_validator(mode="after")
    def _complete(self) -> "Prices":
        if self.source in {"parquet", "csv"} and self.path is None:
            raise ValueError(f"source {self.source} needs a path")
        if self.decimal_comma and self.separator == ",":
            raise ValueError("decimal_comma needs another separator than a comma, as `separator: ';'`")
        return self


class Returns(Section):
    """Which monthly returns count; all of them, with their flags, stay in `monthly_returns`."""

    exclude: Annotated[tuple[Excludable, ...], Once] = ()
    """Flags whose returns are used nowhere. None by default: of the reversals seen in real data none was a fault.
    `delisted` cannot be among them, that would leave out the losers."""
