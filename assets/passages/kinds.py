"""What kind of passage it is: prose about the business, names and figures, or what every filing says."""

import re
from typing import Literal

Kind = Literal["text", "list", "heading", "boilerplate"]

PROSE_SHARE = 0.5
"""Share of the words of a passage that must be lower-case for it to be prose."""
_WORD = re.compile(r"[^\W\d_]{2,}|\d[\d,.]*")

BOILERPLATE = {
    "incorporated in": re.compile(
        r"\b(?:was|were|is|are|and|originally|first|company|corporation|inc\.|initially|re)[ -]?(?:re)?"
        r"(?:incorporated|organized|reorganized|formed|founded|established|chartered)\b"
        r"(?=[^.;]{0,60}?\b(?:in|on|under|as|by)\b)(?=[^.]{0,120}?(?:\b1[789]\d\d\b|\b20\d\d\b|\blaws? of\b|\bstate of\b))",
        re.I,
    ),
    "headquartered in": re.compile(
        r"\b(?:is|are) (?:head-?quartered|based) (?:in|at)\b|\b(?:its|our|the company'?s|whose|the) (?:principal |corporate )?"
        r"(?:executive )?(?:offices?|headquarters|head office)\b[^.]{0,60}\b(?:is|are|located|at)\b|"
        r"\btelephone number\b|\bmaintains its (?:principal|executive|corporate)",
        re.I,
    ),
    "employees": re.compile(
        r"\b(?:employed|employs|employ|had|has|have|with)\b[^.]{0,80}\b\d[\d,]*\b[^.]{0,60}"
        r"\b(?:employees|persons|people|associates|workers|individuals|full[- ]time)\b|"
        r"\brelations?(?:hips?)? with (?:its |our |the )?(?:\w+ )?employees\b|\bcollective[- ]bargaining\b|"
        r"\brepresented by (?:a |any |labor )?unions?\b|\bemployee relations\b|\blabor relations\b",
        re.I,
    ),
    "available information": re.compile(
        r"\b(?:free of charge|available (?:on|at|through) (?:its|our|the company'?s) (?:internet )?web ?site|"
        r"securities and exchange commission|annual report on form|form 10-[kq]|form 8-k|proxy statement|"
        r"incorporated (?:herein )?by reference|investor relations)\b|\bwww\.",
        re.I,
    ),
    "forward-looking": re.compile(
        r"\bforward[- ]looking statements?\b|\bprivate securities litigation reform\b|\bactual results (?:could|may|to) differ\b",
        re.I,
    ),
    "reference": re.compile(
        r"^\s*(?:see|refer to|for (?:a |further |additional |more )?(?:discussion|information|description|details))\b|"
        r"\bmanagement'?s discussion and analysis\b|\bnotes? (?:\d+ )?(?:to|of) (?:the )?(?:consolidated )?financial statements\b|"
        r"\bas used (?:herein|in this)\b|\b(?:unless|except where) the context\b|\bthe (?:term|terms|words) [\"“']|"
        r"\bformerly (?:known as|named)\b|\bchanged (?:its|the) name\b|\bcertain (?:information|statements) (?:in|contained)\b",
        re.I,
    ),
}
"""What every filing says, whatever its business: name of the rule -> what tells it."""


def kind_of(passage: str, *, is_heading: bool = False) -> tuple[Kind, str | None]:
    """Return the kind of a passage, and of boilerplate the rule that told it."""
    if is_heading:
        return "heading", None
    for name, rule in BOILERPLATE.items():
        if rule.search(passage):
            return "boilerplate", name
    return ("text" if is_prose(passage) else "list"), None


def is_prose(passage: str) -> bool:
    """Whether at least half of the words begin in lower case; names, places and figures do not."""
    words = _WORD.findall(passage)
    return bool(words) and sum(word[0].islower() for word in words) >= PROSE_SHARE * len(words)
