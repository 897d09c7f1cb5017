"""What is asked of a finished warehouse in the terminal: peers, why, hedge, sql."""

import difflib
import shlex
from collections.abc import Callable, Iterator, Sequence

import duckdb
import polars as pl
from rich.console import Console

from assets.outputs import FILE
from pipelines.failures import RefusedError
from pipelines.read_only import quoted, restrict
from pipelines.report import print_banner
from resources.environment import asked_profile
from resources.lake.lake import Lake, partition_of
from resources.lake.superseded import REFERENCES
from resources.values.excerpt import excerpt

DAYS = (-719_162, 2_932_896)
"""Days from 1970 to the first and the last that Python has, of the years 1 and 9999."""
MILLISECONDS = 86_400_000
"""Of a day."""
Ask = Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation | None]


def refresh_command(profile: str | None) -> str:
    """Return the command that refreshes a profile, named as it was asked for."""
    return f"`peerlens refresh --profile {shlex.quote(asked_profile(profile))}`"


def open_warehouse(lake: Lake, profile: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open the lake's DuckDB file read-only; nothing but the lake's tables can be read through it.

    Parameters
    ----------
    lake : Lake
        Whose warehouse it is.
    profile : str, optional
        How the profile was asked for, for messages; by default by its environment variable, else the sample.

    Raises
    ------
    RefusedError
        There is none yet, it or a table that it names is damaged, or another program has it open for writing.
    """
    file, remedy = lake.root / FILE, f"run {refresh_command(profile)}"
    if not file.exists():
        raise RefusedError(f"no warehouse in {lake.root}; {remedy} first")
    _check_whole(lake, remedy)
    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise RefusedError(f"{file}: another program has it open for writing; open it read-only there") from error
        # Removed, since a refresh takes a file of the same size and time for whole.
        raise RefusedError(f"{file}: damaged ({_first_line(error)}); remove it and {remedy}") from error
    # DuckDB cuts the path that sql/macros/lake_files.sql goes by at a question mark.
    connection.execute(f"set variable peerlens_lake = {quoted(str(lake.root))}")
    restrict(connection, [lake.root / folder for folder in lake.references()])
    return connection


def _check_whole(lake: Lake, remedy: str) -> None:
    """Refuse to answer from a DuckDB file or a table with other bytes than were written; sizes and times tell."""
    for name in {FILE, REFERENCES} & {*lake.damage("warehouse", None)}:
        raise RefusedError(f"{lake.root / name}: damaged, not what was written; {remedy}")
    for folder in sorted(lake.references()):
        asset, partition, name = folder.split("/")
        key = partition_of(partition)
        known = lake.read_manifest(asset, key)
        harmed = lake.damage(asset, key) if known and known.folder == name else []
        for file in harmed:
            if known and file.split("/")[0] in known.tables:
                raise RefusedError(f"{lake.folder(known) / file}: not what was written; {remedy}")


def answer(lake: Lake, ask: Ask, companies: Sequence[str], errors: Console, profile: str | None = None) -> pl.DataFrame:
    """Return what a question finds; the banner goes to `errors` before it.

    Parameters
    ----------
    lake : Lake
        Whose warehouse is asked.
    ask : callable
        The question.
    companies : sequence of str
        Tickers or ids that it names.
    errors : Console
        Standard error.
    profile : str, optional
        As `open_warehouse` takes it.

    Raises
    ------
    RefusedError
        There is no warehouse, a table is gone or damaged, a company is not in it, or the statement is wrong or has no
        rows.
    """
    with open_warehouse(lake, profile) as connection:
        try:
            for company in companies:
                _check_known(company, connection, lake.root.name)
            found = ask(connection)
            rows: pl.DataFrame | None = found.pl() if found is not None else None
            print_banner(connection, errors)
        except duckdb.Error as error:
            raise _refusal(error, lake, profile) from error
    if rows is None:
        raise RefusedError("sql: a statement without rows; ask with select or from")
    _check_days(rows)
    return rows


def _check_days(rows: pl.DataFrame) -> None:
    """Refuse days that Python has none for, as infinity, before polars panics over them."""
    for column in rows:
        if not all(days.drop_nulls().is_between(*DAYS).all() for days in _days_of(column)):
            shown = excerpt(column.name)
            raise RefusedError(f"sql: column {shown} holds a day outside of the years 1 to 9999; cast it to varchar")


def _days_of(column: pl.Series) -> Iterator[pl.Series]:
    """Yield the days of a column, also those inside lists and structs, as days since 1970."""
    if column.dtype == pl.Date:
        yield column.to_physical()
    elif isinstance(column.dtype, pl.Datetime):
        yield column.dt.cast_time_unit("ms").to_physical() // MILLISECONDS
    elif isinstance(column.dtype, pl.Map):
        entries = pl.Struct({"key": column.dtype.key, "value": column.dtype.value})
        yield from _days_of(column.cast(pl.List(entries)))
    elif isinstance(column.dtype, pl.List | pl.Array):
        yield from _days_of(column.explode())
    elif isinstance(column.dtype, pl.Struct):
        for field in column.struct.unnest():
            yield from _days_of(field)


def _refusal(error: duckdb.Error, lake: Lake, profile: str | None) -> RefusedError:
    what = _first_line(error)
    if isinstance(error, duckdb.PermissionException):  # what `restrict` forbids
        return RefusedError(f"sql: {what}; only the tables that `peerlens sql 'show tables'` lists can be read")
    if str(lake.root) in str(error):
        return RefusedError(f"a table is gone or damaged ({what}); run {refresh_command(profile)}")
    if isinstance(error, duckdb.InvalidInputException):  # what `error()` in a macro says
        return RefusedError(what.removeprefix("Invalid Input Error: "))
    return RefusedError(f"sql: {what}; `peerlens sql 'show tables'` lists what there is")


def _first_line(error: duckdb.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".!")


def _check_known(company: str, connection: duckdb.DuckDBPyConnection, profile: str) -> None:
    tickers, ids = connection.view("tickers").pl()["ticker"], connection.view("companies").pl()["company_id"]
    known = sorted({*tickers, *ids})
    if company.upper() in known or company in known:
        return
    near = difflib.get_close_matches(company.upper(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`peerlens sql 'from tickers'` lists them"
    raise RefusedError(f"{company!r} is not a company of profile {profile}; {hint}")
