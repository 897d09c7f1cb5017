"""Reads item headings as people write them: `Item 1.`, `ITEM L`, `Item #1`, `I T E M 1`, `ITEM ONE`, `Items 1 and 2`.

A line is a heading if it begins with an item's number and that item's title, and does not go on as a sentence does
that only mentions the item.
"""

import re
from dataclasses import dataclass

WORDS = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN", "TWELVE", "THIRTEEN")
ROMANS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV")
SPELLED = {name: str(n) for names in (WORDS, ROMANS) for n, name in enumerate(names, 1)}
LOOK_ALIKE = str.maketrans("lL|!iIoO", "11111100")
"""What typists and scanners write for the digits 1 and 0."""
HEADING_CHARS = 250
"""Characters at the start of a line that are looked at."""
PAGE_CHARS = 60
"""Characters at the end of a line in which page numbers are looked for."""

SPACED = re.compile(r"(?<!\S)(?:[A-Za-z] ){2,40}[A-Za-z](?!\w)")
"""A word whose letters are set apart."""
NUMBER = r"(?:[0-9lL|!iIoO]{1,2}|[IVX]{1,5}|" + "|".join(WORDS) + r")(?:[ .(]{0,2}[A-Ca-c]\)?)?(?![\w|])"
ITEM = re.compile(
    rf"[^\w\n]{{0,6}}I ?T ?E ?M ?S?(?:[ .:#(\xa0-]|No\.?|Numbers?\b){{0,6}}(?P<first>{NUMBER})(?P<more>"
    rf"(?:[ .,]{{0,3}}(?:and|&|,|through|to|[-\u2013])[ ]?(?:I ?T ?E ?M ?S?[ .#]{{0,3}})?{NUMBER}){{0,4}})"
    r"[\W_]{0,12}",
    re.IGNORECASE,
)
PLAIN_ONE = re.compile(r"\W{0,3}1\s?[.):\u2013-]{0,2}\s{0,6}(?=\S)")
"""The number of Item 1 without the word, right below PART I."""
PART_ONE = re.compile(r"\W*P ?A ?R ?T\s+(?:I|1|l|ONE)\b\W*", re.IGNORECASE)
PART = re.compile(r"\W*P ?A ?R ?T\s+(?:[IVl1-4]{1,3}|ONE|TWO|THREE|FOUR)\b\W*", re.IGNORECASE)
OF = (
    r"(?:(?:general|narrative)\s)?(?:description|nature|overview|development)\s(?:of\s)?"
    r"(?:the\s|our\s|its\s)?(?:company.?s\s)?"
)
TITLES = {
    "1": rf"(?:{OF}|the\s|our\s|company.?s\s|general\s|\(?a\)?\s)?(?:business|operations\b)",
    "1A": r"(?:certain\s)?risk",
    "1B": r"unresolved",
    "1C": r"cyber",
    "2": rf"(?:{OF}|the\s|our\s)?propert",
    "3": r"(?:pending\s)?legal",
    "4": r"submission|matters\ssub|mine\ssaf|\W?removed|\W?reserved|executive\sofficers",
    "5": r"market",
    "6": r"(?:consolidated\s)?selected|\W?reserved",
    "7": r"management",
    "7A": r"quantitative",
    "8": r"(?:consolidated\s)?financial\sstatements",
    "9": r"changes\s|disagreements",
    "9A": r"controls",
    "9B": r"other\sinf",
    "10": r"directors",
    "11": r"executive\scomp|compensation",
    "12": r"security\sown|ownership",
    "13": r"certain\srel|relationships",
    "14": r"exhibits?\b|principal\sacc|controls",
    "15": r"exhibits?\b",
}
TITLE = {number: re.compile(pattern, re.IGNORECASE) for number, pattern in TITLES.items()}
MENTIONED = re.compile(
    r"\w*\s*[\"\u201d]|\w*,?\s+(?:in|or|section|sections|above|below|contained|under|for|is|are|was|has|to|which|that|"
    r"included?s?|herein|hereof|as|on|by|with|were|have|may|will|should|contains?|describes?|discusses|provides?|sets|"
    r"gives|lists|shows|of\s(?:this|our|the\s(?:annual|form|report)))\b"
)
"""What follows a title in a sentence that mentions the item."""
OTHER_TITLE = re.compile(
    r"(?:[\w'\u2019]+\s){0,4}"
    r"(?:amendment|exhibits?\b|financial\sstatements|legal\sproceedings|election|signatures?\b)",
    re.IGNORECASE,
)
"""Titles of Item 1 in a quarterly report, in an amendment, and in a proxy statement."""
CONTINUED = re.compile(r"\bcont(?:inued|'?d|\u2019d|\.)", re.IGNORECASE)
PAGE_REFERENCE = re.compile(r"[\s.](?:pages?\s*)?(?:[A-Z]{1,3}\s?-\s?)?\d{1,3}(?:\s?[-,\u2013]\s?\d{1,3}){0,9}\W*$")


@dataclass(frozen=True)
class Heading:
    """What a line says that is the heading of an item, or of several items in one."""

    items: frozenset[str]
    """Numbers of its items, such as 1, 1A or 14."""
    title: str
    """What follows the number; empty if the title is on a later line."""
    numbered: bool = True
    """Whether the line has the word `item`, or a number."""

    @property
    def is_titled(self) -> bool:
        """Return whether a title follows the number."""
        return bool(self.title)

    @property
    def is_continued(self) -> bool:
        """Return whether it says that it continues the item of an earlier page."""
        return CONTINUED.search(self.title) is not None

    @property
    def has_page(self) -> bool:
        """Return whether it ends with page numbers, as an entry of a table of contents does."""
        return PAGE_REFERENCE.search(self.title[-PAGE_CHARS:]) is not None


def item_number(written: str) -> str | None:
    """Return the number of an item: 1 for `l`, `I` and `ONE`, 1A for `l (a)`; None if it is no number."""
    text = re.sub(r"[ .()]", "", written)
    upper = text.upper()
    if text in ROMANS or upper in WORDS:
        return SPELLED[upper]
    letter = upper[-1] if upper[-1:] in "ABC" and len(text) > 1 else ""
    number = text[: len(text) - len(letter)]
    if number in ROMANS:
        return f"{SPELLED[number]}{letter}"
    digits = number.translate(LOOK_ALIKE).lstrip("0")
    return f"{digits}{letter}" if digits.isdigit() else None


def heading(line: str, below: str = "") -> Heading | None:
    """Return what a line says as the heading of an item; None if it is none.

    Parameters
    ----------
    line : str
        A line, or the cell of a table.
    below : str
        The next line or cell, in which the title is looked for if the line has nothing but the number.
    """
    line, below = _set_solid(line), _set_solid(below)
    found = ITEM.match(line)
    if not found:
        return None
    numbers = [item_number(found["first"]), *map(item_number, re.findall(NUMBER, _without_words(found["more"])))]
    items = frozenset(number for number in numbers if number in TITLE)
    title = line[found.end() :].strip()
    if not items or len(items) < len(set(numbers)):
        return None
    if items == {"1A"} and _is_titled(frozenset("1"), title):
        items = frozenset("1")  # `Item 1(a). Business`, as in Regulation S-K 101(a)
    if _is_titled(items, title) or (not title and _is_titled(items, below.strip())):
        return Heading(items, title)
    return None


def bare_heading(line: str, item: str) -> Heading | None:
    """Return the heading of an item that has its title alone, or `1.` and its title; None if the line has more."""
    line = _set_solid(line)
    number = PLAIN_ONE.match(line) if item == "1" else re.match(rf"\W{{0,3}}{item}\s?[.):-]{{0,2}}\s{{0,6}}", line)
    title = line[number.end() if number else 0 :].strip()
    found = TITLE[item].match(title)
    if found is None or len(title) > found.end() + len("ies of the company "):
        return None
    whole = re.fullmatch(r"\w*(?:\sproceedings|\sof\sthe\scompany)?[.:]?", title[found.end() :], re.IGNORECASE)
    return Heading(frozenset({item}), title, numbered=number is not None) if whole else None


def other_title(text: str) -> str | None:
    """Return the title of an Item 1 that is another form's, or of an amendment; None if it may be the business."""
    found = ITEM.match(text)
    title = text[found.end() :].partition("\n")[0] if found and item_number(found["first"]) == "1" else ""
    return title if OTHER_TITLE.match(title) else None


def _set_solid(line: str) -> str:
    """Return the start of a line without the blanks inside words: `B U S I N E S S`."""
    return SPACED.sub(lambda word: word[0].replace(" ", ""), line[:HEADING_CHARS])


def _without_words(numbers: str) -> str:
    return re.sub(r"I ?T ?E ?M ?S?(?=[ .#\d])|and|through|to", " ", numbers, flags=re.IGNORECASE)


def _is_titled(items: frozenset[str], title: str) -> bool:
    found = next((match for item in items if (match := TITLE[item].match(title))), None)
    return found is not None and not MENTIONED.match(title, found.end())
