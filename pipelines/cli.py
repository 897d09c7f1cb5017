"""`peerlens`: plan, refresh, ingest, status, ui, peers, why, evidence, themes, hedge, network, sql.

Tables go to standard output, errors to standard error.

Exit status: 0 done, 1 the run failed, 2 wrong use or settings, 3 another refresh holds the lake.
"""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console

from pipelines.ask import questions
from pipelines.command_line import JsonOption, ProfileOption, errors
from pipelines.failures import INTERRUPTED, RefusedError, exit_status, one_line
from resources.clock import local_day
from resources.environment import open_lake, open_profile, profile_file
from resources.lake.lake import Lake
from resources.lake.recipe import Graph
from resources.places import PROFILES
from resources.settings.profile import Profile

app = typer.Typer(add_completion=False, suggest_commands=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(questions)

REASONS_SHOWN = 10
AllOption = Annotated[
    bool,
    typer.Option(
        "--all", help="Ask again: EDGAR about past quarters and what it refused, Yahoo for whole price histories."
    ),
]


@app.command()
def refresh(
    profile: ProfileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name what would run and why; run nothing.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Print peers, scoreboard and backtest at the end.")] = False,
    everything: AllOption = False,
) -> None:
    """Bring every artefact up to date; what did not change is not made again."""
    from pipelines.preflight import preflight

    settings, today = open_profile(profile), local_day()
    lake = open_lake(settings)
    preflight(settings, lake, today)
    if everything and dry_run:
        raise RefusedError("--all asks EDGAR and Yahoo, --dry-run asks nobody; leave one of them out")
    if everything:
        lake.sources.forget(settings)
    if dry_run:
        _dry_run(settings, lake, today)
    else:
        _refresh(settings, lake, today)
    if report:
        _report(lake, profile)


def _dry_run(settings: Profile, lake: Lake, today: date) -> None:
    from pipelines import refresh
    from pipelines.graph import open_graph

    named = refresh.plan(open_graph(settings, today), lake)
    for body in named:
        typer.echo(f"{body.label}: {body.why}")
    errors.print(f"{len(named)} bodies would run" if named else "everything is up to date")


def _refresh(settings: Profile, lake: Lake, today: date, part: Callable[[Graph], Graph] = lambda graph: graph) -> Graph:
    """Bring the graph, or a part of it, up to date; returns what was walked."""
    from pipelines.dagster_state import prepare_state
    from pipelines.graph import open_graph
    from pipelines.terminal_run import run_refresh

    prepare_state(lambda line: errors.print(line, markup=False))

    graph = part(open_graph(settings, today))
    made = run_refresh(graph, lake, today, errors)
    errors.print(f"{made} bodies executed" if made else "everything is up to date, nothing executed")
    return graph


def _report(lake: Lake, profile: str | None) -> None:
    """Print what `make demo` prints at its end."""
    from pipelines.questions import open_warehouse
    from pipelines.report import report

    with open_warehouse(lake, profile) as connection:
        report(connection, Console())


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
    from pipelines.ingest import ingest_graph, ingest_profile, ingest_summary, rejection_reasons
    from pipelines.report import print_table

    today = local_day()
    settings = ingest_profile(open_profile(profile), first, last, universe, identity, today)
    lake = open_lake(settings)
    source = lake.sources.universe(settings)
    source.preflight(today)
    if everything:
        source.forget()
    graph = _refresh(settings, lake, today, ingest_graph)
    print_table(ingest_summary(graph, lake), Console(), as_json)
    _print_reasons(rejection_reasons(graph, lake).rows())


def _print_reasons(reasons: Sequence[tuple[Any, ...]]) -> None:
    """Print the commonest reasons for having no text on standard error, each with how many filings have it."""
    for reason, count in reasons[:REASONS_SHOWN]:
        errors.print(f"  {count:5} without a text: {reason}", markup=False)
    if len(reasons) > REASONS_SHOWN:
        errors.print(f"  and {len(reasons) - REASONS_SHOWN} rarer reasons; all are in descriptions_rejected")


@app.command()
def status(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Show every artefact: rows, when it was made, and why it would be made again."""
    from pipelines.graph import open_graph
    from pipelines.newest_filing import filing_warnings
    from pipelines.report import print_table
    from pipelines.status import status_table

    settings = open_profile(profile)
    print_table(status_table(settings), Console(), as_json)
    for line in filing_warnings(open_graph(settings, local_day()), open_lake(settings)):
        errors.print(f"warning: {line}", markup=False)


@app.command()
def plan(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Say what a run costs before it is begun: tokens, hours and gigabytes; nothing is downloaded."""
    from pipelines.cost import estimate, readable_amounts
    from pipelines.report import print_table

    settings = open_profile(profile)
    rows = estimate(settings, open_lake(settings))
    print_table(rows if as_json else readable_amounts(rows), Console(), as_json)


@app.command()
def ui(
    host: Annotated[str, typer.Option("--host", help="Where it listens; it asks nobody for a password.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 3000,
    profile: ProfileOption = None,
) -> None:
    """Serve Dagster's UI, with the monthly schedule and the change sensor, until it is stopped."""
    from pipelines.dagster_state import prepare_state
    from pipelines.ui import serve_ui

    open_profile(profile)
    os.environ["PEERLENS_PROFILE"] = str(profile_file(profile))
    serve_ui(host, port, prepare_state(lambda line: errors.print(line, markup=False)))


@app.command()
def adopt(
    asset: Annotated[
        str | None, typer.Argument(help="An asset; leave out to take over a lake of an older version.")
    ] = None,
    partition: Annotated[str | None, typer.Option("--partition", help="One partition; all without it.")] = None,
    profile: ProfileOption = None,
) -> None:
    """Record that what is there stands under today's code: after an edit or upgrade that changes no result."""
    from pipelines.adopt import adopt, adopt_older_lake
    from pipelines.graph import open_graph

    settings = open_profile(profile)
    graph, lake = open_graph(settings, local_day()), open_lake(settings)
    if asset is None:
        adopt_older_lake(graph, lake, typer.echo)
        return
    for one in adopt(graph, lake, asset, partition):
        typer.echo(str(one))


@app.command()
def profiles() -> None:
    """List the bundled profiles."""
    for file in sorted(PROFILES.glob("*.yaml")):
        typer.echo(f"{file.stem:10} {file}")


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
