"""What every section of a profile has in common: kinds of values, each with its bounds."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _no_switch(value: Any) -> Any:
    # Python's True is 1, so `seed: on` would be a seed of 1.
    if isinstance(value, bool):
        raise ValueError("a number is expected, not a switch")
    return value


def _iso_day(value: Any) -> Any:
    # A bare number would be seconds since 1970.
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a day is expected, as 2004-12-31")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"no day of the calendar, {error}") from error


def _some_place(value: Any) -> Any:
    # An empty path is the folder that the profile is in.
    if isinstance(value, str) and not value.strip():
        raise ValueError("a path is expected, not blanks; leave it out, or null, for none")
    return value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("a text is expected, not blanks; leave it out, or null, for none")
    return text


def _month(text: str) -> str:
    if not re.fullmatch(MONTH, text):
        raise ValueError("a month is expected, as 2004-12")
    return text


Many = TypeVar("Many", bound=Sequence[Any])


def _each_once(values: Many) -> Many:
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} is there twice; keep one of them")
        seen.add(value)
    return values


Whole = Annotated[int, BeforeValidator(_no_switch)]
"""A whole number."""
Real = Annotated[float, BeforeValidator(_no_switch), Field(allow_inf_nan=False)]
"""A finite number."""

MONTH = r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$"
Month = Annotated[str, AfterValidator(_month)]
Day = Annotated[date, BeforeValidator(_iso_day), Field(ge=date(1900, 1, 1), lt=date(3000, 1, 1))]
Year = Annotated[Whole, Field(ge=1900, le=2999)]
Share = Annotated[Real, Field(ge=0, le=1)]
ShareBelowOne = Annotated[Real, Field(ge=0, lt=1)]
Text = Annotated[str, AfterValidator(_not_blank)]
Place = Annotated[Path, BeforeValidator(_some_place)]
WebAddress = Annotated[str, Field(pattern=r"^https?://[^/\s]+")]

Positive = Annotated[Whole, Field(gt=0, le=10**12)]
"""A count that data or machine bound before this does."""
Tokens = Annotated[Whole, Field(gt=0, le=10**7)]
"""Tokens that are in memory at once."""
Months = Annotated[Whole, Field(gt=0, le=1200)]
"""A span of time, at most a century."""
Block = Annotated[Whole, Field(ge=0, le=999)]
"""Zero-based block of a language model."""
LearningRate = Annotated[Real, Field(gt=0, le=1)]
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
"""What random numbers start from; NumPy takes none below 0."""

Once = AfterValidator(_each_once)
"""Of a list: no value twice."""


class Section(BaseModel):
    """Part of a profile."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
