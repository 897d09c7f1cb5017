"""The types that columns of a file have: which of them are read as text, and how."""

import polars as pl

WHOLE = r"^-?[0-9]+$"
LARGEST_WHOLE_FLOAT = 2.0**53
"""Above it a float64 no longer tells a whole number from the next."""


def is_text(dtype: pl.DataType) -> bool:
    """Return whether a column holds text: strings, categories of strings, or nothing at all."""
    return dtype in {pl.String, pl.Null} or isinstance(dtype, pl.Categorical | pl.Enum)


def is_number(dtype: pl.DataType) -> bool:
    """Return whether a column holds numbers."""
    return dtype.is_numeric()


def text_of(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a column of text or numbers as text; whole numbers have no decimal point, and a NaN is null.

    pandas makes floats of integers where one is missing, so 320193.0 is 320193; what is not whole keeps its point.
    """
    if dtype.is_decimal():
        return column.cast(pl.String).str.replace(r"\.0*$", "")
    if not dtype.is_float():
        return column if dtype == pl.String else column.cast(pl.String)
    number = column.cast(pl.Float64).fill_nan(None)
    whole = number.is_finite() & (number == number.floor()) & (number.abs() < LARGEST_WHOLE_FLOAT)
    return (
        pl.when(whole)
        .then(pl.when(whole).then(number).cast(pl.Int64).cast(pl.String))
        .otherwise(number.cast(pl.String))
    )


def is_not_whole(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return where a column of numbers holds one that is not whole; `text` is what `text_of` made of it."""
    return ~text.str.contains(WHOLE).fill_null(True) if is_number(dtype) else pl.lit(False)
