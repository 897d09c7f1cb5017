"""Settings of the texts: where filings come from, which of them, and which column is which."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from resources.settings.section import Day, Month, Once, Place, Real, Section, Text, WebAddress

SicRange = Annotated[str, Field(pattern=r"^[0-9]{4}(-[0-9]{4})?$")]
Form = Literal["10-K", "10-K405", "10-KSB", "10-KSB40", "10-KT", "10-KT405"]


class DescriptionColumns(Section):
    """Which column of your file is which."""

    ticker: Text = "ticker"
    """Exchange symbol."""
    name: Text = "name"
    """Company name."""
    text: Text = "description"
    """What the company does."""
    cik: Text | None = None
    """SEC Central Index Key, number or digits; companies without one are known by their ticker."""
    sic: Text | None = None
    """Four-digit SIC code."""
    sector: Text | None = None
    """Sector."""
    industry: Text | None = None
    """Industry."""
    exchange: Text | None = None
    """Listing exchange."""
    filed_at: Text | None = None
    """Day on which the text became public; else give `descriptions.filed_at`."""


class Edgar(Section):
    """Annual reports from EDGAR, for source `edgar`."""

    identity: Text | None = None
    """Who asks, as `Jane Doe jane@example.com`: the SEC wants to know. Or set PEERLENS_EDGAR_IDENTITY."""
    universe: Place | None = None
    """A list of tickers or CIKs, one a line; empty for every company that filed."""
    sic: Annotated[tuple[SicRange, ...], Once] = ()
    """SIC codes *as filed* that are wanted, as `3711` or `2000-2999`; empty for all."""
    forms: Annotated[tuple[Form, ...], Field(min_length=1), Once] = get_args(Form)
    """Form types; the amendments of each are read too, and replace a text only where they carry an Item 1."""
    first: Month | None = None
    """First month of filing, where a year of `filing_years` is not wanted whole."""
    last: Month | None = None
    """Last such month."""
    requests_per_second: Annotated[Real, Field(ge=0.01, le=9)] = 9
    """Over all processes on this machine; the SEC's own limit is 10."""
    archive_url: WebAddress = "https://www.sec.gov"
    """Where indexes and filings are."""
    data_url: WebAddress = "https://data.sec.gov"
    """Where the submissions API is."""

    @model_validator(mode="after")
    def _ordered(self) -> "Edgar":
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"last {self.last} is before first {self.first}")
        for low, _, high in (codes.partition("-") for codes in self.sic):
            if high and high < low:
                raise ValueError(f"sic: {low}-{high} ends before it begins")
        return self


class Descriptions(Section):
    """Where descriptions come from."""

    source: Literal["sample", "parquet", "edgar", "edgar_corpus", "authors"] = "sample"
    """`sample` is bundled; `edgar` is live; `edgar_corpus`, `authors` and `parquet` are files of yours."""
    path: Place | None = None
    """Your file or folder; relative paths start at the profile's folder."""
    hub: Text | None = None
    """For `edgar_corpus` and `authors`, in place of a path: `hf://datasets/owner/name[@revision][/folder]`."""
    columns: DescriptionColumns = DescriptionColumns()
    """Column mapping of your file, for source `parquet`."""
    edgar: Edgar = Edgar()
    """Which filings are asked of EDGAR."""
    filed_at: Day | None = None
    """One date for all texts."""
    look_ahead: bool = False
    """Set it where texts are younger than `filed_at`: every scoreboard then carries a banner."""

    @model_validator(mode="after")
    def _complete(self) -> "Descriptions":
        if self.source == "parquet" and self.path is None:
            raise ValueError("source parquet needs a path")
        if self.source in {"edgar_corpus", "authors"} and (self.path is None) == (self.hub is None):
            raise ValueError(f"source {self.source} needs a path or a hub, one of them")
        if self.hub is not None and not self.hub.startswith("hf://datasets/"):
            raise ValueError("hub has to start with hf://datasets/")
        if self.source == "parquet" and self.filed_at is None and self.columns.filed_at is None:
            raise ValueError("source parquet needs filed_at, one date for all texts, or columns.filed_at")
        return self
