"""Words of a theme are found whole, in singular and plural."""

import pytest

from assets.marked_words import pieces, word_pattern


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
