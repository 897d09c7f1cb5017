"""Files of annual reports, on this disk or on the hub: which of them a year needs, and the rows in them."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from resources.lake.digests import digest_of
from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.values.columns import is_number, is_text, text_of
from resources.values.excerpt import abbreviated, excerpt, one_line
from resources.values.parquet_file import ParquetError, scan_parquet
from resources.values.paths import is_file, is_folder

if TYPE_CHECKING:
    from resources.network.hub import HubFolder

SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz")
PLACE = "peerlens row number"
"""Column with the row or line of the file, from 1."""
ROW_NUMBER = "__index_level_0__"
"""What pandas calls a nameless index; it must never stand for a company."""
YEAR = re.compile(r"(?:19|20)[0-9]{2}")
YEAR_NAME = re.compile(rf"(?:year[_=-])?({YEAR.pattern})")


JSON_NAMES = {dict: "an object", list: "a list of lists", bool: "true or false"}


@dataclass(frozen=True)
class CorpusFile:
    """A file, and how people know it."""

    path: Path
    where: str

    @property
    def unit(self) -> str:
        """What its rows are counted in, from 1."""
        return "row" if self.path.name.endswith(".parquet") else "line"


def corpus_files(settings: Descriptions, years: Collection[int], cache: Path) -> list[CorpusFile]:
    """Return the files that may hold reports of these fiscal years, sorted; those on the hub are downloaded to `cache`.

    In a folder, files under the name of another year (`2003`, `year_2003`) are left out, and so is the folder `full`
    beside such names, for it repeats them.

    Raises
    ------
    ProfileError
        No such file or folder, no file in it that can be read, or the hub refuses.
    """
    if settings.hub is None:
        root, names = _local(settings, years)
        return [CorpusFile(root / name, f"descriptions.path: {root / name}") for name in names]
    hub = _hub(settings.hub, cache)
    names = _needed(_readable(hub.names(), f"descriptions.hub: {settings.hub}"), years)
    paths = zip(hub.download(names), names, strict=True)
    return [CorpusFile(path, f"descriptions.hub: {settings.hub}: {name}") for path, name in paths]


def files_fingerprint(settings: Descriptions, years: Collection[int], cache: Path) -> str:
    """Return what changes with the files of these years: the hub's commit, or a digest of names, sizes and times."""
    if settings.hub is not None:
        return _hub(settings.hub, cache).commit
    root, names = _local(settings, years)
    states = [(name, (root / name).stat()) for name in names]
    return digest_of([[name, state.st_size, state.st_mtime_ns] for name, state in states])


def _hub(address: str, cache: Path) -> "HubFolder":
    # Inside: the hub's library is 130 modules, and no other source of companies needs them.
    from resources.network.hub import HubFolder  # noqa: PLC0415

    return HubFolder(address, cache)


def _local(settings: Descriptions, years: Collection[int]) -> tuple[Path, list[str]]:
    """Return a folder and the names in it that are needed; a file that the profile names is, whatever its name."""
    root, where = settings.path, f"descriptions.path: {settings.path}"
    if root is None or not (is_file(root) or is_folder(root)):
        raise ProfileError(f"{where}: no such file or folder")
    if is_file(root):
        return root.parent, _readable([root.name], where)
    names = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())
    return root, _needed(_readable(names, where), years)


def _readable(names: Sequence[str], where: str) -> list[str]:
    found = [name for name in names if name.endswith(SUFFIXES) and not any(p.startswith(".") for p in name.split("/"))]
    if not found:
        ends = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise ProfileError(f"{where}: no {ends} file there ({len(names)} others); give the folder or file that is one")
    return found


def _needed(names: Sequence[str], years: Collection[int]) -> list[str]:
    dated = {name: _year_named(name) for name in names}
    by_year = any(dated.values())
    return [n for n, year in dated.items() if (year in years if year else not (by_year and n.startswith("full/")))]


def _year_named(name: str) -> int | None:
    """Return the year that a folder on the way, or the file without its suffixes, is named after."""
    *folders, file = name.split("/")
    found = (YEAR_NAME.fullmatch(part) for part in (*folders, file.partition(".")[0]))
    return next((int(match[1]) for match in found if match), None)


def read_rows(
    file: CorpusFile, columns: Sequence[str], years: Collection[int], progress: Callable[[int], None]
) -> tuple[pl.DataFrame, set[int]]:
    """Read the rows of some fiscal years, and all fiscal years in the file.

    `year` is an integer, PLACE the row or line, the other columns are text; of a list it is the first
    entry. Of Parquet only these columns are read, and JSON one line at a time.

    Parameters
    ----------
    file : CorpusFile
    columns : sequence of str
        `year` among them.
    years : collection of int
        What `year` may be.
    progress : callable
        Told how many more rows of the file have been looked at.

    Raises
    ------
    ProfileError
        The file cannot be read, lacks a column, or holds a year that is none.
    """
    read = _parquet_rows if file.path.name.endswith(".parquet") else _json_rows
    return read(file, columns, years, progress)


def _parquet_rows(
    file: CorpusFile, columns: Sequence[str], years: Collection[int], progress: Callable[[int], None]
) -> tuple[pl.DataFrame, set[int]]:
    try:
        scan = scan_parquet(file.path, columns)
        types = scan.collect_schema()
        _check_columns(columns, types.names(), file.where)
        year = _as_text("year", types["year"], file.where)
        found = scan.select(year).collect()["year"]
        wanted = year.is_in([str(one) for one in years])
        rows = scan.filter(wanted).select(_as_text(name, types[name], file.where) for name in columns).collect()
    except (pl.exceptions.PolarsError, ParquetError, OSError) as error:
        said = one_line(error)
        raise ProfileError(f"{file.where}: not a Parquet file that can be read ({said}); get it again") from error
    if (odd := ~found.str.contains(rf"^{YEAR.pattern}$").fill_null(False)).any():
        row = int(odd.arg_max() or 0)
        such = f"({odd.sum()} such row{'s' * (int(odd.sum()) > 1)})"
        raise ProfileError(
            f"{file.where}, row {row + 1}, column year: {excerpt(found[row])}: not a year; drop it {such}"
        )
    progress(len(found))
    places = found.is_in([str(one) for one in years]).arg_true() + 1
    return rows.with_columns(places.cast(pl.Int64).alias(PLACE), pl.col("year").cast(pl.Int32)), set(
        found.cast(pl.Int32)
    )


def _as_text(name: str, type: pl.DataType, where: str) -> pl.Expr:
    column = pl.col(name)
    if isinstance(type, pl.List):
        column, type = column.list.first(), type.inner  # type: ignore[assignment]
    if not (is_text(type) or is_number(type)):
        raise ProfileError(f"{where}: column {name} holds {excerpt(type)}, expected text or whole numbers; convert it")
    text = text_of(column, type)
    return text.str.strip_chars().alias(name) if name == "year" else text.alias(name)


def _json_rows(
    file: CorpusFile, columns: Sequence[str], years: Collection[int], progress: Callable[[int], None]
) -> tuple[pl.DataFrame, set[int]]:
    kept: list[dict[str, Any]] = []
    seen: set[int] = set()
    for number, line in _lines(file):
        where = f"{file.where}, line {number}"
        row = _json_object(line, columns, where)
        year = _text(row["year"], f"{where}, column year") or ""
        if not YEAR.fullmatch(year):
            raise ProfileError(f"{where}: column year: {excerpt(year)}: not a year; correct or drop the line")
        seen.add(int(year))
        if int(year) in years:
            kept.append({PLACE: number} | {name: _text(row[name], f"{where}, column {name}") for name in columns})
        progress(1)
    rows = pl.DataFrame(kept, schema={PLACE: pl.Int64} | dict.fromkeys(columns, pl.String))
    return rows.with_columns(pl.col("year").cast(pl.Int32)), seen


def _lines(file: CorpusFile) -> Iterator[tuple[int, bytes]]:
    """Yield the number of each line that is not blank, and the line."""
    try:
        with gzip.open(file.path) if file.path.name.endswith(".gz") else file.path.open("rb") as stream:
            yield from ((n, line) for n, line in enumerate(stream, 1) if line.strip())
    except (OSError, EOFError, zlib.error) as error:
        raise ProfileError(f"{file.where}: cannot be read to its end ({error}); get it again") from error


def _json_object(line: bytes, columns: Sequence[str], where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{where}: not JSON ({one_line(error)}); get the file again") from error
    if not isinstance(row, dict):
        raise ProfileError(f"{where}: expected an object with {', '.join(columns)}, found {type(row).__name__}")
    _check_columns(columns, row, where)
    return row


def _text(value: Any, where: str) -> str | None:
    """Return a JSON value as text; half a surrogate pair, which no file can hold, becomes a question mark."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dict | list | bool):
        raise ProfileError(f"{where} holds {JSON_NAMES[type(value)]}, expected text or a number")
    return None if value is None else str(value).encode("utf-8", "replace").decode()


def _check_columns(wanted: Sequence[str], found: Collection[str], where: str) -> None:
    for column in wanted:
        if column not in found:
            hint = f"; {ROW_NUMBER} numbers filings, not companies" if ROW_NUMBER in found else ""
            raise ProfileError(f"{where}: no column {column!r}; it has {abbreviated(found) or 'none'}{hint}; add it")
