"""Small tables of companies, the profiles that read them, and what is read."""

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from resources.settings.descriptions import DescriptionColumns, Descriptions
from resources.settings.profile import Profile
from resources.universe.table_source import read_universe

MAPPED = ("ticker", "name", "cik", "sic", "sector", "industry", "exchange", "filed_at")


def table(file: Path, rows: int = 1, **columns: object) -> Profile:
    """Write companies KO, T1, T2, ... with the columns given instead, as polars or Arrow makes them; the profile."""
    told: dict[str, object] = {
        "ticker": ["KO", *(f"T{n}" for n in range(1, rows))],
        "name": [f"Firm {n}" for n in range(rows)],
        "text": [f"We make things and sell them. {n}" for n in range(rows)],
    }
    told |= columns
    made = [value if isinstance(value, pa.Array) else _arrow(value) for value in told.values()]
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(made, names=list(told)), file)
    return profile(file, *told)


def profile(file: Path, *columns: str) -> Profile:
    """The profile of a table, with the columns that mean what they are called."""
    mapped = DescriptionColumns(**{name: name for name in columns if name in MAPPED}, text="text")
    fixed = None if "filed_at" in columns else date(2004, 3, 1)
    return Profile(name="own", descriptions=Descriptions(source="parquet", path=file, columns=mapped, filed_at=fixed))


def read(folder: Path, name: str, *values: object, **columns: object) -> list[object]:
    """What a column is read as, in the order of the rows."""
    written = values[0] if len(values) == 1 and isinstance(values[0], pa.Array | pl.Series) else list(values)
    order = [f"place {n}" for n in range(len(written))]
    profile = table(folder / "own.parquet", len(written), exchange=order, **({name: written} | columns))
    return read_universe(profile).sort("exchange")["company_id" if name == "cik" else name].to_list()


def _arrow(value: object) -> pa.Array:
    series = value if isinstance(value, pl.Series) else pl.Series(value)  # type: ignore[call-overload]
    made = series.to_arrow()
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
