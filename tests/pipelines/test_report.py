"""The printed report: banner first, no number without its placebo, bad news in plain words."""

import io
import json
import re
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from rich.console import Console

from assets.outputs.warehouse import build_warehouse
from assets.schemas import TABLES
from pipelines.report import LINKS, hedge_sentence, print_network, print_table, report
from resources.places import SQL
from tests.outputs.small_lake import lake, write


def printed(folder: Path, rows: dict[str, pl.DataFrame], banner: str = "", width: int = 200) -> str:
    build_warehouse(folder / "peerlens.duckdb", folder, write(rows, folder), SQL, banner)
    console = Console(file=io.StringIO(), width=width)
    with duckdb.connect(str(folder / "peerlens.duckdb"), read_only=True) as connection:
        report(connection, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return printed(tmp_path_factory.mktemp("lake"), lake(), "A sample, not [bold]evidence[/bold].")


def test_banner_comes_before_any_number(text: str) -> None:
    assert text.startswith("A sample, not [bold]evidence[/bold].\n")


def test_peers_are_printed_for_the_companies_that_exist(text: str) -> None:
    assert [ticker for ticker in ("KO", "XOM", "JPM", "INTC") if f"Peers of {ticker}\n" in text] == ["KO", "XOM", "JPM"]
    table = text.split("Peers of KO\n")[1].split("\n\n", maxsplit=1)[0].splitlines()
    assert len(table) == 4 and table[1].startswith("PEP") and "topic <" in table[1]


def test_scores_of_autoencoders_name_their_tokens(tmp_path: Path) -> None:
    score = {"fvu": 0.25, "fvu_tokens": 7108, "l0": 32.0, "dead_share": 0.0, "ce": 3.0, "ce_sae": 3.3}
    score |= {"ce_ablated": 9.0, "ce_score": 0.95, "dce_percent": 10.0, "ce_tokens": 500}
    blocks = [
        {"entry": "blocks-00-01", "block": 0, **score},
        {"entry": "blocks-00-01", "block": 1, **score, "fvu": 0.35},
    ]
    text = printed(tmp_path, lake() | {"sae_scores": TABLES["sae_scores"].frame(blocks)})
    assert "FVU on 7,108 tokens, CE score on 500, one block at a time" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("blocks-00-01"))
    assert row == ["blocks-00-01", "2", "0.300", "0.350", "0.950", "0.950", "0.000"]


def test_nearest_peers_stand_beside_chance_with_n_an_interval_and_a_test(text: str) -> None:
    heading, *lines = text.split("Nearest peer in the same SIC major group: ")[1].splitlines()[:6]
    assert (
        heading == "share of the 5 companies with a code, each counted once; 1 are alone in theirs and count as missed"
    )
    cells = [re.split(r"  +", line.strip()) for line in lines]
    assert cells == [
        ["nearest by", "share", "95 %", "SAE better", "worse", "p"],
        ["SAE latents", "60.0%", "23.0%–88.0%"],
        ["TF-IDF words", "60.0%", "23.0%–88.0%", "1", "1", "1.000"],
        ["MiniLM embedding", "40.0%", "12.0%–77.0%", "1", "0", "1.000"],
        ["chance", "10.0%"],
    ]


def test_the_scoreboard_says_what_its_intervals_are_over_and_what_it_leaves_out(text: str) -> None:
    assert "Scoreboard: mean over 2 as-of dates" in text
    assert "over companies, and over the 2 horizons in these dates that share no month." in text
    assert "of companies as grouped; 1 of 12 were lost in the horizons." in text
    assert "Not in these means: 1 date; the newest, 2012-06-30, after 3 of 12 months." in text


def test_one_horizon_has_no_interval(tmp_path: Path) -> None:
    absent = pl.lit(None, pl.Float64)
    one = lake()["lift_intervals"].with_columns(blocks=pl.lit(1, pl.Int32), low=absent, high=absent)
    text = printed(tmp_path, lake() | {"lift_intervals": one})
    assert "No interval: the dates hold one horizon" in text
    assert "null" not in text and "None" not in text


def test_a_hedge_is_measured_in_one_sentence() -> None:
    row = {
        "measured": "after 2010-12-31",
        "legs": 7,
        "days": 252,
        "last_day": date(2011, 12, 30),
        "correlation": 0.5,
        "variance_reduction": 0.1,
        "warning": None,
    }
    said = (
        "All 7 legs, measured after 2010-12-31, over 252 days to 2011-12-30: correlation 0.500, "
        "variance reduction 0.100."
    )
    assert hedge_sentence(row) == said
    assert "days to 2011-12-30 that it was fitted on" in hedge_sentence(row | {"measured": "before 2010-12-31"})
    assert hedge_sentence(row | {"measured": None}).startswith("Not measured")
    assert hedge_sentence(row | {"warning": "this raised it"}) == f"{said}\nWarning: this raised it."


def test_the_scores_fit_into_80_columns(tmp_path: Path) -> None:
    text = printed(tmp_path, lake(), width=80)
    scores = text.split("Nearest peer in")[1].split("Pairs books")[0]
    assert max(map(len, scores.splitlines())) <= 80
    rows = [
        line for line in scores.splitlines() if line.startswith(("sic4 ", "sae ", "TF-IDF", "method ", "nearest by"))
    ]
    assert [re.split(r"  +", line)[0] for line in rows] == ["nearest by", "TF-IDF words", "method", "sic4", "sae"]


def test_methods_that_win_are_named(text: str) -> None:
    assert "SAE groups (lift 0.250) do not beat sic4 (0.390) here." in text


def test_nothing_is_conceded_where_sae_wins(tmp_path: Path) -> None:
    scores = lake()["lift_intervals"].with_columns(lift=pl.when(method="sae").then(0.9).otherwise("lift"))
    assert "do not beat" not in printed(tmp_path, lake() | {"lift_intervals": scores})


def test_books_stand_beside_random_pairs_and_say_how_they_were_picked(text: str) -> None:
    assert "sae: 0 of 1,234 pairs pass Benjamini-Hochberg" in text
    assert "random pairs: 1 of 800 pairs passes Benjamini-Hochberg" in text
    uncorrected = text.split("ranked by p, uncorrected:\n")[1].split("\n\n", maxsplit=1)[0].splitlines()
    assert [line.split()[0] for line in uncorrected[1:3]] == ["sae", "random"] and "0.250" in uncorrected[1]


def test_it_ends_with_the_next_two_commands(text: str) -> None:
    assert [line.strip() for line in text.splitlines()[-2:]] == ["Look further:  make ui", "peerlens peers KO"]


def test_an_empty_lake_prints_what_to_do_next(tmp_path: Path) -> None:
    assert "make ui" in printed(tmp_path, {name: table.empty() for name, table in TABLES.items()})


def shown(rows: pl.DataFrame, as_json: bool = False) -> str:
    console = Console(file=io.StringIO(), width=40)
    print_table(rows, console, as_json)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_table_shows_text_as_it_is_and_drops_terminal_codes() -> None:
    table = shown(pl.DataFrame({"name": ["[red]x[/red]\x1b[31m\x07"], "v": [0.12345], "l": [["a", "b"]], "n": [None]}))
    assert table.splitlines()[1].split() == ["[red]x[/red]", "[31m", "0.123", "a,", "b"]
    assert "\x1b" not in table


def test_json_is_one_array_however_long_the_text() -> None:
    rows = pl.DataFrame({"name": ["[red]" + "x " * 100], "v": [float("nan")], "d": ["2011-12-31"]}).with_columns(
        pl.col("d").str.to_date()
    )
    assert json.loads(shown(rows, as_json=True)) == [{"name": "[red]" + "x " * 100, "v": None, "d": "2011-12-31"}]
    assert json.loads(shown(rows.clear(), as_json=True)) == []


def test_no_rows_are_said_in_words() -> None:
    assert shown(pl.DataFrame({"a": []})) == "No rows.\n"


def test_a_network_shows_its_strongest_links_and_counts_the_others() -> None:
    rows = pl.DataFrame(
        {"company1": [f"c{i}" for i in range(LINKS + 2)], "score": [float(i) for i in range(LINKS + 2)]}
    )
    console = Console(file=io.StringIO(), width=80)
    print_network(rows, console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[1].split()[0] == f"c{LINKS + 1}" and lines[LINKS].split()[0] == "c2"
    assert lines[LINKS + 1 :] == ["and 2 more; --csv or --output FILE has all"]
