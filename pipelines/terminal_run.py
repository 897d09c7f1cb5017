"""A refresh in the terminal: every body is a line as soon as it ran, and a failure is one line with its log."""

import logging
from contextlib import suppress
from datetime import date

import dagster as dg
from rich.console import Console

from pipelines.code_location import build_defs
from pipelines.failures import RunFailedError
from pipelines.launch import dagster_launch
from pipelines.newest_filing import filing_warnings
from pipelines.refresh import refresh
from pipelines.run_history import prune_runs
from resources.clock import utc_now
from resources.lake.lake import Lake
from resources.lake.progress import beside_bars
from resources.lake.recipe import Graph


class _TerminalLines(logging.Handler):
    """Prints a line for every body as soon as it ran, and what it says meanwhile, above its progress bar."""

    def __init__(self, errors: Console) -> None:
        super().__init__()
        self.errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        with beside_bars():
            self.errors.print(f"  {record.getMessage()}", markup=False)


def run_refresh(graph: Graph, lake: Lake, today: date, errors: Console) -> int:
    """Walk a graph, or a part of one; returns how many bodies ran.

    Raises
    ------
    RunFailedError
        A body failed; its story is in `failure.log` of the lake, which the message names.
    """
    defs = build_defs(graph.profile, today, lake.home)
    log = logging.getLogger("peerlens")
    log.addHandler(_TerminalLines(errors))
    log.setLevel(logging.INFO)
    with dg.DagsterInstance.get() as instance:
        launch = dagster_launch(list(defs.assets or []), dict(defs.resources or {}), instance)  # type: ignore[arg-type]
        try:
            made = len(refresh(graph, lake, launch))
            prune_runs(instance, utc_now())
        except RunFailedError as error:
            file = lake.root / "failure.log"
            with suppress(OSError):  # a full disk may be what failed
                file.write_text(error.story, encoding="utf-8")
            raise RunFailedError(f"{error}; details: {file}", error.story) from error
    for line in filing_warnings(graph, lake) if _has_dates(graph) else ():
        errors.print(f"warning: {line}", markup=False)
    return made


def _has_dates(graph: Graph) -> bool:
    """Tell whether peer groups are formed in a graph: `ingest` walks the part that brings filings in."""
    return any(declaration.partitioning == "as_of" for declaration in graph.declarations.values())
