"""Which companies a profile names, in itself or in a list file."""

from pathlib import Path

import polars as pl

from resources.settings.profile import Profile, ProfileError
from resources.values.blank import visible
from resources.values.excerpt import excerpt, one_line
from resources.values.kinds import cik_of, cik_problem, ticker_of, ticker_problem


def named_companies(profile: Profile) -> list[tuple[str, str]]:
    """Return the tickers and CIKs that a profile or its list file names, each with where it stands.

    Raises
    ------
    ProfileError
        The list cannot be read or is empty, or a name is neither a ticker nor a CIK.
    """
    names = [(name, f"profile {profile.name}: tickers") for name in profile.tickers or ()]
    file = profile.descriptions.edgar.universe
    names += _lines(file) if file else []
    for name, where in names:
        _check_name(name, where)
    return names


def _check_name(name: str, where: str) -> None:
    if not name.isascii():
        raise ProfileError(f"{where}: {excerpt(name)}: EDGAR has no such ticker; write plain letters and digits")
    (cik, ticker), text = pl.select(cik=cik_of(pl.lit(name)), ticker=ticker_of(pl.lit(name))).row(0), name
    if text.isdigit() and cik is None:
        raise ProfileError(f"{where}: {cik_problem(text)}")
    if ticker is None:
        raise ProfileError(f"{where}: {ticker_problem(text)}")


def _lines(file: Path) -> list[tuple[str, str]]:
    """Return the names in a list file, one a line, with where they stand; what follows a # is a remark."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # Windows editors begin a file with a byte order mark
    except (OSError, ValueError) as error:
        raise ProfileError(f"descriptions.edgar.universe: {file} cannot be read: {one_line(error)}") from error
    lines = pl.Series("line", [line.partition("#")[0] for line in text.splitlines()], dtype=pl.String)
    shown = lines.to_frame().select(visible(visible(pl.col("line")).str.strip_chars_end(",")))["line"]
    names = [(line, f"{file} line {number}") for number, line in enumerate(shown, start=1) if line]
    if not names:
        raise ProfileError(f"descriptions.edgar.universe: {file} names no company; write one ticker or CIK a line")
    return names
