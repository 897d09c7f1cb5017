"""What themes are called where they are reasons."""

import pytest

from assets.theme_titles import head_word, shown_words, told_apart


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("gas", "natural gas", True),
        ("loan", "loans", True),
        ("licensed", "licenses", True),
        ("apparel", "appliances", False),
        ("oil", "soil", False),
        ("s", "", True),
    ],
)
def test_words_that_repeat_one_another_have_one_head(one: str, other: str, alike: bool) -> None:
    assert (head_word(one) == head_word(other)) == alike


def test_a_title_has_three_words_as_the_label_shows_them_and_none_twice() -> None:
    label, terms = "natural gas, refining, oil", ["natural gas", "refin*", "oil"]
    assert shown_words(label, terms, ["natural gas", "refin*", "gas", "oil", "coal"]) == [
        "natural gas",
        "refining",
        "oil",
    ]
    assert shown_words(label, terms, ["oil", "oils", "gas", "coal"]) == ["oil", "gas", "coal"]
    assert shown_words(label, terms, []) == []


def test_a_term_that_its_label_does_not_show_is_shown_as_it_is() -> None:
    assert shown_words("an explanation", ["gas", "refin*"], ["gas", "refin*", "oil"]) == [
        "an explanation",
        "refin",
        "oil",
    ]


def test_no_two_reasons_share_a_word() -> None:
    assert told_apart([["loans", "credit", "banking"], ["banking", "loan", "deposits"]]) == [
        "loans, credit, banking",
        "deposits",
    ]


def test_a_theme_without_a_word_of_its_own_is_one_with_the_strongest_that_has_its_first() -> None:
    titles = told_apart([["oil", "gas"], ["insurance"], ["gas", "oils"], ["insurance", "gas"]])
    assert titles == ["oil, gas", "insurance", "oil, gas", "insurance"]


def test_no_themes_have_no_titles() -> None:
    assert told_apart([]) == []
