"""What a theme is called where it is a reason: by its words that all concerned say, no word twice.

`shown_words` and `told_apart` of `sql/macros` do the same in SQL, which cannot call this; a test holds them together.
"""

from collections.abc import Sequence

MOST_WORDS = 3
"""Words of a title."""


LETTERS = 6
"""At the beginning of a word, by which it is another one: `licensed` repeats `license`."""


def head_word(word: str) -> str:
    """Return the last word of a phrase, its first letters, without a plural's s: what a title may not repeat."""
    return word.rsplit(" ", 1)[-1].removesuffix("s")[:LETTERS]


def shown_words(label: str, terms: Sequence[str], said: Sequence[str]) -> list[str]:
    """Return the words of a title: the first three that are said, as they are shown, none of them a repeat.

    Parameters
    ----------
    label, terms : of `latent_labels`
        A term of the label is shown as the part of the label at its place: a prefix as its commonest word.
    said : sequence of str
        Terms in the order of `themes.vocabulary`.
    """
    titles = dict(zip(terms, label.split(", "), strict=False))
    words = [titles.get(term, term.rstrip("*")) for term in said]
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(head_word(word), word)
    return list(first.values())[:MOST_WORDS]


def told_apart(themes: Sequence[Sequence[str]]) -> list[str]:
    """Return the title of each theme, the strongest first, given its words: no two titles share one.

    A word that a stronger theme shows is left out; a theme that has no other one has the title of the strongest that
    shows its first: people would take both for one reason, and together they are.
    """
    owners: dict[str, int] = {}
    for place, words in enumerate(themes):
        for word in words:
            owners.setdefault(head_word(word), place)
    own = [", ".join(word for word in words if owners[head_word(word)] == place) for place, words in enumerate(themes)]
    return [title or own[owners[head_word(words[0])]] for title, words in zip(own, themes, strict=True)]
