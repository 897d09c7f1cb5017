"""What a question may do: read the tables of the warehouse, and nothing else.

A DuckDB file that is open read-only still reads and writes other files, loads extensions and reads variables of this
program. Settings forbid that, and are then locked. They let whoever may read a folder write there, too: a look at the
statement forbids that.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
from duckdb import StatementType

from pipelines.failures import RefusedError

QUESTIONS = (StatementType.SELECT, StatementType.EXPLAIN, StatementType.MULTI)
"""`show`, `describe`, `summarize` and `from` are selects; a `pivot` is several statements."""
HIDING = ("query", "json_execute_serialized_sql")
"""Functions that run a statement given as text."""
SPACES = re.compile(r"[^\S\n]|[\u200b-\u200f\u2060\ufeff]")
"""What DuckDB reads as blanks between words and its tokenizer as part of a word: `from\u00a0query(...)`."""
TEXT_ONLY = re.compile(r"\b(INTERVAL|UNION|BIT|BLOB|BIGNUM|VARINT|VARIANT|GEOMETRY|TIME WITH TIME ZONE)\b")
LOCKED = (
    "set python_enable_replacements = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


def restrict(connection: duckdb.DuckDBPyConnection, folders: Iterable[Path]) -> None:
    """Let a connection read files in these folders alone, for as long as it is open.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Open read-only.
    folders : iterable of Path
        Folders of tables.
    """
    # Connections of one process to one file share their settings: then the first one has locked them.
    if connection.sql("select current_setting('lock_configuration')").fetchall() == [(True,)]:
        return
    # A view names its files as patterns (sql/macros/lake_files.sql). DuckDB checks the pattern, and then the file.
    names = sorted({name for folder in folders for name in (str(folder), re.sub(r"([\[*?])", r"[\1]", str(folder)))})
    connection.execute(f"set allowed_directories = [{', '.join(map(quoted, names))}]")
    for setting in LOCKED:
        connection.execute(setting)


def quoted(text: str) -> str:
    """Return a text as SQL writes it; settings and variables take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def asked_in_sql(query: str) -> Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation | None]:
    """Return what asks a connection this query; raises as `check_question` when it is called."""

    def ask(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation | None:
        check_question(query)
        found: duckdb.DuckDBPyRelation | None = connection.sql(query)
        return None if found is None else _readable(found)

    return ask


def _readable(found: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return rows with those columns as text that polars has no type for."""
    text = [bool(TEXT_ONLY.search(str(kind))) for kind in found.types]
    if not any(text):
        return found
    names = ['"' + name.replace('"', '""') + '"' for name in found.columns]
    casts = ("::varchar as " + name if cast else " as " + name for name, cast in zip(names, text, strict=True))
    return found.project(", ".join(f"#{place}{cast}" for place, cast in enumerate(casts, 1)))


def check_question(query: str) -> None:
    """Refuse what is no question; wrong SQL raises duckdb.ParserException.

    Raises
    ------
    RefusedError
        There is no statement or more than one, or it would write, attach, load or set something.
    """
    statements = duckdb.extract_statements(query)
    if not statements:
        raise RefusedError("sql: no statement; ask with select or from")
    if len(statements) > 1:
        raise RefusedError(f"sql: {len(statements)} statements; ask one at a time")
    (statement,) = statements
    words = list(_words(query))
    # In DuckDB 2.0 `with x as (copy ... to ...) from x` is a select, and writes.
    if statement.type == StatementType.COPY or "copy" in words:
        raise RefusedError(
            "sql: copy is refused, the warehouse is read-only; `--output FILE` writes the answer to a .csv, .parquet "
            'or .json file (a column called copy needs quotes, "copy")'
        )
    if hidden := next((word for word, after in pairwise(words) if word.strip('"') in HIDING and after == "("), None):
        raise RefusedError(f"sql: {hidden}() is refused, it hides a statement in a text; ask that statement itself")
    if statement.type not in QUESTIONS:
        raise RefusedError(
            f"sql: {statement.type.name.lower()} is refused, the warehouse is read-only; ask with select, from, show, "
            "describe or summarize"
        )


def _words(query: str) -> Iterator[str]:
    """Yield names, with quotes where they have some, keywords, and the first letter of all else, in lower case."""
    spaced = SPACES.sub(" ", query)
    encoded = spaced.encode()  # the tokenizer counts bytes
    for start, kind in duckdb.tokenize(spaced):
        if kind != duckdb.token_type.comment:
            word = re.match(rb'"[^"]*"|\w+|.', encoded[start:], re.DOTALL)
            yield word[0].decode(errors="replace").lower() if word else ""
