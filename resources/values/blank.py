"""Which text says nothing: blanks, characters that nobody sees, and words for a missing value."""

import polars as pl

SHAPELESS = r"\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{2800}\x{3164}\x{FFA0}\x{FE00}-\x{FE0F}"
"""Letters and marks without a shape, as the Hangul filler, for use in a class of characters."""
UNSEEN = rf"[\s\p{{Cc}}\p{{Cf}}{SHAPELESS}]"
"""Spaces of any kind, control and zero-width characters, and what has no shape."""
MISSING = (
    "nan", "none", "null", "nil", "na", "nat", "n/a", "n.a", "n/d", "#n/a", "#n/a n/a", "<na>", "<null>", "#value!",
    "#ref!", "undefined", "unknown", "missing", "not available", "not applicable", "no description", "no data",
)  # fmt: skip
"""What pandas, spreadsheets, databases and people write where they have nothing, in lower case."""
MARKS = r"^[\p{P}\p{S}]*$"
"""Text of punctuation alone, as a dash."""
LETTER = r"\p{L}"
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
"""Letters of languages that put no spaces between words."""


def visible(text: pl.Expr) -> pl.Expr:
    """Return text without unseen characters at its ends, and each run of blanks or control characters as one space."""
    return text.str.replace_all(rf"^{UNSEEN}+|{UNSEEN}+$", "").str.replace_all(r"[\s\p{Cc}]+", " ")


def is_blank(text: pl.Expr) -> pl.Expr:
    """Return where there is no character that one could see; null counts as blank."""
    return text.str.contains(rf"^{UNSEEN}*$").fill_null(True)


def says_nothing(text: pl.Expr) -> pl.Expr:
    """Return where text is blank, punctuation alone, or a word for a missing value."""
    # Cut first: a text of megabytes is no such word, and need not be folded whole to see it.
    seen = visible(text.str.head(200)).str.to_lowercase().str.strip_chars(" .,;:'\"()[]")
    short = text.str.len_bytes() <= 200
    return is_blank(text) | (short & (seen.is_in(MISSING) | seen.str.contains(MARKS))).fill_null(False)


def is_one_word(text: pl.Expr) -> pl.Expr:
    """Return where a text is a single word; Chinese or Thai without a space counts as one only if it is short."""
    alone = ~visible(text).str.contains(" ", literal=True)
    return alone & (~text.str.contains(UNSPACED) | (text.str.len_chars() < 4))


def is_missing_word(value: str) -> bool:
    """Return whether one value is a word for a missing one."""
    return bool(pl.select(says_nothing(pl.lit(value))).item())
