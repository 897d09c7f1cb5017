"""Reasons in the terminal read like a page: no word is cut, marked words stand out, and no identifier is shown."""

import io
from pathlib import Path

import duckdb
import polars as pl
import pytest
from rich.console import Console

from assets.outputs import FILE
from assets.outputs.warehouse import build_warehouse
from pipelines.reasons_page import print_evidence, print_peers, print_themes, print_why
from resources.places import SQL
from tests.outputs.small_lake import lake, write

NAMED = [{"ticker": "KO", "name": "Coca-Cola [b]Co[/b]"}, {"ticker": "PEP", "name": "PepsiCo"}]
WORDS = {"We", "naïvely", "make", "sell", "[soft", "drinks],", "syrups", "<script>alert('KO')</script>", "countries."}


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder: Path = tmp_path_factory.mktemp("lake")
    build_warehouse(folder / FILE, folder, write(lake(), folder), SQL, "")
    return duckdb.connect(str(folder / FILE), read_only=True)


def paper(width: int = 80, terminal: bool = False) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=width, highlight=False, force_terminal=terminal), text


@pytest.mark.parametrize("width", [50, 80, 200])
def test_why_breaks_no_word_and_shows_no_identifier(window: duckdb.DuckDBPyConnection, width: int) -> None:
    console, text = paper(width)
    rows = window.table_function("why_peers", ["KO", "PEP"]).pl()
    print_why(rows, NAMED, console)
    page = text.getvalue()
    assert max(map(len, page.splitlines())) <= width and set(page.split()) >= WORDS
    assert "passages-24" not in page and "blocks-24" not in page
    assert page.startswith("Coca-Cola [b]Co[/b] (KO) and PepsiCo (PEP)\n")
    assert f"similarity {rows['contribution'].sum():.3f}; {rows.height - 1} themes explain" in " ".join(page.split())
    assert all(theme in " ".join(page.split()) for theme in rows["theme"])
    assert f"all others, {rows['latents'][-1]} latents" in page.splitlines()[-1]


def test_weaker_themes_are_named_on_one_line(window: duckdb.DuckDBPyConnection) -> None:
    console, text = paper(200)
    rows = window.table_function("why_peers", ["KO", "PEP"]).pl()
    more = [rows[:1].with_columns(theme=pl.lit(f"topic {i}"), contribution=pl.lit(0.0)) for i in range(9)]
    print_why(pl.concat([rows[:5], *more, rows[-1:]]), NAMED, console)
    assert "8 more themes: topic 1; topic 2;" in " ".join(text.getvalue().split())


def test_why_by_stack_has_themes_with_passages_and_a_bar_of_every_other_part(
    window: duckdb.DuckDBPyConnection,
) -> None:
    console, text = paper()
    rows = window.table_function("why_peers", ["KO", "PEP", None, "stack"]).pl()
    print_why(rows, NAMED, console)
    page = " ".join(text.getvalue().split())
    themes = rows.drop_nulls("score").height
    assert f"similarity {rows['contribution'].sum():.3f}; {themes} themes explain" in page
    for part in ("same words", "same major group", "moved together before", "any two companies"):
        (share,) = rows.filter(theme=part)["share"]
        assert f"{100 * share:.0f} % " in page.split(f" {part}")[0][-30:]
    assert page.count("(score 0.70)") == min(themes, 6) and page.count("score") == min(themes, 6)


def test_a_pair_without_a_theme_says_so_and_where_to_look(window: duckdb.DuckDBPyConnection) -> None:
    console, text = paper()
    print_why(window.sql("from why_peers('KO', 'PEP', method := 'sae_tokens')").pl(), NAMED, console)
    page = " ".join(text.getvalue().split())
    assert "no theme of both has a label that is sure enough (`--latents` lists all there is)" in page
    assert "100 % #################### all others" in page


def test_on_a_terminal_marked_words_are_bold_and_brackets_are_gone(window: duckdb.DuckDBPyConnection) -> None:
    console, text = paper(terminal=True)
    print_why(window.table_function("why_peers", ["KO", "PEP"]).pl(), NAMED, console)
    assert "[soft drinks]" not in text.getvalue() and "\x1b[1;33msoft drinks\x1b[0m" in text.getvalue()


def test_evidence_and_themes_are_pages_too(window: duckdb.DuckDBPyConnection) -> None:
    console, text = paper()
    print_evidence(window.table_function("evidence", ["KO", "PEP"]).pl(), NAMED, console)
    print_themes(window.table_function("themes_of", ["KO"]).pl(), NAMED[0], console)
    assert max(map(len, text.getvalue().splitlines())) <= 80 and set(text.getvalue().split()) >= WORDS


def test_peers_show_their_themes_below_their_names(window: duckdb.DuckDBPyConnection) -> None:
    console, text = paper(50)
    rows = window.table_function("peers", ["KO"]).pl()
    print_peers(rows, console)
    page = " ".join(text.getvalue().split())
    assert all(f"{row['name']} {row['reason']}" in page for row in rows.iter_rows(named=True))


def test_nothing_to_show_is_said_in_words(window: duckdb.DuckDBPyConnection) -> None:
    console, text = paper()
    print_why(window.table_function("why_peers", ["KO", "NONE"]).pl(), NAMED, console)
    print_evidence(window.table_function("evidence", ["KO", "NONE"]).pl(), NAMED, console)
    print_themes(window.table_function("themes_of", ["NONE"]).pl(), NAMED[0], console)
    assert text.getvalue().count("\n") == 3
