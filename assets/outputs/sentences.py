"""The sentence around a token; `sql/macros/sentence.sql` does the same in SQL, a test holds the two together."""

import re

SIDE = 300
"""Characters on each side of a token that are looked at."""
# The blanks of DuckDB's `\s` are ASCII's, those of `\p{Z}` are all others; its `$` is the end of the text.
BLANK, LETTER = r"[\t\n\f\r ]", r"[^\t\n\f\r ]"
BEGINS = re.compile(rf"(?s)(?:.*(?:[.!?;]{BLANK}+|\n{BLANK}*\n))?(.*)\Z")
ENDS = re.compile(rf"(?s)(?:[^.!?;\n]|[.!?;]{LETTER}|\n[^\n])*[.!?;]?")
CUT_WORD_BEFORE, CUT_WORD_AFTER = re.compile(rf"\A{LETTER}*{BLANK}"), re.compile(rf"{BLANK}{LETTER}*\Z")
BLANKS = re.compile("[\t\n\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def sentence_around(text: str, start: int, end: int) -> str:
    """Return the sentence around characters `start` to `end` on one line, cut between words by `…` where it is long."""
    before, after = text[max(start - SIDE, 0) : start], text[end : end + SIDE]
    before = "… " + CUT_WORD_BEFORE.sub("", before) if start > SIDE else ". " + before
    if len(text) > end + SIDE:
        after = CUT_WORD_AFTER.sub(" …", after)
    begun, ended = BEGINS.search(before), ENDS.match(after)
    parts = (begun[1] if begun else "", text[start:end], ended[0] if ended else "")
    return BLANKS.sub(" ", "".join(parts)).strip(" ")
