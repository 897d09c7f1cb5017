"""The DuckDB file at the lake's root: it stays where it is, goes with its lake, and says in a line what is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from lake_differences import table
from peerlens_command import peerlens, refreshed

TINY = ("--profile", "tiny")
THEN = "2006-12"


def refusal(home: Path, *arguments: str) -> str:
    """The one line that a refused command says."""
    done = peerlens(home, *arguments, *TINY)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


def answer(home: Path, *arguments: str) -> list[dict[str, Any]]:
    done = peerlens(home, *arguments, "--json", *TINY)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_a_lake_that_moved_is_up_to_date_and_answers(lake_copy: Path, tiny_home: Path) -> None:
    moved = lake_copy.rename(lake_copy.with_name("elsewhere"))
    assert refreshed(moved, "tiny") == []
    assert answer(moved, "peers", "KO") == answer(tiny_home, "peers", "KO")
    shutil.rmtree(moved / "tiny" / "company_vectors")
    assert "company_vectors" in refusal(moved, "peers", "KO")


def test_a_refresh_replaces_the_file_under_a_reader_that_goes_on(lake_copy: Path) -> None:
    file = lake_copy / "tiny" / "peerlens.duckdb"
    question, before = "from backtest_summary order by all", file.stat().st_ino
    with duckdb.connect(str(file), read_only=True) as reader:
        rows = reader.sql(question).fetchall()
        shutil.rmtree(lake_copy / "tiny" / "warehouse" / "all")
        assert refreshed(lake_copy, "tiny") == ["warehouse"]
        assert file.stat().st_ino != before
        assert reader.sql(question).fetchall() == rows
        ask = f"import duckdb; print(duckdb.connect({str(file)!r}, read_only=True).sql('from banner').fetchall())"
        done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd="/")
        assert "TINY" in done.stdout
    assert [path.name for path in file.parent.glob("*peerlens.duckdb*")] == [file.name]


def test_what_a_killed_writer_left_does_not_lock_readers_out(lake_copy: Path) -> None:
    file = lake_copy / "tiny" / "peerlens.duckdb"
    write = f"import duckdb, os; c = duckdb.connect({str(file)!r}); c.execute('create table mine (a int)'); os._exit(1)"
    subprocess.run([sys.executable, "-c", write], check=False)
    assert file.with_name("peerlens.duckdb.wal").exists()
    shutil.rmtree(lake_copy / "tiny" / "warehouse" / "all")
    assert refreshed(lake_copy, "tiny") == ["warehouse"]
    assert answer(lake_copy, "peers", "KO")


def test_a_lost_or_damaged_file_is_one_line_with_the_fix(lake_copy: Path) -> None:
    file = lake_copy / "tiny" / "peerlens.duckdb"
    os.truncate(file, 5000)
    line = refusal(lake_copy, "peers", "KO")
    assert f"{file}: damaged" in line and "run `peerlens refresh --profile tiny`" in line
    file.unlink()
    assert "no warehouse in" in refusal(lake_copy, "hedge", "KO")
    assert refreshed(lake_copy, "tiny") == ["warehouse"]
    assert answer(lake_copy, "peers", "KO")


@pytest.mark.parametrize("damage", [os.unlink, lambda file: os.truncate(file, 100)])
def test_a_lost_or_damaged_table_is_one_line_with_the_fix(lake_copy: Path, damage: Any) -> None:
    (file,) = (lake_copy / "tiny" / "companies").rglob("part-*.parquet")
    damage(file)
    line = refusal(lake_copy, "peers", "KO")
    assert str(file) in line and line.endswith("run `peerlens refresh --profile tiny`")
    refreshed(lake_copy, "tiny")
    assert answer(lake_copy, "peers", "KO")


def test_a_writer_elsewhere_is_one_line(lake_copy: Path) -> None:
    file = lake_copy / "tiny" / "peerlens.duckdb"
    with duckdb.connect(str(file)):
        assert "has it open for writing; open it read-only there" in refusal(lake_copy, "peers", "KO")


def neighbours(home: Path, method: str, company: str) -> pl.DataFrame:
    rows = table(home / "tiny", "peer_clusters", "neighbours")
    return rows.filter(pl.col("as_of").dt.strftime("%Y-%m") == THEN, method=method, company_id=company).sort("rank")


KO, PEP = "0000021344", "0000077476"


@pytest.mark.parametrize("method", ["sae", "tfidf", "embedding"])
def test_peers_of_a_date_and_a_method_are_the_neighbours_in_the_lake(tiny_home: Path, method: str) -> None:
    expected = neighbours(tiny_home, method, KO)
    rows = answer(tiny_home, "peers", "KO", "--as-of", THEN, "--method", method)
    assert [row["company_id"] for row in rows] == expected["peer_id"].to_list()
    assert [row["similarity"] for row in rows] == pytest.approx(expected["similarity"].to_list(), abs=1e-9)


def test_why_of_a_date_adds_up_to_the_similarity_of_that_date(tiny_home: Path) -> None:
    (expected,) = neighbours(tiny_home, "sae", KO).filter(peer_id=PEP)["similarity"]
    total = sum(row["contribution"] for row in answer(tiny_home, "why", "KO", "PEP", "--as-of", THEN))
    assert total == pytest.approx(expected, abs=1e-9)


def test_hedge_weighs_the_peers_of_a_date_and_a_method(tiny_home: Path) -> None:
    near = neighbours(tiny_home, "tfidf", KO)["peer_id"].to_list()
    rows = answer(tiny_home, "hedge", "KO", "-n", "2", "--as-of", THEN, "--method", "tfidf")
    assert 0 < len(rows) <= 2 and {row["company_id"] for row in rows} <= set(near)
    weights = [row["weight"] for row in rows]
    assert weights == sorted(weights) and max(weights) < 0  # the largest legs first, all sold
    assert {row["measured"] for row in rows} == {"after 2006-12-31"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("peers", "KO", "--as-of", "1999-12"), "no peer groups as of 1999-12; there are those of 2006-12, 2007-12"),
        (("why", "KO", "PEP", "--as-of", "soon"), "no peer groups as of soon; there are those of 2006-12, 2007-12"),
        (
            ("peers", "KO", "--method", "sic4"),
            "method sic4 has no nearest companies; these have: embedding, sae, sae_passages, sae_tokens, stack, tfidf",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(tiny_home: Path, arguments: tuple[str, ...], says: str) -> None:
    assert refusal(tiny_home, *arguments) == f"peerlens: {says}"
