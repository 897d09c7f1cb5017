"""Words of a theme are found whole, in singular and plural."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.marked_words import TEXTS_AT_ONCE, found_terms, pieces, word_pattern


@pytest.mark.parametrize(
    ("word", "text", "expected"),
    [
        ("beverage", "Beverages.", True),
        ("beverages", "a beverage", True),
        ("glass", "glasses", True),
        ("glass", "glas", False),
        ("crude oil", "crude oils", False),  # oil has three letters
        ("retail stores", "a retail store", True),
        ("gas", "gases", False),
        ("beverage", "beveragess", False),
        ("refin*", "refineries", True),
    ],
)
def test_the_last_word_of_a_term_is_found_in_singular_and_plural(word: str, text: str, expected: bool) -> None:
    pattern = word_pattern([word])
    assert pattern is not None
    assert (pattern.search(text) is not None) == expected


def test_a_phrase_is_found_before_its_first_word() -> None:
    pattern = word_pattern(["natural", "natural gas", "drinks", "drink cans"])
    found = pieces("Natural gas, drink cans", pattern)
    assert [piece.text for piece in found if piece.is_marked] == ["Natural gas", "drink cans"]


WORDS = st.lists(
    st.sampled_from(["gas", "gass", "glass", "glasses", "oil", "oils", "Drink", "drinks", "é", "7"]), max_size=6
)
GAPS = st.sampled_from([" ", "  ", "-", ". ", "\n", "_", " & "])


@given(st.tuples(WORDS, GAPS), st.lists(st.tuples(WORDS, st.sampled_from(["", "*"])), min_size=1, max_size=4))
def test_terms_that_are_found_together_are_those_that_are_found_one_by_one(
    text: tuple[list[str], str], terms: list[tuple[list[str], str]]
) -> None:
    line = text[1].join(text[0])
    asked = [" ".join(words) + star for words, star in terms if words]
    patterns = {term: word_pattern([term]) for term in asked}
    one_by_one = {term for term, pattern in patterns.items() if pattern and pattern.search(line)}
    assert found_terms([line], asked) == [one_by_one]


def test_many_texts_are_found_in_their_order() -> None:
    texts = [f"text {number} of gold" if number % 3 else "" for number in range(2 * TEXTS_AT_ONCE + 1)]
    found = found_terms(texts, ["gold", "silver", "&"])
    assert found == [{"gold"} if number % 3 else set() for number in range(len(texts))]
    assert found_terms([], ["gold"]) == []
    assert found_terms(["gold"], []) == [set()]


def test_a_prefix_that_does_not_end_with_its_star_is_named() -> None:
    with pytest.raises(ValueError, match=r"'re\*fine': a prefix ends with its `\*`"):
        found_terms(["refine"], ["re*fine"])
