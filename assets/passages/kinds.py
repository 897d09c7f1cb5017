"""What kind of passage it is: prose about the business, names and figures, or what every filing says."""

import re
from typing import Literal, NamedTuple

Kind = Literal["text", "list", "heading", "boilerplate"]

PROSE_SHARE = 0.35
"""Share of the words of a passage that must begin without a capital for it to be prose. Of real filings, sentences on
segments and brands ("through four segments: Engine Products, ...") are above it, and tables are below it."""
_WORD = re.compile(r"[^\W\d_]{2,}|\d[\d,.]*")
# A clause behind ", and" counts for itself: "..., and the head office is near Dallas" makes no boilerplate of the rest.
_CLAUSE_END = re.compile(r"(?<=[.!?;])\s+|,\s+and\s+")


class Rule(NamedTuple):
    """Tells boilerplate by its words; the name is the value of column `rule`."""

    name: str
    pattern: re.Pattern[str]
    """Is looked for in the lower-cased passage."""
    longest: int = 10_000
    """A longer passage (characters) says more than that, so the rule leaves it alone."""


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_YEAR_OR_LAW = r"(?:\b(?:1[789]|20)\d\d\b|\blaws? of\b|\bstate of\b)"
_NOTES = r"\bnotes? (?:[\da-z]{1,2} )?(?:to|of) (?:the )?(?:consolidated )?financial statements"

_FORMED = r"(?:re)?(?:incorporated|organized|formed|founded|established|chartered)"
_COUNTED = r"\d[\d,]*(?:,? [a-z-]+){0,5}?"

RULES = (
    Rule(
        "incorporated in",
        _any_of(
            # "X, formed in 1990, makes paper" and "which was founded in 1869" say something else in the main clause.
            rf"(?<!which )\b(?:was|were|is|are) (?:[a-z]+ )?{_FORMED}\b"
            rf"(?=[^.;]{{0,60}}?\b(?:in|on|under|as|by)\b)(?=[^.]{{0,120}}?{_YEAR_OR_LAW})",
            rf"^(?:originally |first )?{_FORMED} (?:in|under)\b",
            rf"^an? [a-z ]{{0,20}}corporation {_FORMED} under the laws",
            r"\bformerly (?:known as|named|called)\b",
            r"\bchanged (?:its|the) (?:corporate )?name\b",
        ),
        longest=240,
    ),
    Rule(
        "headquartered in",
        _any_of(
            r"(?<!which )\b(?:is|are) (?:head-?quartered|based) (?:in|at)\b",
            r"^(?:head-?quartered|based) (?:in|at)\b",
            r"\b(?:principal|executive|corporate|head|home|main)(?: (?:executive|corporate|business))? "
            r"(?:offices?|headquarters)(?: of [^,.]{0,50})? (?:is|are) (?:currently )?(?:located |in |at |on |near )",
            r"\bhas its [a-z ]{0,30}(?:offices?|headquarters) (?:in|at)\b",
            r"\bheadquarters (?:is|are) (?:located )?(?:in|at)\b",
            r"\btelephone(?: number)?\b[^.]{0,40}\d{3}",
            r"\bmailing address is\b",
        ),
        longest=240,
    ),
    Rule(
        "employees",
        _any_of(
            rf"\bemploy(?:s|ed)?\b[^.]{{0,60}}?\b{_COUNTED} (?:employees|persons|people|individuals|workers)\b",
            rf"\b(?:has|had|have|there (?:are|were))(?: [a-z]+){{0,3}} {_COUNTED} "
            r"(?:employees|associates|full[- ]time)\b",
            r"\bnumber of (?:[a-z-]+ ){0,3}employees\b",
            r"\bemployees (?:is|are|was|were) (?:represented|covered|members)\b",
            r"\b(?:relations?|relationships?) with (?:its |our |the |their )?(?:[a-z]+ )?employees\b",
            r"\b(?:employee|labor) relations (?:is|are|to be|as|have|has)\b",
            # A league's agreement with its players is a business of its own, so employees must be named.
            r"\b(?:employees|workers|unions?|workforce)\b.*\bcollective[- ]bargaining\b",
            r"\bcollective[- ]bargaining\b.*\b(?:employees|workers|unions?|workforce)\b",
            r"\brepresented by (?:a |any |labor |various )*unions?\b",
        ),
    ),
    Rule(
        "available information",
        _any_of(
            r"\bfree of charge\b.{0,80}\b(?:web ?site|reports?|copies|copy)\b",
            r"\bavailable (?:on|at|through|from) [^.]{0,30}\bweb ?site\b",
            r"\bweb ?site\b[^.]{0,30}\b(?:address|is located|is available|is at)\b",
            r"\b(?:annual|quarterly|current) reports? (?:on form|to (?:share|stock)(?:holders|owners))\b",
            r"\bform (?:10-[kq]|8-k|s-\d)\b",
            r"\bproxy statement\b",
            r"\bincorporated (?:herein )?by (?:this )?reference\b",
            r"\binvestor relations\b",
            r"\b(?:with|from|by) the securities and exchange commission\b",
            r"\bwww\.",
        ),
    ),
    Rule(
        "forward-looking",
        _any_of(
            r"\bforward[- ]looking (?:statements?|information)\b",
            r"\bprivate securities litigation reform\b",
            r"\b(?:actual|future) results (?:could|may|might|to) differ\b",
            r"\bcautioned not to place undue reliance\b",
        ),
    ),
    Rule(
        "reference",
        _any_of(
            r"^\s*\(?(?:also )?(?:see|refer to|reference is made to)\b",
            r"^\s*for (?:a |an |further |additional |more |certain |other )*"
            r"(?:discussion|information|description|details)\b",
            r"\bmanagement's discussion and analysis\b",
            _NOTES,
            r"\b(?:see|described (?:in|under)|discussed (?:in|under)|set forth (?:in|under)) "
            r"(?:part |item |note |exhibit |\"|“|``)",
            r"\bthe following (?:table|chart|schedule)s?\b.{0,40}\b(?:sets?|shows?|summari[sz]es?|presents?|lists?|"
            r"reflects?|indicates?|provides?|describes?)\b",
            r"\b(?:set forth|shown|summarized|listed|presented) (?:below|in the following table)\b",
            r"^\s*(?:as used (?:herein|in this)|(?:unless|except where) the context)\b",
            r"\bthe (?:terms?|words?) [\"“'`]",
            r"\bcertain (?:information|statements) (?:in|contained)\b",
        ),
    ),
)
"""What every filing says, whatever its business; the first that tells it gives the name."""


def kind_of(passage: str, *, is_heading: bool = False) -> tuple[Kind, str | None]:
    """Return the kind of a passage, and of boilerplate the rule that told it.

    A rule must hold for at least half of a passage, counted in sentences by their length: a business described in a
    sentence is not boilerplate because "See Item 6." was joined to it.
    """
    if is_heading:
        return "heading", None
    sentences = _CLAUSE_END.split(passage.lower().replace("’", "'"))
    found = [_rule_of(sentence, len(passage)) for sentence in sentences]
    told = sum(len(sentence) for sentence, rule in zip(sentences, found, strict=True) if rule)
    if 2 * told >= sum(map(len, sentences)) > 0:
        return "boilerplate", next(rule for rule in found if rule)
    return ("text" if is_prose(passage) else "list"), None


def is_prose(passage: str) -> bool:
    """Whether enough of the words begin without a capital; names, places and figures do not.

    Scripts that have no capitals, as Chinese and Arabic, are prose by that.
    """
    words = _WORD.findall(passage)
    lower = sum(not (word[0].isupper() or word[0].isdigit()) for word in words)
    return bool(words) and lower >= PROSE_SHARE * len(words)


def _rule_of(sentence: str, length: int) -> str | None:
    return next((rule.name for rule in RULES if length <= rule.longest and rule.pattern.search(sentence)), None)
