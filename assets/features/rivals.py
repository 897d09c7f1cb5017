"""Rivals that a company names: other companies, by name, in the passages of its description about competition.

Hoberg and Phillips (2016, section IV) score networks on them. What is counted has to be right more than complete: a
name that is an ordinary word, or that goes on as somebody else's, is passed over, and so are companies of one family.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

ABOUT = re.compile(r"compet|\brivals?\b", re.IGNORECASE)
"""What a passage about competition says."""
TOKEN = re.compile(r"[A-Za-z0-9]+")
LEGAL_WORDS = (
    "inc incorporated corp corporation co company companies cos ltd limited llc lp llp plc nv sa ag se group holding "
    "holdings trust the of de md new com"
)
LEGAL = frozenset(LEGAL_WORDS.split())
"""What stands at the end of a registered name and is not spoken: legal forms, and the states that EDGAR adds."""
FORMS = LEGAL - {"new", "the", "of", "de", "md"}
"""Those after which a name is over: states and small words may begin what goes on."""
SMALL = frozenset(("and", "of", "the", "for", "de"))
"""Words of a name that need no capital letter."""
SHORTEST = 3
"""Letters of a name: shorter ones are abbreviations of many things."""
SHORT_FORM = re.compile(r"""\(\s*(?:[a-z]+,?\s+){0,6}(?:["“]([A-Z][^"“”()]{1,30})["”]|([A-Z][A-Z&]{1,9})\s*\))""")
"""What makes a short form of the name before it: Waste Management, Inc. ("WMX"), or (WMX)."""
OWN = re.compile(
    r"(?:,? inc| corp)?\.?,? (?:(?:also|now|currently|generally|primarily) )?(?:competes|faces|encounters|meets)\b",
    re.IGNORECASE,
)
"""What follows the name of a part of the company itself: Frito-Lay competes, Frito-Lay faces competition."""
FARTHEST = 40
"""Characters between a name and its short form, for legal forms."""

Spoken = Mapping[str, list[tuple[tuple[str, ...], str]]]
"""First word -> names that begin with it, in small letters, and whose they are, the longest first."""


@dataclass(frozen=True)
class Token:
    """A word of a text, and where it is (characters)."""

    text: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it may be part of a name: a capital, a digit, or a small word."""
        return not self.text[0].islower() or self.text in SMALL


def spoken_name(name: str) -> tuple[str, ...]:
    """Return the words of a registered name as people say it, in small letters: The Coca-Cola Company is coca, cola.

    No legal form is left out that would leave initials alone: U S Trust Corp is no u, s.
    """
    words = [word.lower() for word in TOKEN.findall(re.sub(r"[.'’]|/[A-Z]{2}/?$", "", name))]
    words = words[1:] if len(words) > 1 and words[0] == "the" else words
    while len(words) > 1 and words[-1] in LEGAL and sum(map(len, words[:-1])) >= SHORTEST:
        words.pop()
    return tuple(words)


def rivals_named(names: Mapping[str, str], texts: Mapping[str, str], passages: pl.DataFrame) -> pl.DataFrame:
    """Return who names whom, where and how: company_id, rival_id, passage, start, end and name, once a passage.

    Parameters
    ----------
    names : mapping
        company_id -> name as filed.
    texts : mapping
        company_id -> description.
    passages : DataFrame
        company_id, passage, start and end (characters) of these descriptions.
    """
    words = {word for text in texts.values() for word in re.findall(r"\b[a-z]+\b", text)}
    spoken = {company: spoken_name(name) for company, name in names.items()}
    known = _known(spoken, words)
    own_words = {company: _in_text(texts[company], known, words) for company in passages["company_id"].unique()}
    rows = []
    for company, passage, start, end in passages.sort("company_id", "passage").iter_rows():
        text = texts[company][start:end]
        if ABOUT.search(text):
            called = _named(text, own_words[company])
            found = {
                other: text[first:last]
                for other, first, last in called
                if other != company
                and not OWN.match(text, last)
                and not _one_family(spoken.get(company, ()), spoken[other], words)
            }
            place = {"company_id": company, "passage": passage, "start": start, "end": end}
            rows += [{**place, "rival_id": other, "name": said} for other, said in found.items()]
    schema = {"company_id": pl.String, "rival_id": pl.String, "passage": pl.Int32}
    return pl.DataFrame(rows, schema={**schema, "start": pl.Int32, "end": pl.Int32, "name": pl.String})


def without_passages(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text with blanks in place of spans of characters: all others stay where they are."""
    for start, end in spans:
        text = text[:start] + " " * (min(end, len(text)) - start) + text[end:]
    return text


def _one_family(one: tuple[str, ...], other: tuple[str, ...], words: set[str]) -> bool:
    """Return whether two names begin alike, as those of parents and subsidiaries do: Trinity Industries Leasing.

    A first word that some text uses in small letters (General, Universal) may begin anybody's, so then it takes two; or
    one name, however its initials are written, begins the other: US West, U S West Communications.
    """
    shared = 2 if one[:1] and one[0] in words else 1
    shorter, longer = sorted(("".join(one), "".join(other)), key=len)
    return one[:shared] == other[:shared] or (shorter != "" and longer.startswith(shorter))


def _known(spoken: Mapping[str, tuple[str, ...]], words: set[str]) -> Spoken:
    """Return the names by which companies are known.

    Left out is a name that two companies have, and one of a single word that is short or that some text uses in small
    letters.
    """
    often: dict[tuple[str, ...], int] = {}
    for said in spoken.values():
        often[said] = often.get(said, 0) + 1
    return _by_first_word(
        (said, company)
        for company, said in spoken.items()
        if said and often[said] == 1 and not (len(said) == 1 and (len(said[0]) < SHORTEST or said[0] in words))
    )


def _by_first_word(names: Iterable[tuple[tuple[str, ...], str]]) -> Spoken:
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for said, company in names:
        found.setdefault(said[0], []).append((said, company))
    return {first: sorted(own, key=lambda pair: (-len(pair[0]), pair)) for first, own in found.items()}


def _in_text(text: str, known: Spoken, words: set[str]) -> Spoken:
    """Return the known names with the short forms that a text itself makes of them.

    Left out is a short form that some text uses in small letters, or that the text gives to two companies; and a name
    that the text makes the short form of something else, where it is not that company's.
    """
    names = {pair for own in known.values() for pair in own}
    ends = {end: company for company, _, end in _named(text, known)}
    given: dict[tuple[str, ...], set[str | None]] = {}
    for made in SHORT_FORM.finditer(text):
        short = tuple(word.lower() for word in TOKEN.findall(made[1] or made[2]))
        before = (end for end in range(made.start(), max(made.start() - FARTHEST, 0), -1) if end in ends)
        end = next(before, made.start())
        legal = all(word.lower() in FORMS for word in TOKEN.findall(text[end : made.start()]))
        given.setdefault(short, set()).add(ends.get(end) if legal else None)
    made_here = {(said, company) for said, whose in given.items() for company in whose if company and len(whose) == 1}
    kept = {(said, company) for said, company in names if given.get(said, {company}) == {company}}
    return _by_first_word(kept | {pair for pair in made_here if not (len(pair[0]) == 1 and pair[0][0] in words)})


def _named(text: str, known: Spoken) -> Iterator[tuple[str, int, int]]:
    """Yield whose names a passage has, and from where to where they stand in it (characters)."""
    tokens, at = [Token(match[0], *match.span()) for match in TOKEN.finditer(text)], 0
    while at < len(tokens):
        for said, company in known.get(tokens[at].text.lower(), ()):
            own = tokens[at : at + len(said)]
            if tuple(token.text.lower() for token in own) == said and _is_whole(text, tokens, at, at + len(said)):
                yield company, own[0].start, own[-1].end
                at += len(said) - 1
                break
        at += 1


def _is_whole(text: str, tokens: list[Token], first: int, last: int) -> bool:
    """Return whether tokens are a name, and the whole of it: no capitalised word goes on before or after it."""
    own = tokens[first:last]
    if not (own[0].text[0].isupper() or own[0].text[0].isdigit()) or not all(token.is_name for token in own):
        return False
    # The first word of a passage has a capital letter anyway, so before a name it tells nothing.
    if first > 1 and text[tokens[first - 1].end : own[0].start] == " " and tokens[first - 1].text[0].isupper():
        return False
    if last == len(tokens) or tokens[last].text.lower() in FORMS:
        return True
    goes_on = text[own[-1].end : tokens[last].start] in {" ", "-", " & "}
    return not (goes_on and tokens[last].text[0].isupper())


def masked_texts(descriptions: pl.DataFrame, rivals: pl.DataFrame) -> pl.DataFrame:
    """Return descriptions without the passages that name a rival.

    Parameters
    ----------
    descriptions : DataFrame
        company_id and text, among others.
    rivals : DataFrame
        As from `rivals_named`.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for company, start, end in rivals.select("company_id", "start", "end").unique().iter_rows():
        spans.setdefault(company, []).append((start, end))
    texts: list[Any] = [
        without_passages(text, spans[company]) if company in spans else text
        for company, text in descriptions.select("company_id", "text").iter_rows()
    ]
    return descriptions.with_columns(text=pl.Series(texts, dtype=pl.String))
