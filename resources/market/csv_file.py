"""CSV files as tables of text, with the line numbers that an editor shows."""

import csv
import gzip
from collections import Counter
from pathlib import Path

import polars as pl

from resources.market.quotes import PriceError
from resources.values.excerpt import excerpt, one_line

FIRST_LINE_OF_DATA = 2
MOST_COLUMNS = 50_000
"""More than all stocks that were ever listed in one country; polars takes minutes over a few times as many."""
OTHER_SEPARATORS = ";\t|,"
OLD_LINE_ENDS = "its lines end with carriage returns alone; save it with the line ends of Unix or Windows"
STRAY_QUOTE = "a quotation mark without its partner or inside a field; put quotation marks around whole fields only"


def scan_csv(file: Path, separator: str, number: str) -> tuple[pl.LazyFrame, pl.Schema]:
    """Return the lines after the header, all columns as text and the line number in column `number`; and their schema.

    An empty field is null. Quotation marks, a byte order mark, Windows line ends, blank lines and gzip are allowed.

    Raises
    ------
    PriceError
        The file is not UTF-8, is empty, names a column twice, or a line has more or fewer fields than the header.
    """
    if not ((separator.isascii() and separator.isprintable()) or separator == "\t") or separator == '"':
        raise PriceError(
            f"prices {file}: {separator!r} cannot separate columns; set prices.separator to the separator of the file"
        )
    try:
        header = _header(file, separator)
        _check_lines(file, separator, len(header))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(file, error) from error
    rows = pl.scan_csv(
        file,
        separator=separator,
        with_column_names=lambda _: header,  # Polars would rename a repeated or empty name
        infer_schema=False,
        row_index_name=number,
        row_index_offset=FIRST_LINE_OF_DATA,
        glob=False,  # a file name may hold brackets
    )
    return rows, pl.Schema(dict.fromkeys(header, pl.String()))


def other_separator(header: str) -> str | None:
    """Return the likely separator of a header that was read as one column."""
    return next((mark for mark in OTHER_SEPARATORS if mark in header), None)


def _header(file: Path, separator: str) -> list[str]:
    first = pl.scan_lines(file, n_rows=1, glob=False).collect()["line"].to_list()
    line = "".join(first).removeprefix("\ufeff").rstrip("\r")
    if "\r" in line:
        raise PriceError(f"prices {file}: {OLD_LINE_ENDS}")
    if not line:
        empty = "line 1 is empty" if first and file.stat().st_size > len("\ufeff".encode()) else "an empty file"
        raise PriceError(f"prices {file}: {empty}; its first line must name the columns")
    header = next(csv.reader([line], delimiter=separator))
    if len(header) > MOST_COLUMNS:
        raise PriceError(
            f"prices {file}: line 1 names {len(header):,} columns; {MOST_COLUMNS:,} are read at most; drop some"
        )
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise PriceError(f"prices {file}: line 1 names the column {excerpt(twice[0])!r} twice; rename or drop one")
    return header


def _check_lines(file: Path, separator: str, columns: int) -> None:
    """Raise PriceError for lines that Polars would pad with nulls or join to the next line."""
    line = pl.col("line").str.strip_chars_end("\r").str.strip_prefix("\ufeff")
    # A quoted field shrinks to one quotation mark, so that separators inside it are not counted.
    plain = line.str.replace_all('(?:"[^"]*")+', '"')
    other = rf"[^\x{{{ord(separator):x}}}]"
    loose = line.str.count_matches('"', literal=True) % 2 == 1
    stray = loose | plain.str.contains(f'{other}"|"{other}')
    fields = plain.str.count_matches(separator, literal=True) + 1
    lines = pl.scan_lines(file, row_index_name="number", row_index_offset=1, glob=False)
    found = lines.select("number", blank=line == "", stray=stray, fields=fields)
    bad = found.filter(~pl.col("blank") & (pl.col("stray") | (pl.col("fields") != columns))).collect()
    if bad.height:
        number, _, is_stray, count = bad.row(0)
        what = STRAY_QUOTE if is_stray else _ragged(count, columns, separator)
        raise PriceError(f"prices {file}: line {number} has {what} ({bad.height} such line{'s' * (bad.height > 1)})")


def _ragged(fields: int, columns: int, separator: str) -> str:
    fix = "give every line as many fields as the header"
    if separator == "," and fields > columns:
        fix = "if the comma is the decimal mark, use another separator and set prices.decimal_comma"
    return f"{fields} field{'s' * (fields > 1)}, the header has {columns}; {fix}"


def _unreadable(file: Path, error: Exception) -> PriceError:
    """Return the error that says why the file cannot be read, with the line of the first byte that is not UTF-8."""
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        if content.startswith(b"PAR1"):
            return PriceError(f"prices {file}: a Parquet file; set prices.source: parquet")
        line = content.count(b"\n", 0, wrong.start) + 1
        return PriceError(f"prices {file}: line {line} is not UTF-8 text; save the file as CSV in UTF-8")
    except (OSError, EOFError) as broken:
        error = broken
    return PriceError(f"prices {file}: cannot be read as CSV: {one_line(error)}; save it as CSV in UTF-8")
