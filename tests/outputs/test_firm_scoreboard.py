"""The firm-centred scoreboard in SQL: a row a method, the placebo among them, and the curve beside its raw figures."""

import io
from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
from rich.console import Console
from small_lake import EARLIER, IDS, lake, write

from assets import schemas
from assets.outputs.warehouse import build_warehouse
from pipelines.report import report
from resources.places import SQL

VALUES = {
    "sae": {"r2_5": 0.10, "r2_10": 0.11, "pairs_0.01": 0.30, "pairs_0.01_raw": 0.45, "same_number_less_sic4": -0.01},
    "sic4": {"r2_5": 0.12, "groups": 0.25, "groups_raw": 0.40, "pairs_0.01": 0.26, "same_number_less_sic4": 0.0},
    "random": {"r2_5": 0.0, "pairs_0.01": 0.001},
    "tnic": {"r2_5": 0.09, "coverage": 0.8},
    "sector": {"r2_5": -0.01, "coverage": 0.0},
}


def rows(months: int) -> list[dict[str, object]]:
    return [
        {
            "method": method,
            "horizon_months": months,
            "score": score,
            "share": 0.01 if score.startswith(("pairs", "groups")) else None,
            "value": value + (months == 36),
            "dates": 2,
            "blocks": 2,
            "low": value - 0.1,
            "high": value + 0.1,
        }
        for method, scores in VALUES.items()
        for score, value in scores.items()
    ]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("lake")
    lost = [(12, IDS["KO"], EARLIER), (12, IDS["JPM"], date(2009, 12, 31)), (36, IDS["KO"], EARLIER)]
    between = {"horizon_months": 12, "difference": 0.02, "low": -0.01, "high": 0.05}
    r2 = {"method": "sae", "other": "random", "peers": 5, "months": 12, "error": 0.01, **between}
    firms = {"score": "hedge_median", "dates": 1, "blocks": 1, "low_firms": 0.01, "high_firms": 0.03}
    hedge = {"method": "sae", "other": "sic4", **firms, **between, "low": None, "high": None}
    tables = {
        "r2_differences": schemas.R2_DIFFERENCES.frame([r2]),
        "score_differences": schemas.SCORE_DIFFERENCES.frame([hedge]),
        "peer_intervals": schemas.PEER_INTERVALS.frame([*rows(12), *rows(36)]),
        "horizon_losses": schemas.HORIZON_LOSSES.frame(
            {"as_of": day, "horizon_months": months, "company_id": company, "last_month": None}
            for months, company, day in lost
        ),
    }
    build_warehouse(folder / "peerlens.duckdb", folder, write(lake() | tables, folder), SQL, "")
    with duckdb.connect(str(folder / "peerlens.duckdb"), read_only=True) as connection:
        yield connection


def test_the_report_prints_a_table_a_horizon_in_80_columns(window: duckdb.DuckDBPyConnection) -> None:
    console = Console(file=io.StringIO(), width=80)
    report(window, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 80
    table = text.split("Peers of a company on the 12 months after each date\n")[1].splitlines()
    assert table[0].split()[:2] == ["method", "R2"]
    assert [line.split()[0] for line in table[1:5]] == ["sic4", "sae", "tnic", "placebo"]
    assert "2 times a company was lost" in " ".join(text.split())
    assert "on the 36 months after each date" in text
    assert "on five peers, over 2 months" in " ".join(text.split())
    shorter = text.split("on the 36 months after each date")[0]
    assert [line for line in shorter.splitlines() if "sector" in line] == [
        "Methods that place nobody are left out: sector."
    ]


def test_every_horizon_has_a_row_a_method_the_best_r2_first(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("select horizon_months, method, r2 from firm_scoreboard").fetchall()
    assert [row[:2] for row in found[:4]] == [(12, "sic4"), (12, "sae"), (12, "tnic"), (12, "placebo")]
    assert [row[2] for row in found] == pytest.approx([0.12, 0.10, 0.09, 0.0, -0.01, 1.12, 1.10, 1.09, 1.0, 0.99])


def test_scores_are_in_their_columns_with_their_bounds_and_what_is_not_scored_is_empty(
    window: duckdb.DuckDBPyConnection,
) -> None:
    board = window.sql("from firm_scoreboard where horizon_months = 12").pl().rows_by_key("method", named=True)
    (sae,), (tnic,) = board["sae"], board["tnic"]
    names = ("r2_low", "r2_high", "r2_10", "same_number_less_sic4", "pairs_1_percent", "pairs_1_percent_raw")
    assert [sae[name] for name in names] == pytest.approx([0.0, 0.2, 0.11, -0.01, 0.30, 0.45])
    assert (tnic["peers_coverage"], tnic["pairs_1_percent"], tnic["companies_lost"]) == (0.8, None, 2)
    assert tnic["r2_months"] == 2


def test_the_scoreboard_begins_with_the_shorter_horizon_and_keeps_the_paper_s_columns(
    window: duckdb.DuckDBPyConnection,
) -> None:
    board = window.view("scoreboard").pl()
    assert board["method"].to_list() == ["sic4", "sae", "tnic", "placebo", "sector", "embedding", "tfidf"]
    assert board.columns[:2] == ["method", "r2"]
    assert board.columns.index("same_number") < board.columns.index("lift") < board.columns.index("mean_corr")
    (sae,) = board.filter(method="sae").to_dicts()
    assert (sae["r2"], sae["lift"]) == pytest.approx((0.10, 0.25))


def test_differences_of_all_scores_are_in_one_view(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("select method, other, score, difference, low, high, low_firms from method_differences")
    assert found.fetchall() == [
        ("sae", "sic4", "hedge_median", 0.02, None, None, 0.01),
        ("sae", "placebo", "r2_5", 0.02, -0.01, 0.05, None),
    ]


def test_the_curve_has_its_raw_figure_beside_it(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("select method, kind, share, correlation, raw from curve where horizon_months = 12").fetchall()
    assert sorted(found) == [
        ("placebo", "pairs", 0.01, 0.001, None),
        ("sae", "pairs", 0.01, 0.30, 0.45),
        ("sic4", "groups", 0.01, 0.25, 0.40),
        ("sic4", "pairs", 0.01, 0.26, None),
    ]
