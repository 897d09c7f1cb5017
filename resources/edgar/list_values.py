"""Values in EDGAR's lists: each is what it should be, or None; whatever a server sends, none of them raises."""

import re
from datetime import date

MAX_JSON_BYTES = 50_000_000
"""The longest JSON that is parsed; the list of all tickers has less than one million bytes."""
MAX_JSON_PARTS = 1_000_000
"""Most lists and objects in it; the list of all tickers has ten thousand."""
_CIK = re.compile(r"[0-9]{1,10}")
_DAY = re.compile(r"[0-9]{4}(?:-[0-9]{2}-[0-9]{2}|[0-9]{4})")
_MONTH_AND_DAY = re.compile(r"[0-9]{4}")
_LEAP_YEAR = "2000"
FIRST_DAY = date(1993, 1, 1)
"""Of EDGAR's electronic filings."""


def cik(value: object) -> str | None:
    """Return a CIK with ten digits, from a number or a text of ASCII digits."""
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else value
    if isinstance(digits, str) and _CIK.fullmatch(digits) and int(digits) > 0:
        return digits.zfill(10)
    return None


def day(value: object) -> date | None:
    """Return the date written as YYYY-MM-DD or YYYYMMDD, since EDGAR began."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return None
    return found if found >= FIRST_DAY else None


def month_and_day(value: object) -> str | None:
    """Return a day of the year written as MMDD as MM-DD; 0229 is one."""
    if not isinstance(value, str) or not _MONTH_AND_DAY.fullmatch(value):
        return None
    return f"{value[:2]}-{value[2:]}" if day(_LEAP_YEAR + value) else None


def text(value: object, most: int) -> str | None:
    """Return a text that is not blank, has at most so many characters, and can be written as UTF-8."""
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        return None
    # A lone surrogate, which JSON may spell, is no character: no file and no table can hold it.
    return None if any("\ud800" <= letter <= "\udfff" for letter in value) else value
