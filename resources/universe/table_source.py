"""Who exists and what they say: the bundled sample or a Parquet file of your own, as one row per filing."""

import difflib
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from resources.lake.progress import OpenBar
from resources.places import SAMPLE
from resources.settings.profile import Profile, ProfileError
from resources.universe.bundled import sample_filings
from resources.universe.filing_rows import COLUMNS, filing_digests, text_digest
from resources.universe.table_file import ROW, TableFile, open_table_file
from resources.universe.table_index import filed_days, filing_index, remember
from resources.universe.universe import COMPANIES, FILED, Documents, Filed


def read_universe(profile: Profile) -> pl.DataFrame:
    """Return one row per filing with the columns COLUMNS, sorted by accession, texts and all.

    Raises
    ------
    ProfileError
        The file or one of its mapped columns is missing, a value in it is refused, or the profile names a ticker that
        the source does not have.
    """
    settings = profile.descriptions
    if settings.source == "sample":
        return _wanted(profile, sample_filings(SAMPLE))
    rows = _wanted(profile, filing_index(settings))
    return with_texts(rows, open_table_file(settings)).select(list(COLUMNS))


def _wanted(profile: Profile, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the tickers that the profile names, or all."""
    wanted = profile.tickers
    if not wanted:
        return rows
    known = set(rows["ticker"])
    for ticker in wanted:
        if ticker not in known:
            near = difflib.get_close_matches(ticker, sorted(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            source = profile.descriptions.path or "the sample"
            raise ProfileError(f"profile {profile.name}: tickers: {ticker!r} is not in {source}{hint}")
    return rows.filter(pl.col("ticker").is_in(wanted))


class TableUniverse:
    """Companies and texts of the sample or of a file; tickers are those of each company's newest filing."""

    cover_pages: ClassVar[bool] = False
    at_hand: ClassVar[bool] = True

    @classmethod
    def years_since(cls, first: int, profile: Profile, today: date) -> list[int]:
        """Return the years from `first` in which the file has filings up to today."""
        source = profile.descriptions
        rows = sample_filings(SAMPLE) if source.source == "sample" else filed_days(source)
        days = _wanted(profile, rows)["filed_at"]
        return sorted(set(days.filter((days.dt.year() >= first) & (days <= today)).dt.year()))

    def __init__(self, profile: Profile, home: Path) -> None:
        self.profile, self.home = profile, home

    @cached_property
    def filers(self) -> pl.DataFrame:
        """The newest filing of every company, without its text, and the day of its first one."""
        return newest(self._rows)

    @property
    def listed(self) -> pl.DataFrame:
        """Company_id and ticker."""
        return self.filers.drop_nulls("ticker").select("company_id", "ticker")

    def companies(self, bar: OpenBar) -> pl.DataFrame:
        """Return who exists, as the newest filing says."""
        return self.filers.select(list(COMPANIES))

    def filings(self, year: int, bar: OpenBar) -> Filed:
        """Return the filings of a year; nothing of them has to be fetched."""
        with bar(None, "rows") as progress:
            rows = self._of(year, progress)
        nothing, symbols = pl.lit(None, pl.String), pl.concat_list("ticker").list.drop_nulls()
        filed = rows.with_columns(tickers=symbols, url=nothing, refused=nothing).select(list(FILED))
        return Filed({}, lambda known: filed.filter(~pl.col("accession").is_in(sorted(known))))

    def texts(self, year: int, bar: OpenBar) -> pl.DataFrame | Documents:
        """Return the texts of a year as they are."""
        with bar(None, "rows") as progress:
            return self._texts(year, progress).select("accession", "text")

    def companies_now(self) -> dict[str, str]:
        """Return the digest of who exists, texts left out."""
        return {"": text_digest(self.filers.write_csv())}

    def tickers_now(self) -> dict[str, str]:
        """Return the digest of whose ticker is what."""
        return {"": text_digest(self.listed.write_csv())}

    def filings_now(self, year: int) -> dict[str, str]:
        """Return the digest of every filing of a year."""
        if self._is_own:
            remember(self.profile.descriptions, self.home)
        rows = self._of(year)
        if "digest" not in rows.columns:
            rows = rows.with_columns(filing_digests(rows))
        keys = rows.select(pl.format("{} {}", "filed_at", "accession")).to_series()
        return dict(zip(keys, rows["digest"], strict=True))

    def preflight(self, today: date) -> date:
        """Check the years and the corpus's cut-off against the source; return the day of its first filing."""
        name, years, first = self.profile.name, self._years(), self._first_day()
        for year in self.profile.years:
            if year not in years:
                has = ", ".join(map(str, years))
                raise ProfileError(f"profile {name}: filing_years: no filing of {year}; the source has {has}")
        if (cutoff := self.profile.corpus.cutoff) < first:
            raise ProfileError(f"profile {name}: corpus.cutoff: {cutoff} is before the first filing, {first}")
        return first

    def forget(self) -> None:
        """Do nothing: files are looked at each time."""

    def _years(self) -> list[int]:
        """Return the years of filing that the source has."""
        return sorted(set(self._rows["filed_at"].dt.year()))

    def _first_day(self) -> date:
        first: date = self._rows["filed_at"].sort()[0]
        return first

    def _of(self, year: int, progress: Callable[[int], None] = lambda n: None) -> pl.DataFrame:
        """Return the filings of a year (columns INDEX); `progress` counts rows looked at, where that takes long."""
        return self._rows.filter(pl.col("filed_at").dt.year() == year)

    def _texts(self, year: int, progress: Callable[[int], None]) -> pl.DataFrame:
        """Return the filings of a year and their texts."""
        rows = self._of(year)
        return with_texts(rows, open_table_file(self.profile.descriptions)) if self._is_own else rows

    @property
    def _is_own(self) -> bool:
        """Whether the source is a file that is remembered."""
        return self.profile.descriptions.source == "parquet"

    @cached_property
    def _rows(self) -> pl.DataFrame:
        if not self._is_own:
            return _wanted(self.profile, sample_filings(SAMPLE))
        return _wanted(self.profile, filing_index(self.profile.descriptions, self.home))


def with_texts(rows: pl.DataFrame, table: TableFile) -> pl.DataFrame:
    """Return rows of an index with their texts.

    Raises
    ------
    ProfileError
        The table does not say what it said when the index was made.
    """
    by_row = rows.sort(ROW)
    texts = table.texts(by_row[ROW].to_list())
    found = [text_digest(text) for text in texts]
    if found != by_row["sha256"].to_list():
        raise ProfileError(f"descriptions.path: {table.path} changed while it was read; run the command again")
    return by_row.with_columns(texts).sort("accession")


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the newest row of every company, without text and hash, and the day of its first one as `first_report`."""
    rows = rows.drop("text", "sha256", "digest", ROW, strict=False).with_columns(
        first_report=pl.col("filed_at").min().over("company_id")
    )
    return rows.sort("filed_at", "accession").unique("company_id", keep="last", maintain_order=True)
