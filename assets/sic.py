"""The one rule for SIC codes: which code a company has at a date, and the groups that a code falls into.

At an as-of date a company has the code of its newest described filing known then (`assets.known_at`), as filed: a
filing without a text does not count. Nothing stands in where that filing has no code: an older filing's code may be of
another business, and today's would be look-ahead. Table `sic_groups` holds the code and its groups for every as-of
date; SQL and pages read them there.
"""

import re
from typing import NamedTuple

import polars as pl

from resources.settings.clusters import SicLevel

MAJOR_GROUP_DIGITS = 2
INDUSTRY_GROUP_DIGITS = 3


class Division(NamedTuple):
    """A division of the SIC manual, and the two-digit major groups it runs from and to."""

    letter: str
    name: str
    first: int
    last: int


DIVISIONS = (
    Division("A", "Agriculture", 1, 9),
    Division("B", "Mining", 10, 14),
    Division("C", "Construction", 15, 17),
    Division("D", "Manufacturing", 20, 39),
    Division("E", "Transport and utilities", 40, 49),
    Division("F", "Wholesale", 50, 51),
    Division("G", "Retail", 52, 59),
    Division("H", "Finance", 60, 67),
    Division("I", "Services", 70, 89),
    Division("J", "Public administration", 91, 99),
)
UNKNOWN_DIVISION = "Not known"


class SicError(ValueError):
    """Something that is not a SIC code."""


def sic_group(code: str | None, level: SicLevel) -> str | None:
    """Return the group that a SIC code belongs to; None without a code, or where its major group is in no division.

    Parameters
    ----------
    code : str or None
        Three or four digits; three are a code whose leading zero was lost.
    level : str
        `sic4`, all four digits; `major_group`, the first two; `division`, a letter of `DIVISIONS`.

    Raises
    ------
    SicError
        The code is not three or four digits.
    """
    if not code:
        return None
    if not re.fullmatch(r"[0-9]{3,4}", code):
        raise SicError(f"SIC code {code!r} is not three or four digits; leave it empty where it is not known")
    padded = code.zfill(4)
    major_group = padded[:MAJOR_GROUP_DIGITS]
    division = next((d.letter for d in DIVISIONS if d.first <= int(major_group) <= d.last), None)
    if division is None:
        return None
    return {"sic4": padded, "major_group": major_group, "division": division}[level]


def industry_group(code: str | None) -> str | None:
    """Return the first three of a code's four digits; None where `sic_group` has none. Raises SicError as it does."""
    padded = sic_group(code, "sic4")
    return padded[:INDUSTRY_GROUP_DIGITS] if padded else None


def division_name(letter: str | None) -> str:
    """Return what people call a division; `Not known` for None."""
    return next((division.name for division in DIVISIONS if division.letter == letter), UNKNOWN_DIVISION)


def sic_groups(filings: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `sic_groups` without as_of: the code of each filing, and the groups it falls into.

    Parameters
    ----------
    filings : DataFrame
        Columns company_id, accession and sic: the newest filing of every company known at the as-of date.

    Raises
    ------
    SicError
        A code is not three or four digits.
    """
    codes = filings["sic"].to_list()
    levels: tuple[SicLevel, ...] = ("major_group", "division")
    groups = [pl.Series(level, [sic_group(code, level) for code in codes], pl.String) for level in levels]
    return filings.select("company_id", "accession", "sic").with_columns(groups)
