"""`peerlens`: refresh, ingest, status, peers, why, sql. Tables on standard output, errors on standard error.

Exit status: 0 done, 1 the run failed, 2 wrong use or settings, 3 another refresh holds the lake.
"""

import logging
import sys
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console

from pipelines.failures import INTERRUPTED, RefusedError, RunFailedError, exit_status, one_line
from resources.environment import home, open_lake, open_profile, prepare_dagster
from resources.lake.progress import beside_bars
from resources.lake.recipe import Graph
from resources.places import PROFILES
from resources.settings.profile import Profile

app = typer.Typer(add_completion=False, suggest_commands=False, pretty_exceptions_enable=False, help=__doc__)
errors = Console(stderr=True, soft_wrap=True, highlight=False)

ProfileOption = Annotated[
    str | None, typer.Option("--profile", "-p", help="A bundled profile or the path of your own .yaml.")
]
REASONS_SHOWN = 10
AllOption = Annotated[
    bool,
    typer.Option(
        "--all", help="Ask again: EDGAR about past quarters and what it refused, Yahoo for whole price histories."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


class _TerminalLines(logging.Handler):
    """Prints a line for every body as soon as it ran, and what it says meanwhile, above its progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        with beside_bars():
            errors.print(f"  {record.getMessage()}", markup=False)


@app.command()
def refresh(
    profile: ProfileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name what would run and why; run nothing.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Print peers, scoreboard and backtest at the end.")] = False,
    everything: AllOption = False,
) -> None:
    """Bring every artefact up to date; what did not change is not made again."""
    from pipelines.preflight import preflight
    from resources.market import forget_prices
    from resources.universe.edgar_source import forget_answers

    settings = open_profile(profile)
    lake = open_lake(settings)
    preflight(settings, lake, date.today())
    if everything and dry_run:
        raise RefusedError("--all asks EDGAR and Yahoo, --dry-run asks nobody; leave one of them out")
    if everything:
        forget_answers(home())
        forget_prices(home())
    if dry_run:
        _dry_run(settings)
    else:
        _refresh(settings)
    if report:
        print_report(settings)


def _dry_run(settings: Profile) -> None:
    from pipelines.graph import open_graph
    from pipelines.refresh import plan

    named = plan(open_graph(settings, date.today()), open_lake(settings))
    for body in named:
        typer.echo(f"{body.label}: {body.why}")
    errors.print(f"{len(named)} bodies would run" if named else "everything is up to date")


@app.command()
def ingest(
    first: Annotated[str | None, typer.Option("--from", help="First month of filing, as in 2020-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month of filing.")] = None,
    universe: Annotated[
        str | None, typer.Option("--universe", help="A file with one ticker or CIK a line, or `all`.")
    ] = None,
    identity: Annotated[
        str | None, typer.Option("--identity", help='Who asks the SEC: "Jane Doe jane@example.com".')
    ] = None,
    profile: ProfileOption = "edgar",
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring annual reports in from EDGAR and cut Item 1 out of them; what was fetched once is never fetched again."""
    from pipelines.graph import open_graph
    from pipelines.ingest import ingest_graph, ingest_profile, ingest_summary, rejection_reasons
    from pipelines.preflight import preflight_edgar
    from pipelines.report import print_table
    from resources.universe.edgar_source import forget_answers

    settings = ingest_profile(open_profile(profile), first, last, universe, identity, date.today())
    lake = open_lake(settings)
    preflight_edgar(settings, date.today())
    if everything:
        forget_answers(home())
    graph = ingest_graph(open_graph(settings, date.today()))
    _refresh(settings, graph)
    print_table(ingest_summary(graph, lake), Console(), as_json)
    reasons = rejection_reasons(graph, lake)
    for reason, count in reasons.head(REASONS_SHOWN).rows():
        errors.print(f"  {count:5} without a text: {reason}", markup=False)
    if reasons.height > REASONS_SHOWN:
        errors.print(f"  and {reasons.height - REASONS_SHOWN} rarer reasons; all are in descriptions_rejected")


def _refresh(settings: Profile, part: Graph | None = None) -> None:
    """Walk the graph, or a part of it."""
    prepare_dagster()
    import dagster as dg

    from pipelines.code_location import build_defs
    from pipelines.graph import open_graph
    from pipelines.launch import dagster_launch
    from pipelines.refresh import refresh as run

    defs, lake = build_defs(settings, date.today(), home()), open_lake(settings)
    graph = part or open_graph(settings, date.today())
    logging.getLogger("peerlens").addHandler(_TerminalLines())
    logging.getLogger("peerlens").setLevel(logging.INFO)
    with dg.DagsterInstance.get() as instance:
        launch = dagster_launch(list(defs.assets or []), dict(defs.resources or {}), instance)  # type: ignore[arg-type]
        try:
            made = run(graph, lake, launch)
        except RunFailedError as error:
            log = lake.root / "failure.log"
            log.write_text(error.story, encoding="utf-8")
            raise RunFailedError(f"{error}; details: {log}", error.story) from error
    errors.print(f"{len(made)} bodies executed" if made else "everything is up to date, nothing executed")


@app.command()
def status(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Every artefact: rows, when it was made, and why it would be made again."""
    from pipelines.report import print_table
    from pipelines.status import status_table

    print_table(status_table(open_profile(profile)), Console(), as_json)


@app.command()
def profiles() -> None:
    """List the bundled profiles."""
    for file in sorted(PROFILES.glob("*.yaml")):
        typer.echo(f"{file.stem:10} {file}")


@app.command()
def peers(
    company: Annotated[str, typer.Argument(help="Ticker or company_id.")],
    count: Annotated[int, typer.Option("-n", help="How many.")] = 10,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """The nearest companies by latent cosine, and what makes them so."""
    _ask(profile, lambda c: c.table_function("peers", [company, count]), [company], as_json)


@app.command()
def why(company: str, other: str, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """The latents that add up to the similarity of two companies, with a phrase of each."""
    rows = _ask(profile, lambda c: c.table_function("why_peers", [company, other]), [company, other], as_json)
    if not as_json:
        typer.echo(f"the contributions add up to the cosine, {rows['contribution'].sum():.3f}")


@app.command()
def sql(query: str, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Ask the DuckDB warehouse anything, read-only."""
    _ask(profile, lambda c: c.sql(query), [], as_json)


def _ask(profile: str | None, ask: Callable[[Any], Any], companies: list[str], as_json: bool) -> Any:
    """Print what a question finds, the banner on standard error before it; returns the rows."""
    import duckdb

    from pipelines.report import print_banner, print_table

    settings = open_profile(profile)
    with open_warehouse(settings) as connection:
        for company in companies:
            _known(company, connection, settings)
        try:
            found = ask(connection)
            rows = found.pl() if found is not None else None
        except duckdb.Error as error:
            what = str(error).splitlines()[0].rstrip(".!")
            raise RefusedError(f"sql: {what}; `peerlens sql 'show tables'` lists what there is") from error
        print_banner(connection, errors)
    if rows is None:
        raise RefusedError("sql: a statement without rows; ask with select or from")
    print_table(rows, Console(), as_json)
    return rows


def _known(company: str, connection: Any, settings: Profile) -> None:
    import difflib

    known = sorted({name for table in ("tickers", "companies") for name in _names(connection, table)})
    if company.upper() in known or company in known:
        return
    near = difflib.get_close_matches(company.upper(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`peerlens sql 'from tickers'` lists them"
    raise RefusedError(f"{company!r} is not a company of profile {settings.name}; {hint}")


def _names(connection: Any, table: str) -> list[str]:
    names: list[str] = connection.view(table).pl()["ticker" if table == "tickers" else "company_id"].to_list()
    return names


def open_warehouse(settings: Profile) -> Any:
    """Open the profile's DuckDB file read-only."""
    import duckdb

    lake = open_lake(settings)
    known = lake.manifest("warehouse", None)
    if known is None:
        raise RefusedError(f"no warehouse in {lake.root}; run `peerlens refresh --profile {settings.name}` first")
    return duckdb.connect(str(lake.folder(known) / "peerlens.duckdb"), read_only=True)


def print_report(settings: Profile) -> None:
    """What `make demo` prints at its end."""
    from pipelines.report import report

    with open_warehouse(settings) as connection:
        report(connection, Console())


def main() -> None:
    """Entry point: the exit status says how it went."""
    sys.exit(_run(sys.argv[1:] or ["--help"]))


def _run(arguments: list[str]) -> int:
    """Errors that people can act on become one line; a bug keeps its traceback."""
    try:
        status = app(arguments, standalone_mode=False)
        if status == INTERRUPTED:  # typer returns it for Ctrl-C
            raise KeyboardInterrupt
    except BaseException as error:
        status = exit_status(error)
        if status is None:
            raise
        errors.print(f"peerlens: {one_line(error)}", style="red", markup=False)
    return int(status or 0)
