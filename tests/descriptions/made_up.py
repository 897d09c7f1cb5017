"""Small made-up annual reports, as plain text and as a page, with one thing at a time written in an odd way."""

import html
import textwrap

MILLS = 8
SENTENCE = "The Company grinds wheat and rye at two mills in the state of Ohio and sells flour, most of it to bakers. "
OVEN = "The Company has its own oven in a town near the river, which is adequate for its needs."
SUITS = "There are no suits of any kind against the Company or against any of its officers today."
STOCK = "The stock is traded over the counter, and there are some two thousand holders of record."


def mills(count: int = MILLS) -> list[str]:
    """The paragraphs of a true Item 1; each ends with words that are nowhere else."""
    return [SENTENCE * 4 + f"Mill {number} is run by its own people." for number in range(count)]


LATER = [
    "Item 3. Legal Proceedings",
    SUITS,
    "Item 4. Submission of Matters to a Vote of Security Holders",
    "None.",
    "PART II",
    "Item 5. Market for the Registrant's Common Equity",
    STOCK,
    "Item 6. Selected Financial Data",
    "See above.",
]
PROPERTIES = ["Item 2. Properties", OVEN]
AFTER = [*PROPERTIES, *LATER]
CONTENTS = (
    "Item 1. Business.......... 3\nItem 2. Properties......... 9\nItem 3. Legal Proceedings.. 9\n"
    "Item 4. Submission of Matters to a Vote.... 10\nItem 5. Market for the Registrant's Common Equity .... 10"
)


def plain(paragraphs: list[str]) -> bytes:
    """A submission in plain text, lines wrapped."""
    wrapped = ("\n".join("\n".join(textwrap.wrap(line, 75)) for line in part.split("\n")) for part in paragraphs)
    return _submission("\n\n".join(wrapped))


def page(paragraphs: list[str]) -> bytes:
    """A submission in HTML, every line a paragraph."""
    lines = (line for part in paragraphs for line in part.split("\n"))
    return _submission(f"<html><body>{''.join(f'<p>{html.escape(line)}</p>' for line in lines)}</body></html>")


def _submission(text: str) -> bytes:
    return f"<DOCUMENT>\n<TYPE>10-K\n<TEXT>\n{text}\n</TEXT>\n</DOCUMENT>\n".encode()
