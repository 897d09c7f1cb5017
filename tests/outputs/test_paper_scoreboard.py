"""[paper] The paper's scores in SQL: means over years beside what was published."""

from pathlib import Path

import duckdb
import pytest

from assets import schemas
from assets.outputs.warehouse import build_warehouse
from assets.schemas import TABLES
from resources.places import SQL


def row(method: str, year: int, mean_corr: float | None, pair_weighted: float | None) -> dict[str, object]:
    sizes = {"companies": 10, "coverage": 0.5, "clusters": 2, "largest_share": 0.3, "pairs": 4}
    return {
        "method": method, "year": year, "theta": None, "mean_corr": mean_corr, "pair_weighted": pair_weighted,
        "all_pairs": 0.16, **sizes,
    }  # fmt: skip


def test_means_are_over_years_with_a_cluster_and_stand_beside_what_was_published(tmp_path: Path) -> None:
    rows = [
        row("sic4", 2001, 0.2, 0.3),
        row("sic4", 2002, 0.3, 0.1),
        row("c_cd", 2001, 0.4, 0.2),
        row("c_cd", 2002, None, None),
    ]
    schemas.PAPER_SCORES.frame(rows).write_parquet(tmp_path / "scores.parquet")
    files = {name: [] for name in TABLES} | {"paper_scores": ["scores.parquet"]}
    build_warehouse(tmp_path / "peerlens.duckdb", tmp_path, files, SQL, "")
    with duckdb.connect(str(tmp_path / "peerlens.duckdb"), read_only=True) as window:
        found = window.sql("select method, years, mean_corr, published, pair_weighted, all_pairs from paper_scoreboard")
        assert found.fetchall() == [
            ("c_cd", 2, pytest.approx(0.4), pytest.approx(0.359), pytest.approx(0.2), pytest.approx(0.16)),
            ("sic4", 2, pytest.approx(0.25), pytest.approx(0.231), pytest.approx(0.2), pytest.approx(0.16)),
        ]
