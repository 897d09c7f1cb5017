"""What is wrong with a value of a price file, and how to write it instead."""

import math
import re
from typing import Any

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
SHORT_DATE = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}")
CURRENCIES = set("$€£¥")
SHOWN = 40


def shown(value: Any) -> str:
    """The value for a message, as it stands in the file."""
    return "empty" if value is None or value == "" else str(value)[:SHOWN]


def date_complaint(value: Any) -> str:
    """Why `value` is not a day, and the fix."""
    if value is None or value == "":
        return "empty: no date; drop the row"
    if SHORT_DATE.match(value):
        return f"{shown(value)}: day and month cannot be told apart; write dates as 2004-01-02"
    return f"{shown(value)}: not a date; write dates as 2004-01-02"


def price_complaint(value: Any, number: float | None, wanted: str, fix: str, decimal_comma: bool) -> str:
    """Why `value`, read as `number` (NaN where it is none), is not what is wanted, and the fix."""
    if value is None or value == "":
        return f"empty: not {wanted}; {fix}"
    if isinstance(value, str) and math.isnan(number or 0) and value.lower().lstrip("+-") != "nan":
        return f"{shown(value)}: {_unreadable(value, fix, decimal_comma)}"
    return f"{shown(value)}: not {wanted}; {fix}"


def _unreadable(value: str, fix: str, decimal_comma: bool) -> str:
    if set(value) & CURRENCIES:
        return "a currency sign; write the number alone"
    if decimal_comma and "." in value:
        return "a point in a file of decimal commas; write 1234,5 without points"
    if THOUSANDS.fullmatch(value):
        return "a comma between digits; write 1234.5 without it, or set prices.decimal_comma if it is the decimal one"
    if DECIMAL_COMMA.fullmatch(value):
        return "a decimal comma; set prices.decimal_comma"
    return f"not a number; {fix}"
