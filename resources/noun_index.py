"""WordNet's index of nouns: `index.noun` of its database files, as any copy of WordNet has it."""

from pathlib import Path

LICENCE = " "
"""With a blank begin the lines before the index."""
PART = "n"


class NounIndexError(ValueError):
    """The file is no index of nouns."""


def read_nouns(file: Path) -> frozenset[str]:
    """Return the nouns of one word, in small letters.

    Raises
    ------
    NounIndexError
        The file cannot be read, or a line is not one of an index of nouns.
    """
    found = set()
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.startswith(LICENCE) or not line.strip():
                    continue
                word, *rest = line.split()
                if rest[:1] != [PART]:
                    raise NounIndexError(f"{file}: line {number} is not of WordNet's index.noun; give that file")
                found.add(word.lower())
    except (OSError, UnicodeDecodeError) as error:
        raise NounIndexError(f"{file}: cannot be read ({error}); give WordNet's index.noun") from error
    if not found:
        raise NounIndexError(f"{file}: has no noun; give WordNet's index.noun")
    return frozenset(word for word in found if word.isalpha())
