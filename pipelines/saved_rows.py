"""Rows in a file of the user's: CSV, Parquet or JSON, written whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipelines.failures import DISK, RefusedError

WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    ".csv": lambda rows, file: rows.write_csv(file),
    ".parquet": lambda rows, file: rows.write_parquet(file),
    ".json": lambda rows, file: rows.write_json(file),
}


def check_output(file: Path, force: bool) -> None:
    """Refuse a file that cannot be written, before anything is asked.

    Raises
    ------
    RefusedError
        Its ending says no format, its folder is not there, or it exists and `force` is not set.
    """
    if file.suffix.lower() not in WRITERS:
        raise RefusedError(f"--output {file}: the ending says the format, one of {', '.join(WRITERS)}")
    if not file.parent.is_dir():
        raise RefusedError(f"--output {file}: no folder {file.parent}; make it first")
    if file.is_dir() or (os.path.lexists(file) and not file.is_file()):
        raise RefusedError(f"--output {file}: is there and is no file; give another name")
    if file.exists() and not force:
        raise RefusedError(f"--output {file}: exists; give another name, or --force to replace it")


def save_rows(rows: pl.DataFrame, file: Path) -> None:
    """Write rows in the format of the file's ending; a file that is there is replaced in one step.

    Raises
    ------
    RefusedError
        The format does not hold a column, or the folder cannot be written to.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        WRITERS[file.suffix.lower()](rows, part)
        part.replace(file)
    except pl.exceptions.PolarsError as error:
        nested = [name for name, kind in rows.schema.items() if kind.is_nested()]
        why = f"a {file.suffix} file cannot hold {', '.join(nested) or error}"
        raise RefusedError(f"--output {file}: {why}; choose .parquet or .json, or leave the column out") from error
    except OSError as error:
        if error.errno in DISK:
            raise
        raise RefusedError(f"--output {file}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
