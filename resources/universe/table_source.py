"""Who exists and what they say: the bundled sample or a Parquet file of your own, as one row per filing."""

import difflib
import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar

import polars as pl

from resources.lake.progress import OpenBar
from resources.places import SAMPLE
from resources.settings.descriptions import Descriptions
from resources.settings.profile import Profile, ProfileError
from resources.universe.universe import COMPANIES, FILED, Documents, Filed

COLUMNS = {
    "accession": pl.String, "company_id": pl.String, "cik": pl.String, "ticker": pl.String, "name": pl.String,
    "exchange": pl.String, "sector": pl.String, "industry": pl.String, "sic": pl.String,
    "fiscal_year_end": pl.String, "form": pl.String, "filed_at": pl.Date, "period": pl.Date,
    "text": pl.String, "sha256": pl.String,
}  # fmt: skip
FILING_LAG = timedelta(days=60)
FIRST_SAMPLE_FILING = date(2003, 4, 1)


def read_universe(profile: Profile) -> pl.DataFrame:
    """Return one row per filing with the columns COLUMNS, sorted by accession.

    Raises
    ------
    ProfileError
        The file or one of its mapped columns is missing, a row has no ticker or date, a company filed twice on a day,
        or the profile names a ticker that the source does not have.
    """
    settings = profile.descriptions
    stamp = settings.path.stat().st_mtime_ns if settings.path and settings.path.is_file() else 0
    rows = _sample(SAMPLE, _stamps(SAMPLE)) if settings.source == "sample" else _parquet(settings, stamp)
    wanted = profile.tickers
    if not wanted:
        return rows
    known = set(rows["ticker"])
    for ticker in wanted:
        if ticker not in known:
            near = difflib.get_close_matches(ticker, sorted(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            source = settings.path or "the sample"
            raise ProfileError(f"profile {profile.name}: tickers: {ticker!r} is not in {source}{hint}")
    return rows.filter(pl.col("ticker").is_in(wanted))


class TableUniverse:
    """Companies and texts of the sample or of a file; tickers are those of each company's newest filing."""

    cover_pages: ClassVar[bool] = False
    at_hand: ClassVar[bool] = True

    @classmethod
    def years_since(cls, first: int, profile: Profile, today: date) -> list[int]:
        """Return the years from `first` in which the file has filings up to today."""
        days = read_universe(profile)["filed_at"]
        return sorted(set(days.filter((days.dt.year() >= first) & (days <= today)).dt.year()))

    def __init__(self, profile: Profile, home: Path) -> None:
        self.profile = profile

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
            return self._of(year, progress).select("accession", "text")

    def companies_now(self) -> dict[str, str]:
        """Return the digest of who exists, texts left out."""
        return {"": text_digest(self.filers.write_csv())}

    def tickers_now(self) -> dict[str, str]:
        """Return the digest of whose ticker is what."""
        return {"": text_digest(self.listed.write_csv())}

    def filings_now(self, year: int) -> dict[str, str]:
        """Return the digest of every filing of a year."""
        rows = self._of(year)
        content = rows.select("company_id", "name", "sector", "industry", "sic", "form", "period", "sha256").rows()
        names = rows.select("filed_at", "accession").rows()
        return {
            f"{day} {name}": text_digest("\0".join(map(str, row)))
            for (day, name), row in zip(names, content, strict=True)
        }

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
        """Return the filings of a year (columns COLUMNS); `progress` counts rows looked at, where that takes long."""
        return self._rows.filter(pl.col("filed_at").dt.year() == year)

    @cached_property
    def _rows(self) -> pl.DataFrame:
        return read_universe(self.profile)


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the newest row of every company, without text and hash, and the day of its first one as `first_report`."""
    rows = rows.drop("text", "sha256").with_columns(first_report=pl.col("filed_at").min().over("company_id"))
    return rows.sort("filed_at", "accession").unique("company_id", keep="last", maintain_order=True)


def _stamps(folder: Path) -> tuple[tuple[str, int], ...]:
    """Return names and modification times (ns) of all files in a folder."""
    return tuple(sorted((str(file), file.stat().st_mtime_ns) for file in folder.rglob("*")))


@lru_cache(maxsize=1)
def _sample(folder: Path, stamps: tuple[tuple[str, int], ...]) -> pl.DataFrame:
    """Read the bundled companies; filed 60 days after the fiscal year end, where that is in 2003-04 to 2004-03.

    Remembered while no file of it changes: a plan asks for it four times.
    """
    rows = []
    for company in pl.read_csv(folder / "companies.csv", infer_schema_length=0).iter_rows(named=True):
        text = (folder / "descriptions" / f"{company['ticker']}.txt").read_text(encoding="utf-8")
        month, day = (int(part) for part in company["fiscal_year_end"].split("-"))
        ends = (date(year, month, day) for year in (2002, 2003))
        period = next(end for end in ends if end + FILING_LAG >= FIRST_SAMPLE_FILING)
        rows.append(company | {"text": text, "period": period, "filed_at": period + FILING_LAG})
    return _finish(pl.DataFrame(rows), "sample")


@lru_cache(maxsize=4)
def _parquet(settings: Descriptions, stamp: int) -> pl.DataFrame:
    path = settings.path
    if path is None or not path.is_file():
        raise ProfileError(f"descriptions.path: no such file: {path}")
    try:
        raw = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ProfileError(f"descriptions.path: {path} is not a Parquet file that can be read: {error}") from error
    mapping = {name: column for name, column in settings.columns.model_dump().items() if column}
    for name, column in mapping.items():
        if column not in raw.columns:
            raise ProfileError(
                f"descriptions.columns.{name}: {column!r} is not a column of {path}; it has {', '.join(raw.columns)}"
            )
    rows = raw.select(pl.col(column).alias(name) for name, column in mapping.items())
    if settings.columns.filed_at is None:
        rows = rows.with_columns(filed_at=pl.lit(settings.filed_at, pl.Date))
    day = pl.col("filed_at")
    try:
        rows = rows.with_columns(day.str.to_date() if rows["filed_at"].dtype == pl.String else day.cast(pl.Date))
    except pl.exceptions.PolarsError as error:
        where = f"descriptions.columns.filed_at: {mapping.get('filed_at')!r} of {path}"
        raise ProfileError(f"{where} holds {rows['filed_at'].dtype}, not dates; convert it") from error
    return _finish(rows, "parquet")


def _finish(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Add identifiers and hashes, fill what the source does not tell, and refuse what cannot be keyed."""
    if rows.is_empty():
        raise ProfileError("descriptions: no rows; give at least one company with a text")
    absent = [c for c in ("cik", "sic", "sector", "industry", "exchange", "fiscal_year_end") if c not in rows.columns]
    rows = rows.with_columns(pl.lit(None, pl.String).alias(c) for c in absent)
    if "period" not in rows.columns:
        rows = rows.with_columns(period=pl.lit(None, pl.Date))
    for column in ("ticker", "filed_at"):
        if rows[column].null_count():
            raise ProfileError(f"descriptions: {rows[column].null_count()} rows without {column}; fill or drop them")
    year, given = pl.col("filed_at").dt.year().cast(pl.String), rows["sic"]
    rows = rows.with_columns(
        pl.col("text").fill_null(""),
        pl.col("name").fill_null(pl.col("ticker")),
        cik=_digits(rows["cik"], 10),
        sic=_digits(rows["sic"], 4),
        form=pl.lit("10-K" if source == "sample" else "description"),
        accession=pl.concat_str(pl.lit(source), "ticker", year, separator="-"),
    ).with_columns(
        company_id=pl.col("cik").fill_null(pl.concat_str(pl.lit("ticker:"), "ticker")),
        sha256=pl.col("text").map_elements(text_digest, return_dtype=pl.String),
    )
    _check_sic(rows, given)
    if (twice := rows.filter(pl.struct("company_id", "filed_at").is_duplicated())).height:
        raise ProfileError(f"descriptions: {twice['ticker'][0]!r} has two texts of {twice['filed_at'][0]}; keep one")
    if (twice := rows.filter(pl.col("accession").is_duplicated())).height:
        raise ProfileError(f"descriptions: {twice['ticker'][0]!r} has two texts in one year; keep the later one")
    return rows.select(list(COLUMNS)).sort("accession")


def _check_sic(rows: pl.DataFrame, given: pl.Series) -> None:
    """Refuse what is not a SIC code before anything runs; `given` is the column as it was."""
    wrong = (~rows["sic"].str.contains(r"^[0-9]{4}$")).fill_null(False)
    if wrong.any():
        first = int(wrong.arg_max() or 0)
        what = f"descriptions.columns.sic: {rows['ticker'][first]!r} has {given[first]!r}, which is not a SIC code"
        raise ProfileError(f"{what}; give three or four digits, or leave it empty where it is not known")


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _digits(codes: pl.Series, width: int) -> pl.Series:
    """Return codes as text with leading zeros, null where there is none; floats are integers beside missing values."""
    if codes.dtype.is_float():
        codes = codes.fill_nan(None).cast(pl.Int64)
    text = codes.cast(pl.String).str.strip_chars()
    return text.set(text == "", None).str.zfill(width)
