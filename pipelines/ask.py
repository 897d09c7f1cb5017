"""Commands that ask a finished lake: peers, why, evidence, themes, hedge, network, sql."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console

from pipelines.command_line import JsonOption, ProfileOption, errors
from pipelines.failures import RefusedError
from resources.environment import open_lake, open_profile

if TYPE_CHECKING:
    import polars as pl

    from pipelines.questions import Ask

    Show = Callable[[pl.DataFrame, list[dict[str, Any]], Console], None]

questions = typer.Typer()

CsvOption = Annotated[bool, typer.Option("--csv", help="CSV for programs.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the rows to this .csv, .parquet or .json file.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace that file where it exists.")]
CompanyArgument = Annotated[str, typer.Argument(help="Ticker or company_id.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="Month of an as-of date, as in 2010-12; the newest if left out.")
]
MethodOption = Annotated[
    str,
    typer.Option(
        "--method", help="What likeness is measured by: sae, sae_passages, sae_tokens, tfidf, embedding, stack."
    ),
]
NetworkOption = Annotated[
    str, typer.Option("--method", help="A similarity of docs/method.md: tnic, sae, tfidf, embedding, past_corr, ...")
]
ReasonsOption = Annotated[str, typer.Option("--method", help="sae, sae_passages or sae_tokens.")]
PairOption = Annotated[
    str, typer.Option("--method", help="sae, sae_passages, sae_tokens, or stack of nearest companies.")
]


class Format(NamedTuple):
    """How an answer is given: for people, or as JSON, as CSV or in a file."""

    as_json: bool
    as_csv: bool
    output: Path | None
    force: bool


@questions.command()
def peers(
    company: CompanyArgument,
    count: Annotated[int, typer.Option("-n", help="How many.")] = 10,
    as_of: AsOfOption = None,
    method: MethodOption = "sae",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Show the nearest companies by cosine and, with latents, the themes that make them so."""
    from pipelines.reasons_page import print_peers

    _ask_page(
        profile,
        lambda c: c.table_function("peers", [company, count, as_of, method]),
        [company],
        Format(as_json, as_csv, output, force),
        lambda rows, _, out: print_peers(rows, out),
    )


@questions.command()
def why(
    company: CompanyArgument,
    other: CompanyArgument,
    as_of: AsOfOption = None,
    method: PairOption = "sae",
    latents: Annotated[bool, typer.Option("--latents", help="A row per latent, with its identifiers.")] = False,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Show the themes that add up to the similarity of two companies, with a passage of each."""
    from pipelines.reasons_page import print_why
    from pipelines.report import print_table

    _ask_page(
        profile,
        lambda c: c.table_function("why_latents" if latents else "why_peers", [company, other, as_of, method]),
        [company, other],
        Format(as_json, as_csv, output, force),
        (lambda rows, _, out: print_table(rows, out)) if latents else print_why,
    )


@questions.command()
def evidence(
    company: CompanyArgument,
    other: CompanyArgument,
    as_of: AsOfOption = None,
    method: PairOption = "sae",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Show the passages of two companies side by side, theme by theme."""
    from pipelines.reasons_page import print_evidence

    _ask_page(
        profile,
        lambda c: c.table_function("evidence", [company, other, as_of, method]),
        [company, other],
        Format(as_json, as_csv, output, force),
        print_evidence,
    )


@questions.command()
def themes(
    company: CompanyArgument,
    count: Annotated[int, typer.Option("-n", help="How many.")] = 10,
    as_of: AsOfOption = None,
    method: ReasonsOption = "sae",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Show what a company's description is about, with a passage of each theme."""
    from pipelines.reasons_page import print_themes

    _ask_page(
        profile,
        lambda c: c.table_function("themes_of", [company, count, as_of, method]),
        [company],
        Format(as_json, as_csv, output, force),
        lambda rows, companies, out: print_themes(rows, companies[0], out),
    )


@questions.command()
def hedge(
    company: CompanyArgument,
    count: Annotated[int, typer.Option("-n", help="How many of the largest legs to show.")] = 5,
    as_of: AsOfOption = None,
    method: MethodOption = "sae",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show peers to sell against a company, with fitted weights, and how well they offset it."""
    from pipelines.report import hedge_sentence

    rows = _ask(
        profile,
        lambda c: c.table_function("hedge_basket", [company, count, as_of, method]),
        [company],
        as_json,
        shown=("rank", "ticker", "name", "similarity", "weight"),
    )
    if not as_json and rows.height:
        typer.echo(hedge_sentence(rows.row(0, named=True)))


@questions.command()
def network(
    method: NetworkOption = "tnic",
    as_of: AsOfOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """List the pairs that a method finds most alike, both ways round, as Hoberg and Phillips publish theirs."""
    from pipelines.report import print_network

    _ask_page(
        profile,
        lambda c: c.table_function("network", [method, as_of]),
        [],
        Format(as_json, as_csv, output, force),
        lambda rows, _, out: print_network(rows, out),
    )


@questions.command()
def sql(
    query: str,
    output: OutputOption = None,
    force: ForceOption = False,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the DuckDB warehouse anything, read-only."""
    from pipelines.read_only import asked_in_sql
    from pipelines.saved_rows import check_output

    if output is not None:
        check_output(output, force)
    _ask(profile, asked_in_sql(query), [], as_json, output)


def _ask(
    profile: str | None,
    ask: "Ask",
    companies: list[str],
    as_json: bool,
    output: Path | None = None,
    shown: Sequence[str] = (),
) -> "pl.DataFrame":
    """Print what a question finds, or write it to a file, and return it; a table of only the columns `shown`."""
    from pipelines.questions import answer
    from pipelines.report import print_table
    from pipelines.saved_rows import save_rows

    rows = answer(open_lake(open_profile(profile)), ask, companies, errors, profile)
    if output is None:
        print_table(rows if as_json or not shown else rows.select(shown), Console(), as_json)
    else:
        save_rows(rows, output)
        errors.print(f"{rows.height} rows written to {output}", markup=False)
    return rows


def _ask_page(profile: str | None, ask: "Ask", companies: list[str], format: Format, show: "Show") -> None:
    """Print what a question finds as a page for people, or as programs want it."""
    from pipelines.questions import answer
    from pipelines.report import print_csv
    from pipelines.saved_rows import check_output

    if format.as_json and format.as_csv:
        raise RefusedError("--json and --csv are two formats; leave one of them out")
    if format.output is not None:
        check_output(format.output, format.force)
    if format.output is not None or format.as_json:
        _ask(profile, ask, companies, format.as_json, format.output)
        return
    lake = open_lake(open_profile(profile))
    rows = answer(lake, ask, companies, errors, profile)
    if format.as_csv:
        print_csv(rows, Console())
        return
    silent = Console(quiet=True)  # the banner was printed
    named = [answer(lake, _named(company), [], silent, profile).to_dicts()[0] for company in companies]
    show(rows, named, Console(highlight=False))


def _named(company: str) -> "Ask":
    return lambda connection: connection.table_function("company_named", [company])
