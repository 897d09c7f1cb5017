"""Companies and texts of a data set that others have gathered, read one year at a time."""

from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from resources.settings.profile import Profile, ProfileError
from resources.universe.corpora import check_files, corpus_fingerprint, read_authors, read_edgar_corpus
from resources.universe.table_source import TableUniverse, newest

READERS = {"edgar_corpus": read_edgar_corpus, "authors": read_authors}


class CorpusUniverse(TableUniverse):
    """EDGAR-CORPUS or the authors' data set; `home`/hub keeps what is downloaded."""

    at_hand: ClassVar[bool] = False

    @classmethod
    def years_since(cls, first: int, profile: Profile, today: date) -> list[int]:
        """Refuse: which years there are is not known before everything is read, and a finished set does not grow."""
        source = profile.descriptions.source
        raise ProfileError(f"profile {profile.name}: filing_years.last: source {source} needs one; its years are fixed")

    def __init__(self, profile: Profile, home: Path) -> None:
        super().__init__(profile, home)
        self.cache = home / "hub"

    @cached_property
    def filers(self) -> pl.DataFrame:
        """The newest filing of every company, without its text, and the day of its first one."""
        return newest(pl.concat([self._of(year).with_columns(text=pl.lit("")) for year in self._years()]))

    def companies_now(self) -> dict[str, str]:
        """Return the digest of the files, names and times alone: reading them takes minutes."""
        return corpus_fingerprint(self.profile.descriptions, self._years(), self.cache)

    def tickers_now(self) -> dict[str, str]:
        """Return the same: the files tell tickers, too."""
        return self.companies_now()

    def filings_now(self, year: int) -> dict[str, str]:
        """Return the digest of the files that a year is read from."""
        return corpus_fingerprint(self.profile.descriptions, [year], self.cache)

    def preflight(self, today: date) -> date:
        """Check the years, and every number and year in the Parquet files that are on this disk."""
        first = super().preflight(today)
        check_files(self.profile.descriptions, self._years(), self.cache)
        return first

    def _years(self) -> list[int]:
        """Return the years of filing that the profile wants: what is there is not known before it is read."""
        return self.profile.years

    def _first_day(self) -> date:
        """Return the earliest day that a report can count as filed on."""
        return date(self.profile.years[0], 12, 31)

    def _texts(self, year: int, progress: Callable[[int], None]) -> pl.DataFrame:
        return self._of(year, progress)

    def _of(self, year: int, progress: Callable[[int], None] = lambda n: None) -> pl.DataFrame:
        source, wanted = self.profile.descriptions, self.profile.tickers
        rows = READERS[source.source](source, [year], self.cache, progress)
        if not wanted:
            return rows
        ciks = [name.zfill(10) for name in wanted if name.isascii() and name.isdigit()]
        found = rows.filter(pl.col("company_id").is_in(ciks) | pl.col("ticker").is_in(wanted))
        if found.is_empty():
            raise ProfileError(
                f"profile {self.profile.name}: tickers: none of {', '.join(wanted[:5])} files in {year}; "
                "EDGAR-CORPUS has no tickers, name companies by CIK"
            )
        return found
