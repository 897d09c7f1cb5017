"""Whoever opens the DuckDB file of a lake reads the Parquet beside it: copied, attached, from anywhere, with 1.4."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from assets.outputs import FILE
from assets.outputs.warehouse import build_warehouse
from resources.places import SQL
from tests.outputs.small_lake import lake, write

QUESTION = "select ticker, similarity from peers('KO', n := 2)"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake in a folder whose name would be a pattern, a quotation and two words. Not to be written to."""
    folder = tmp_path_factory.mktemp("lakes") / "it's [a] lake*"
    folder.mkdir()
    build_warehouse(folder / FILE, folder, write(lake(), folder), SQL, "")
    return folder


@pytest.fixture(scope="module")
def expected(original: Path) -> pl.DataFrame:
    with duckdb.connect(str(original / FILE), read_only=True) as window:
        return window.sql(QUESTION).pl()


@pytest.fixture
def moved(original: Path, tmp_path: Path) -> Path:
    """A copy whose peer similarities by words differ from the original's, which is still there."""
    folder = Path(shutil.copytree(original, tmp_path / "moved"))
    (file, *_) = sorted((folder / "neighbours").rglob("*.parquet"))
    pl.read_parquet(file, glob=False).with_columns(similarity=pl.lit(0.123)).write_parquet(file)
    return folder


def test_a_copied_lake_reads_its_own_files(moved: Path, original: Path) -> None:
    counts = {}
    for folder in (moved, original):
        with duckdb.connect(str(folder / FILE), read_only=True) as window:
            counts[folder] = window.sql("select count(*) from neighbours where similarity = 0.123").fetchall()
    assert counts[original] == [(0,)] and counts[moved] != [(0,)]


def test_a_copied_lake_needs_no_original(original: Path, expected: pl.DataFrame, tmp_path: Path) -> None:
    first = Path(shutil.copytree(original, tmp_path / "first"))
    second = first.rename(tmp_path / "second")
    with duckdb.connect(str(second / FILE), read_only=True) as window:
        assert window.sql(QUESTION).pl().equals(expected)


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("cwd", [".", "neighbours", ".."])
def test_the_working_directory_and_the_mode_do_not_matter(
    moved: Path, expected: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, cwd: str, read_only: bool
) -> None:
    monkeypatch.chdir(moved / cwd)
    relative = {".": FILE, "neighbours": f"../{FILE}", "..": f"{moved.name}/{FILE}"}[cwd]
    with duckdb.connect(relative, read_only=read_only) as window:
        assert window.sql(QUESTION).pl().equals(expected)


@pytest.mark.parametrize("prefix", ["", "moved/"])
def test_a_client_that_keeps_the_path_relative_finds_the_files(
    moved: Path, expected: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    # As DuckDB's command-line client does; its Python package makes the path absolute.
    monkeypatch.chdir(moved if not prefix else moved.parent)
    with duckdb.connect(f"{prefix}{FILE}", read_only=True, config={"temp_directory": f"{prefix}{FILE}.tmp"}) as window:
        assert window.sql(QUESTION).pl().equals(expected)


WHERE = "the tables lie in the folder that peerlens.duckdb was made in; say which: set variable peerlens_lake"


@pytest.mark.parametrize("main", [":memory:", "other.duckdb"])
def test_attached_it_is_told_where_the_lake_is(
    original: Path, expected: pl.DataFrame, tmp_path: Path, main: str
) -> None:
    with duckdb.connect(main if main == ":memory:" else str(tmp_path / main)) as window:
        window.execute(f"attach {_quoted(original / FILE)} as peerlens (read_only)")
        with pytest.raises(duckdb.InvalidInputException, match=WHERE):
            window.sql("from peerlens.neighbours").fetchall()
        window.execute(f"set variable peerlens_lake = {_quoted(original)}")
        assert len(window.sql("from peerlens.neighbours").fetchall()) > 0
        assert len(window.sql("from peerlens.scoreboard").fetchall()) > 0
        window.execute("use peerlens")  # which a macro needs to find the views
        assert window.sql(QUESTION).pl().equals(expected)


def test_with_another_temp_directory_it_is_told_where_the_lake_is(
    original: Path, expected: pl.DataFrame, tmp_path: Path
) -> None:
    with duckdb.connect(str(original / FILE), read_only=True, config={"temp_directory": str(tmp_path)}) as window:
        with pytest.raises(duckdb.InvalidInputException, match=WHERE):
            window.sql(QUESTION).fetchall()
        window.execute(f"set variable peerlens_lake = {_quoted(original)}")
        assert window.sql(QUESTION).pl().equals(expected)


def test_the_macro_knows_the_name_of_the_file() -> None:
    assert f"'{FILE}.tmp'" in (SQL / "macros" / "lake_files.sql").read_text(encoding="utf-8")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


ASK = """
import json, sys, duckdb

answers = {}
with duckdb.connect(sys.argv[1], read_only=True) as window:
    for question in json.load(sys.stdin):
        try:
            answers[question] = window.execute(question).fetchall()
        except duckdb.Error as error:
            answers[question] = str(error)
print(json.dumps(answers, default=str))
"""
ERRORS = [
    f"from {call}"
    for call in (
        "peers('KO', as_of := '2009-12')",
        "peers('NONE', as_of := '2009-12')",
        "peers('KO', method := 'sic4')",
        "why_peers('KO', 'PEP', method := 'tfidf')",
        "hedge_basket('KO', method := 'sic4')",
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.4", "1.5"])
def test_an_older_client_gives_the_same_answers(original: Path, tmp_path: Path, version: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "client"], check=True)
    client = tmp_path / "client" / "bin" / "python"
    installed = subprocess.run([client, "-m", "pip", "install", "-q", f"duckdb=={version}.*"], check=False)
    if installed.returncode:
        pytest.skip(f"duckdb {version} cannot be installed here")
    with duckdb.connect(str(original / FILE), read_only=True) as window:
        views = [f"select * from {name} order by all" for (name,) in window.sql("show tables").fetchall()]
    questions = [*views, *ERRORS, *(file.read_text(encoding="utf-8") for file in sorted(SQL.glob("queries/*.sql")))]
    theirs, ours = (_answers(python, original / FILE, questions) for python in (client, Path(sys.executable)))
    assert set(theirs) == set(ours) == set(questions)
    for question, answer in ours.items():
        assert isinstance(answer, str) == (question in ERRORS), question
        assert _rounded(theirs[question]) == _rounded(answer), question


def _answers(python: Path, file: Path, questions: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-c", ASK, file], input=json.dumps(questions), capture_output=True, text=True, check=True, cwd="/"
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def _rounded(value: Any) -> Any:
    """Sums of floats may differ in the last bit."""
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 9) if isinstance(value, float) else value
