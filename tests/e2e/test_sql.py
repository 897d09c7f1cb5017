"""`peerlens sql` reads the tables of the warehouse, and nothing else; an answer goes to a file with --output."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from peerlens_command import peerlens

TINY = ("--profile", "tiny")


def refusal(home: Path, *arguments: str) -> str:
    """The one line that a refused command says after the banner."""
    done = peerlens(home, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    *_, line = done.stderr.splitlines()
    assert line.startswith("peerlens: ") and "Traceback" not in done.stderr
    return line


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("from read_text('{outside}')", "only the tables that `peerlens sql 'show tables'` lists can be read"),
        ("from '{outside}'", "does not exist"),
        ("from read_text('{lake}/references.json')", "only the tables"),
        ("from read_text('{lake}/tickers/../references.json')", "only the tables"),
        ("from glob('{folder}/*')", "only the tables"),
        ("from read_csv('https://example.com/a.csv')", "only the tables"),
        ("from duckdb_secrets()", "only the tables"),
        (
            "copy tickers to '{target}'",
            "copy is refused, the warehouse is read-only; `--output FILE` writes the answer",
        ),
        ("with x as (copy tickers to '{table}/x.csv') from x", "copy is refused"),
        ("from json_execute_serialized_sql('')", "json_execute_serialized_sql() is refused"),
        ("attach '{target}' as x", "attach is refused, the warehouse is read-only; ask with select"),
        ("export database '{target}'", "export is refused"),
        ("set threads = 1", "set is refused"),
        ("set variable peerlens_lake = '/'", "set is refused"),
        ("install httpfs", "load is refused"),
        ("load httpfs", "load is refused"),
        ("create temp table x as from tickers", "create is refused"),
        ("create table x as pivot tickers on ticker", "read-only"),
        ("from enable_logging('QueryLog', storage = 'file', storage_path = '{table}/x.csv')", "locked"),
        ("pragma database_list", "pragma is refused"),
        ("select 1; select 2", "2 statements; ask one at a time"),
        (" -- nothing", "no statement"),
        ("from pl", "does not exist"),
        ("select 'infinity'::date as a", "column a holds a day outside of the years 1 to 9999; cast it to varchar"),
        ("select '-infinity'::timestamp as a", "column a holds a day outside"),
        ("select ['infinity'::date] as a", "column a holds a day outside"),
        ("select {{'b': ['infinity'::timestamp]}} as a", "column a holds a day outside"),
        ("select map {{'b': 'infinity'::date}} as a", "column a holds a day outside"),
        ("from\u00a0query('select 1')", "query() is refused"),
        ("select 1 from\u2003query\u200b('select 1')", "query() is refused"),
    ],
)
def test_what_is_no_question_about_the_tables_is_refused(
    tiny_home: Path, tmp_path: Path, query: str, says: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    lake = tiny_home / "tiny"
    (table,) = lake.glob("tickers/all/*/tickers")
    there = sorted(path for path in lake.rglob("*") if path.suffix != ".lock")
    places = {"outside": tmp_path / "secret.txt", "folder": tmp_path, "target": tmp_path / "x", "lake": lake}
    assert says in refusal(tiny_home, "sql", query.format(table=table, **places), *TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]
    assert sorted(path for path in lake.rglob("*") if path.suffix != ".lock") == there


@pytest.mark.parametrize(
    "query",
    [
        "from tickers",
        "show tables",
        "describe tickers",
        "summarize tickers",
        "pivot tickers on ticker",
        "values (1);",
        "explain from tickers",
        "with x as (from tickers) from x",
        "from peers('KO')",
        "select 'copy' as \"copy\"",
        "select interval 1 month as a, 'x'::blob as \"b\"\"c\", {'d': union_value(e := 1)}",
    ],
)
def test_questions_are_answered(tiny_home: Path, query: str) -> None:
    done = peerlens(tiny_home, "sql", query, "--json", *TINY)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_a_home_with_brackets_and_quotes_in_its_name_answers(tiny_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(tiny_home, tmp_path / "a[1] *b%20 'c'", symlinks=True))
    rows = [peerlens(one, "peers", "KO", "--json", *TINY) for one in (home, tiny_home)]
    assert rows[0].returncode == 0, rows[0].stderr
    assert rows[0].stdout == rows[1].stdout


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.json", "ROWS.CSV"])
def test_an_answer_goes_to_a_file_once(tiny_home: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    ask = ("sql", "select ticker, company_id from tickers order by ticker", "--output", str(file), *TINY)
    done = peerlens(tiny_home, *ask)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == f"6 rows written to {file}"
    read = {".csv": lambda f: pl.read_csv(f, infer_schema=False), ".parquet": pl.read_parquet, ".json": pl.read_json}
    rows = read[file.suffix.lower()](file)
    assert rows["ticker"].to_list() == ["CL", "INTC", "KO", "MU", "PEP", "PG"]
    assert rows["company_id"][2] == "0000021344"
    before = file.stat().st_mtime_ns
    assert "exists; give another name, or --force to replace it" in refusal(tiny_home, *ask)
    assert file.stat().st_mtime_ns == before
    assert peerlens(tiny_home, *ask, "--force").returncode == 0
    assert file.stat().st_mtime_ns > before
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["peers.csv", "peers.parquet"])
def test_a_network_is_in_its_file_as_in_the_lake(tiny_home: Path, tmp_path: Path, name: str) -> None:
    file, links = tmp_path / name, tiny_home / "tiny" / "peer_network" / "2006-12"
    done = peerlens(tiny_home, "network", "--method", "tfidf", "--as-of", "2006-12", "-o", str(file), *TINY)
    assert (done.returncode, done.stdout) == (0, "")
    types = {"year": pl.Int64, "score": pl.Float64}
    rows = pl.read_csv(file, infer_schema=False).cast(types) if file.suffix == ".csv" else pl.read_parquet(file)
    stored = pl.read_parquet(links / "*" / "peer_network" / "*.parquet").filter(method="tfidf")
    assert rows.columns == ["year", "company1", "company2", "score", "ticker1", "ticker2"]
    layout = ("company1", "company2", "score")
    assert rows.select(layout).rows() == stored.select(layout).sort("company1", "company2").rows()
    assert set(rows["year"]) == {2006} and rows.height > 0
    assert set(rows.select("company2", "company1").rows()) == set(rows.select("company1", "company2").rows())


def test_a_method_without_a_network_is_refused_with_those_that_have_one(tiny_home: Path) -> None:
    line = refusal(tiny_home, "network", "--method", "sic4", *TINY)
    assert line.startswith("peerlens: method sic4 has no network; these have: embedding, lm_mean, past_corr, sae, ")


@pytest.mark.parametrize(
    ("name", "query", "says"),
    [
        ("rows.xlsx", "from tickers", "the ending says the format, one of .csv, .parquet, .json"),
        ("rows", "from tickers", "the ending says the format"),
        ("nowhere/rows.csv", "from tickers", "no folder"),
        ("folder.csv", "from tickers", "is there and is no file"),
        ("rows.csv", "from clusters('2006-12')", "a .csv file cannot hold members; choose .parquet or .json"),
        ("rows.csv", "selct 1", "syntax error"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_line(
    tiny_home: Path, tmp_path: Path, name: str, query: str, says: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert says in refusal(tiny_home, "sql", query, "--output", str(tmp_path / name), *TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_a_hint_names_the_profile_as_it_was_asked_for(tmp_path: Path) -> None:
    profile = tmp_path / "my profile.yaml"
    profile.write_text("name: mine\n", encoding="utf-8")
    line = refusal(tmp_path / "home", "peers", "KO", "--profile", str(profile))
    assert line.endswith(f"run `peerlens refresh --profile '{profile}'` first")
    assert refusal(tmp_path / "home", "peers", "KO", *TINY).endswith("run `peerlens refresh --profile tiny` first")
