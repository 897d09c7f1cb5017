"""The bundled sample as filings: its companies, and what each is said to have filed."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import polars as pl

from resources.settings.profile import ProfileError
from resources.universe.filing_rows import COLUMNS, filing_rows, text_digest
from resources.universe.table_file import ROW
from resources.values.kinds import KINDS

FILING_LAG = timedelta(days=60)
FIRST_YEAR = 2003
"""Fiscal year of the texts without one in their name."""


def sample_filings(folder: Path) -> pl.DataFrame:
    """Return the filings of the sample, with COLUMNS, by accession; each is filed 60 days after its fiscal year end.

    Parameters
    ----------
    folder : Path
        Has `companies.csv`, `descriptions/KO.txt` of fiscal year 2003, and of some companies later texts, as
        `descriptions/KO-2009.txt`; fiscal year 2009 ends between February of that year and the next January.
        `names.csv` has the names of companies that were called otherwise by then.
    """
    return _read(folder, _stamps(folder))


def _stamps(folder: Path) -> tuple[tuple[str, int], ...]:
    """Return names and modification times (ns) of all files in a folder."""
    return tuple(sorted((str(file), file.stat().st_mtime_ns) for file in folder.rglob("*")))


@lru_cache(maxsize=1)
def _read(folder: Path, stamps: tuple[tuple[str, int], ...]) -> pl.DataFrame:
    """Read the files; remembered while none changes: a plan asks for them four times."""
    names: dict[tuple[str, int], str] = {
        (ticker, int(year)): name for ticker, year, name in _csv(folder / "names.csv").iter_rows()
    }
    rows = [
        company | filing | {"name": names.get((company["ticker"], year), company["name"])}
        for company in _csv(folder / "companies.csv").iter_rows(named=True)
        for year, filing in _filings(folder / "descriptions", company["ticker"], company["fiscal_year_end"])
    ]
    read = (
        pl.DataFrame(rows)
        .with_row_index(ROW, 1)
        .with_columns(pl.col(name).pipe(kind.read) for name, kind in KINDS.items() if name in rows[0])
    )
    told = read.with_columns(sha256=pl.col("text").map_elements(text_digest, return_dtype=pl.String))
    return filing_rows(told, "sample", _broken).select(list(COLUMNS))


def _csv(file: Path) -> pl.DataFrame:
    return pl.read_csv(file, infer_schema_length=0, glob=False)


def _filings(folder: Path, ticker: str, year_end: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield every filing of a company: its fiscal year; text, period and day."""
    month, day = map(int, year_end.split("-"))
    for file in (folder / f"{ticker}.txt", *sorted(folder.glob(f"{ticker}-*.txt"))):
        year = int(file.stem.removeprefix(f"{ticker}-")) if "-" in file.stem else FIRST_YEAR
        period = date(year + (month == 1), month, day)
        yield year, {"text": file.read_text(encoding="utf-8"), "period": period, "filed_at": period + FILING_LAG}


def _broken(row: int, name: str, problem: str, count: int) -> ProfileError:
    return ProfileError(f"the bundled sample: row {row}, {name}: {problem}")
