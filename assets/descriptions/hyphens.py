"""Puts words together that a line end cut, and leaves the hyphen where it belongs to the word.

Whether `develop-` and `ment` are one word cannot be told from the two; the rest of the report tells: it has the word
elsewhere, whole or with the hyphen.
"""

import re
from functools import cached_property

LINE_END = re.compile(r"(?<![A-Za-z])([A-Za-z]{1,40})-\n([a-z]{1,40})(?![A-Za-z])")
SUSPENDED = frozenset({"and", "or", "nor", "to", "but"})
"""Words after a hyphen that stands for a later word: `short- and long-term`."""
WORD = re.compile(r"[a-z]{2,}(?:-[a-z]{2,})?")


class Hyphens:
    """Joins lines by what words a document has.

    Parameters
    ----------
    document : str
        Its text; it is looked at only if a line ends with a hyphen.
    """

    def __init__(self, document: str) -> None:
        self._document = document

    def joined(self, lines: str) -> str:
        """Return lines in which no word is cut by a line end; the other line ends stay."""
        return LINE_END.sub(self._word, lines)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(WORD.findall(self._document.lower()))

    def _word(self, cut: re.Match[str]) -> str:
        first, second = cut.groups()
        if second in SUSPENDED:
            return f"{first}- {second}"
        whole, compound = f"{first}{second}", f"{first}-{second}"
        is_whole = whole.lower() in self._words and compound.lower() not in self._words
        return whole if is_whole else compound
