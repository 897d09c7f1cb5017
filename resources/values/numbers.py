"""Numbers of a file: prices and volumes, unrounded, and what is wrong where a value is none."""

import math
import re
from typing import Any

import polars as pl

from resources.values.excerpt import excerpt

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
CURRENCIES = set("$€£¥")


def number_of(name: str, dtype: pl.DataType, decimal_comma: bool) -> pl.Expr:
    """Return a column as float64, unrounded: an empty value is null, text that is not a number is NaN."""
    value = pl.col(name)
    if dtype != pl.String:
        return value.cast(pl.Float64)
    text = value
    if decimal_comma:
        text = pl.when(~value.str.contains(".", literal=True)).then(value.str.replace(",", ".", literal=True))
    number = text.cast(pl.Float64, strict=False)
    is_written = value.is_not_null() & (value != "")
    return pl.when(is_written & number.is_null()).then(float("nan")).otherwise(number).alias(name)


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
