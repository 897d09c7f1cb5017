"""Messages about values of a price file: what is wrong, and how to write the value instead."""

import math
import re
from typing import Any

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
SHORT_DATE = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}")
CURRENCIES = set("$€£¥")
MAX_EXCERPT = 40


def excerpt(value: Any) -> str:
    """Return the value for a message, as it stands in the file."""
    return "empty" if value is None or value == "" else str(value)[:MAX_EXCERPT]


def date_problem(value: Any) -> str:
    """Return why `value` is not a date, and the fix."""
    if value is None or value == "":
        return "empty: no date; drop the row"
    if SHORT_DATE.match(value):
        return f"{excerpt(value)}: day and month are ambiguous; write dates as 2004-01-02"
    return f"{excerpt(value)}: not a date; write dates as 2004-01-02"


def price_problem(value: Any, number: float | None, wanted: str, fix: str, decimal_comma: bool) -> str:
    """Return why `value` is not what is wanted, and the fix; `number` is what was parsed, NaN for other text."""
    if value is None or value == "":
        return f"empty: not {wanted}; {fix}"
    if isinstance(value, str) and math.isnan(number or 0) and value.lower().lstrip("+-") != "nan":
        return f"{excerpt(value)}: {_unreadable(value, fix, decimal_comma)}"
    return f"{excerpt(value)}: not {wanted}; {fix}"


def _unreadable(value: str, fix: str, decimal_comma: bool) -> str:
    if set(value) & CURRENCIES:
        return "a currency sign; write the number alone"
    if decimal_comma and "." in value:
        return "a point in a file with decimal commas; write 1234,5 without points"
    if THOUSANDS.fullmatch(value):
        return "a comma between digits; write 1234.5 without it, or set prices.decimal_comma if it is the decimal mark"
    if DECIMAL_COMMA.fullmatch(value):
        return "a decimal comma; set prices.decimal_comma"
    return f"not a number; {fix}"
