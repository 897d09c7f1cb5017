"""Wrong use, wrong settings, failing runs: one line that says what, where and what to do, and the right exit status."""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest
from own_data import write_own_data
from peerlens_command import peerlens, start

TINY = ("--profile", "tiny")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without a lake."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and time of change; folders by name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_size, status.st_mtime_ns) if path.is_file() else (0, 0)
    return found


def refusal(home: Path, *arguments: str, status: int = 2) -> str:
    """The one line that a refused command says; nothing else is printed, nothing is written."""
    before = tree(home.parent) if home.parent.is_dir() else {}
    done = peerlens(home, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert (tree(home.parent) if home.parent.is_dir() else {}) == before
    (line,) = done.stderr.splitlines()
    return line


def own_profile(home: Path, change: tuple[str, str]) -> str:
    profile = write_own_data(home)
    text = profile.read_text(encoding="utf-8")
    assert change[0] in text
    profile.write_text(text.replace(*change), encoding="utf-8")
    return str(profile)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("filing_years:", "filing_year:"), "filing_year: unknown key; did you mean 'filing_years'?"),
        (("groups: {count", "groups: {cuont"), "groups.cuont: unknown key; did you mean 'count'?"),
        (("[2004, 2007]", "[2004, 2009]"), "filing_years: no filing of 2009; the source has 2004, 2007"),
        (('last: "2007-12"', 'last: "2009-12"'), "as_of.last: 2009-12 is after the last price, 2007-12-31"),
        (('first: "2007-10"', 'first: "1999-12"'), "as_of.first: 1999-12 is not after the first price"),
        (("filing_years", "tickers: [XOM, ZZZZ]\nfiling_years"), "tickers: 'ZZZZ' is not in"),
        (("groups:", "model: {source: folder, path: nowhere}\ngroups:"), "nowhere has no config.json"),
        (("groups:", "embedder: {source: folder, path: nowhere}\ngroups:"), "needs a folder with a model in it"),
        (("path: quotes.parquet", "path: quots.parquet"), "quots.parquet: no such file"),
        (("adj_close: Close", "adj_close: Closing"), "no column Closing; it has Symbol, Day, Close"),
        (("text: What they do", "text: What"), "descriptions.columns.text: 'What' is not a column"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(home: Path, change: tuple[str, str], says: str) -> None:
    line = refusal(home, "refresh", "--profile", own_profile(home, change))
    assert line.startswith("peerlens: ")
    assert says in line


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("Register", "nan", "texts.parquet: row 8, column Register: nan: no CIK; leave the cell null where"),
        ("Register", "34088.0", "texts.parquet: row 8, column Register: 34088.0: not a CIK; write its 1 to 10 digits"),
        ("Symbol", "XOM ", "texts.parquet: row 8, column Symbol: 'XOM ': spaces around a ticker; write it without"),
        ("Published", "12/01/2004", "texts.parquet: row 8, column Published: 12/01/2004: day and month are ambiguous"),
    ],
)
def test_the_last_value_of_a_table_is_refused_before_anything_is_written(
    home: Path, column: str, value: str, says: str
) -> None:
    profile, texts = str(write_own_data(home)), pl.read_parquet(home / "texts.parquet")
    written = texts[column].cast(pl.String)
    texts.with_columns(pl.Series(column, [*written[:-1], value])).write_parquet(home / "texts.parquet")
    line = refusal(home, "refresh", "--profile", profile)
    assert says in line and line.endswith("(1 such row)")


@pytest.mark.parametrize("name", ["models", "hub", "yahoo", "edgar", "dagster", "tables"])
def test_a_profile_called_like_a_folder_of_the_home_is_refused(home: Path, name: str) -> None:
    profile = write_own_data(home).rename(home / f"{name}.yaml")
    line = refusal(home, "refresh", "--profile", str(profile))
    assert f"name: '{name}' is taken: PEERLENS_HOME keeps what all profiles share in models, hub" in line


def test_a_home_in_which_duckdb_can_write_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "what?").mkdir()
    line = refusal(tmp_path / "what?", "refresh", *TINY)
    assert line.endswith("what? has a question mark, where DuckDB can write no file; rename it")


def test_a_profile_that_is_not_there_is_named(home: Path) -> None:
    assert "profile 'tinny': not bundled (edgar, paper, sample, tiny" in refusal(home, "refresh", "--profile", "tinny")
    assert "no such file" in refusal(home, "status", "--profile", "tinny.yaml")


def test_a_lake_that_cannot_be_written_to_is_named() -> None:
    # chmod does not stop root: a path below a file does.
    line = refusal(Path("/dev/null/lake"), "refresh", *TINY)
    assert line.endswith("set PEERLENS_HOME to a writable folder")
    assert "/dev/null/lake" in line


def test_questions_need_a_warehouse(home: Path) -> None:
    assert "run `peerlens refresh --profile tiny` first" in refusal(home, "peers", "KO", *TINY)


def test_questions_about_nobody_are_refused(tiny_home: Path) -> None:
    assert refusal(tiny_home, "peers", "PEPP", *TINY) == (
        "peerlens: 'PEPP' is not a company of profile tiny; did you mean PEP?"
    )
    assert "'ZZZZ' is not a company" in refusal(tiny_home, "why", "KO", "ZZZZ", *TINY)
    line = refusal(tiny_home, "sql", "selct 1", *TINY)
    assert "syntax error" in line and "show tables" in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("refresh", "--nope"), "No such option '--nope'; see `peerlens refresh --help`"),
        (("peers",), "Missing argument 'COMPANY'; see `peerlens peers --help`"),
        (("freshen",), "No such command 'freshen'. Did you mean 'refresh'; see `peerlens --help`"),
    ],
)
def test_wrong_use_is_one_line(home: Path, arguments: tuple[str, ...], says: str) -> None:
    assert refusal(home, *arguments) == f"peerlens: {says}"


def test_help_is_no_error(home: Path) -> None:
    for arguments in ((), ("--help",)):
        done = peerlens(home, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "refresh" in done.stdout


def test_a_second_refresh_ends_at_once(lake_copy: Path) -> None:
    with (lake_copy / "tiny" / "refresh.lock").open("a+") as lock:
        lock.write("2026-01-01 06:00:00 (process 1)")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        line = refusal(lake_copy, "refresh", *TINY, status=3)
    assert line == "peerlens: refresh in progress since 2026-01-01 06:00:00 (process 1)"


def test_a_failing_run_says_what_failed_and_where_the_story_is(home: Path, models_home: Path) -> None:
    (home / "models").symlink_to(models_home, target_is_directory=True)
    profile = own_profile(home, ("ce_tokens: 20}", "ce_tokens: 20}\nembedder: {chunk_tokens: 2}"))
    done = peerlens(home, "refresh", "--profile", profile)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    log = home / "own" / "failure.log"
    assert last.startswith("peerlens: company_embeddings 2004 failed: ChunkLengthError: embedder.chunk_tokens 2")
    assert last.endswith(f"; details: {log}")
    assert "Traceback" not in done.stderr
    assert "resources/models/embedder.py" in log.read_text(encoding="utf-8")


def test_no_bar_and_no_warning_where_standard_error_is_no_terminal(lake_copy: Path) -> None:
    for asset in ("saes", "company_embeddings", "sae_scores"):
        assert subprocess.run(["rm", "-r", lake_copy / "tiny" / asset], check=True).returncode == 0
    done = peerlens(lake_copy, "refresh", *TINY)
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert lines[-1] == "4 bodies executed"
    assert all(" s  " in line for line in lines[:-1]), done.stderr


def test_ctrl_c_ends_with_one_line(lake_copy: Path) -> None:
    subprocess.run(["rm", "-r", lake_copy / "tiny" / "saes"], check=True)
    process = start(lake_copy, "refresh", *TINY)
    place = lake_copy / "tiny" / "saes" / "all"
    while not [path for path in place.glob("*") if path.is_dir()]:
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("peerlens: interrupted")
    assert "Traceback" not in err
