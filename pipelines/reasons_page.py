"""Reasons as a page in the terminal: themes with their shares, and a passage of each company below."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.report import cell_text

BAR = 20
"""Width of a bar that stands for all of a similarity, in characters."""
OTHERS = "all others"
LISTED = 6
"""Themes that get passages on the page of a pair; the table has them all."""
MARK = re.compile(r"\[([^\[\]]+)\]")
Company = Mapping[str, Any]
"""ticker and name."""


def print_why(rows: pl.DataFrame, companies: Sequence[Company], console: Console) -> None:
    """Print what makes two companies similar: a heading, theme by theme with a passage of each, then all others.

    Parameters
    ----------
    rows : DataFrame
        Of `why_peers`.
    companies : sequence of mapping
        Ticker and name of both companies.
    console : Console
        Where to print. On a terminal the words that wake a theme are bold, elsewhere they stay in [brackets].
    """
    if rows.is_empty():
        _say(console, "No reasons: one of them has no description at this date.")
        return
    reasons, others = (rows.filter(pl.col("theme").is_in([OTHERS]) == is_other) for is_other in (False, True))
    # Of a similarity that is more than themes: words, codes and past returns have neither score nor passage.
    themes, parts = (reasons.filter(pl.col("score").is_null() == is_part) for is_part in (False, True))
    _say(console, f"{_named(companies[0])} and {_named(companies[1])}", "bold")
    _say(console, f"similarity {rows['contribution'].sum():.3f}; {_explained(themes)}")
    for row in themes.head(LISTED).iter_rows(named=True):
        _print_theme(row, console)
        _print_passages(zip(companies, (row["passage_a"], row["passage_b"]), strict=True), console)
    _print_weaker(themes[LISTED:], console)
    for row in parts.iter_rows(named=True):
        _print_theme(row, console)
    for row in others.iter_rows(named=True):
        console.print()
        latents = "latent" if row["latents"] == 1 else "latents"
        _say(console, f"{_bar(row)}  all others, {row['latents']:,} {latents}", "dim")


def _explained(themes: pl.DataFrame) -> str:
    """Return how much of a similarity its themes explain, or what to ask where none may be shown."""
    if themes.is_empty():
        return "no theme of both has a label that is sure enough (`--latents` lists all there is)"
    some = "1 theme explains" if themes.height == 1 else f"{themes.height} themes explain"
    return f"{some} {_percent(float(themes['share'].sum()))} of it"


def print_evidence(rows: pl.DataFrame, companies: Sequence[Company], console: Console) -> None:
    """Print the passages of both companies, theme by theme; `rows` are of `evidence`."""
    if rows.is_empty():
        _say(console, "No theme that may be shown stands in both texts.")
        return
    _say(console, f"{_named(companies[0])} and {_named(companies[1])}", "bold")
    for (theme,), passages in rows.group_by("theme", maintain_order=True):
        console.print()
        _say(console, f"{theme}  ({passages['contribution'][0]:.3f} of the similarity)", "bold")
        for row in passages.iter_rows(named=True):
            _print_passages(zip(companies, (row["passage_a"], row["passage_b"]), strict=True), console)


def print_themes(rows: pl.DataFrame, company: Company, console: Console) -> None:
    """Print what a company's description is about; `rows` are of `themes_of`."""
    if rows.is_empty():
        _say(console, f"{_named(company)}: no theme that may be shown.")
        return
    _say(console, _named(company), "bold")
    for row in rows.iter_rows(named=True):
        _print_theme(row, console)
        _print_passages([(company, row["passage"])], console)


def print_peers(rows: pl.DataFrame, console: Console) -> None:
    """Print the nearest companies, the themes of each below its name; `rows` are of `peers`."""
    if rows.is_empty():
        _say(console, "No rows.")
        return
    table = Table.grid(padding=(0, 2))
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("ticker", no_wrap=True)
    table.add_column("similarity", justify="right", no_wrap=True)
    table.add_column("name")
    for row in rows.iter_rows(named=True):
        name = Text(cell_text(row["name"]))
        if row["reason"]:
            name.append("\n" + cell_text(row["reason"]), style="dim")
        table.add_row(str(row["rank"]), Text(cell_text(row["ticker"])), f"{row['similarity']:.3f}", name)
    console.print(table)


def _print_weaker(themes: pl.DataFrame, console: Console) -> None:
    """Print the names of the themes that got no passages, and what they add together."""
    if themes.is_empty():
        return
    console.print()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    names = "; ".join(cell_text(theme) for theme in themes["theme"])
    count = "1 more theme" if themes.height == 1 else f"{themes.height} more themes"
    table.add_row(_bar({"share": float(themes["share"].sum())}), Text(f"{count}: {names}"))
    console.print(table)


def _print_theme(row: Mapping[str, Any], console: Console) -> None:
    console.print()
    title = Text(cell_text(row["theme"]), style="bold")
    if row["score"] is not None:
        title.append(f"  (score {row['score']:.2f})", style="dim not bold")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row(_bar(row), title)
    console.print(table)


def _print_passages(passages: Iterator[tuple[Company, str | None]] | Sequence[Any], console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for company, passage in passages:
        if passage is not None:
            table.add_row(Text(cell_text(company["ticker"]), style="bold"), _marked(passage, console))
    console.print(Padding(table, (0, 0, 0, 2)))


def _marked(passage: str, console: Console) -> Text:
    """Return a passage with its marks as bold words on a terminal, as brackets elsewhere."""
    plain = cell_text(passage)
    if not console.is_terminal:
        return Text(plain)
    text, end = Text(), 0
    for mark in MARK.finditer(plain):
        text.append(plain[end : mark.start()]).append(mark[1], style="bold yellow")
        end = mark.end()
    return text.append(plain[end:])


def _bar(row: Mapping[str, Any]) -> str:
    share = row["share"] or 0.0
    filled = round(BAR * min(max(share, 0.0), 1.0))
    return f"{_percent(share):>5} {'#' * filled}{'.' * (BAR - filled)}"


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f} %"


def _named(company: Company) -> str:
    return f"{company['name']} ({company['ticker']})"


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(cell_text(text)), style=style)
