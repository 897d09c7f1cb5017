"""What is asked of a finished warehouse in the terminal: peers, why, sql."""

import difflib
from collections.abc import Callable, Sequence

import duckdb
import polars as pl
from rich.console import Console

from pipelines.failures import RefusedError
from pipelines.report import print_banner
from resources.lake.lake import Lake

Ask = Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation | None]


def open_warehouse(lake: Lake) -> duckdb.DuckDBPyConnection:
    """Open the lake's DuckDB file read-only.

    Raises
    ------
    RefusedError
        There is none yet.
    """
    known = lake.manifest("warehouse", None)
    if known is None:
        raise RefusedError(f"no warehouse in {lake.root}; run `peerlens refresh --profile {lake.root.name}` first")
    return duckdb.connect(str(lake.folder(known) / "peerlens.duckdb"), read_only=True)


def answer(lake: Lake, ask: Ask, companies: Sequence[str], errors: Console) -> pl.DataFrame:
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

    Raises
    ------
    RefusedError
        There is no warehouse, a company is not in it, or the statement is wrong or has no rows.
    """
    with open_warehouse(lake) as connection:
        for company in companies:
            _check_known(company, connection, lake.root.name)
        try:
            found = ask(connection)
            rows: pl.DataFrame | None = found.pl() if found is not None else None
        except duckdb.Error as error:
            what = str(error).splitlines()[0].rstrip(".!")
            raise RefusedError(f"sql: {what}; `peerlens sql 'show tables'` lists what there is") from error
        print_banner(connection, errors)
    if rows is None:
        raise RefusedError("sql: a statement without rows; ask with select or from")
    return rows


def _check_known(company: str, connection: duckdb.DuckDBPyConnection, profile: str) -> None:
    tickers, ids = connection.view("tickers").pl()["ticker"], connection.view("companies").pl()["company_id"]
    known = sorted({*tickers, *ids})
    if company.upper() in known or company in known:
        return
    near = difflib.get_close_matches(company.upper(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`peerlens sql 'from tickers'` lists them"
    raise RefusedError(f"{company!r} is not a company of profile {profile}; {hint}")
