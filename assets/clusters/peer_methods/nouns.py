"""Which words are nouns, by an index of them, and which are proper nouns, by how they are written."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

ENDINGS = (
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
    ("s", ""),
)
"""How WordNet's own `morphy` gets from a plural to the noun."""
CAPITALISED = 0.9
"""Share of a word's uses with a capital from which it is a proper noun (Hoberg and Phillips 2016, section II)."""
WORD = re.compile(r"\b[^\W\d_]{2,}\b")


def nouns_of(texts: Sequence[str], known: frozenset[str]) -> frozenset[str]:
    """Return the nouns and proper nouns of texts, in small letters.

    Parameters
    ----------
    texts : sequence of str
        All texts that are compared.
    known : frozenset of str
        Nouns in the singular, in small letters.
    """
    used, capitals = Counter[str](), Counter[str]()
    for text in texts:
        for word in WORD.findall(text):
            used[word.lower()] += 1
            capitals[word.lower()] += word[0].isupper()
    return frozenset(
        word
        for word, count in used.items()
        if capitals[word] >= CAPITALISED * count or not known.isdisjoint(_singulars(word))
    )


def _singulars(word: str) -> Iterable[str]:
    yield word
    yield from (word.removesuffix(plural) + single for plural, single in ENDINGS if word.endswith(plural))
