"""What a text has to be to count as a CIK, a SIC code, a ticker or a label, and what is wrong where it is not."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from resources.values.blank import MARKS, SHAPELESS, is_blank, is_missing_word, says_nothing, visible
from resources.values.excerpt import excerpt

CIK = r"^[0-9]{1,10}$"
SIC = r"^[0-9]{3,4}$"
LONGEST_TICKER = 40
SEEN = rf"[^\s\p{{C}}{SHAPELESS}]"
TICKER = rf"^{SEEN}(?:(?:{SEEN}| ){{0,{LONGEST_TICKER - 2}}}{SEEN})?$"
"""No blanks around it, none but plain spaces inside, nothing that cannot be seen: two that look alike are one."""
NO_TICKER = (
    "nan", "NaN", "None", "none", "null", "NaT", "N/A", "n/a", "#N/A", "#N/A N/A", "<NA>", "<null>",
)  # fmt: skip
"""What programs write for a missing ticker. In this case alone: NAN, NA and NULL are tickers somewhere."""
FLOAT_TICKER = r"^[0-9]+\.0+$"


@dataclass(frozen=True)
class Kind:
    """How a kind of value is read from text."""

    read: Callable[[pl.Expr], pl.Expr]
    """Text -> value, null where the text is none."""
    may_be_empty: Callable[[pl.Expr], pl.Expr]
    """Text -> where no value is no problem."""
    problem: Callable[[str | None], str]
    """A text that is refused -> itself, what is wrong, and the fix."""

    def is_wrong(self, text: pl.Expr) -> pl.Expr:
        """Return where a text is refused."""
        return self.read(text).is_null() & ~self.may_be_empty(text)


def cik_of(text: pl.Expr) -> pl.Expr:
    """Return CIKs as ten digits; null for anything but 1 to 10 digits with blanks around them, and for zero."""
    digits = text.str.strip_chars()
    number = pl.when(digits.str.contains(CIK)).then(digits.str.zfill(10))
    return pl.when(number != "0" * 10).then(number)


def sic_of(text: pl.Expr) -> pl.Expr:
    """Return SIC codes as four digits; null for anything but three or four digits with blanks around, and for 0."""
    digits = text.str.strip_chars()
    code = pl.when(digits.str.contains(SIC)).then(digits.str.zfill(4))
    return pl.when(code != "0000").then(code)


def ticker_of(text: pl.Expr) -> pl.Expr:
    """Return tickers as they are; null for what none can be."""
    odd = text.is_in(NO_TICKER) | text.str.contains(FLOAT_TICKER)
    return pl.when(text.str.contains(TICKER) & ~odd).then(text)


def label_of(text: pl.Expr) -> pl.Expr:
    """Return names and sectors without blanks around them; null where they say nothing."""
    return pl.when(~says_nothing(text)).then(visible(text))


def cik_problem(value: str | None) -> str:
    """Return why a text is no CIK, and the fix."""
    if value is None or is_missing_word(value):
        return f"{excerpt(value)}: no CIK; leave the cell null where a company has none"
    return f"{excerpt(value)}: not a CIK; write its 1 to 10 digits alone, as 320193, or null where a company has none"


def sic_problem(value: str | None) -> str:
    """Return why a text is no SIC code, and the fix."""
    return f"{excerpt(value)}: not a SIC code; give three or four digits alone, or leave it empty where it is not known"


def ticker_problem(value: str | None) -> str:
    """Return why a text is no ticker, and the fix."""
    if value is None or not value.strip():
        return "empty: no ticker; drop the row"
    if value in NO_TICKER or is_missing_word(value):
        return f"{excerpt(value)}: no ticker; drop the row"
    if value != value.strip():
        return f"'{excerpt(value)}': spaces around a ticker; write it without"
    if len(value) > LONGEST_TICKER:
        return f"{excerpt(value)}: {len(value)} characters, too long for a ticker; is it the right column?"
    if re.fullmatch(FLOAT_TICKER, value):
        return f"{excerpt(value)}: not a ticker; write it as text without a decimal point"
    return f"{excerpt(value)}: characters in a ticker that cannot be seen; write it without"


def _never(text: pl.Expr) -> pl.Expr:
    return pl.lit(False)


def _always(text: pl.Expr) -> pl.Expr:
    return pl.lit(True)


def _company_ticker(text: pl.Expr) -> pl.Expr:
    return pl.when(~text.str.contains(MARKS)).then(ticker_of(text))


_LABEL = Kind(label_of, _always, excerpt)
TICKER_KIND = Kind(ticker_of, _never, ticker_problem)
"""Of a price file, where a symbol may be a mark alone: no one asks for it unless a company is called so."""
KINDS: Mapping[str, Kind] = {
    "ticker": Kind(_company_ticker, _never, ticker_problem),
    "cik": Kind(cik_of, pl.Expr.is_null, cik_problem),
    "sic": Kind(sic_of, is_blank, sic_problem),
    "name": _LABEL,
    "sector": _LABEL,
    "industry": _LABEL,
    "exchange": _LABEL,
}
"""Column of a table of companies -> what it holds; days and texts have rules of their own."""
