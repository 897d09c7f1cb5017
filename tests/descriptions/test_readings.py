"""Which of two readers is right where they differ: the one that begins with the heading and ends before the next."""

from assets.descriptions.readings import (
    EDGARTOOLS,
    ITEMIZE,
    Reading,
    begins_with_heading,
    has_later_item,
    is_bounded,
    overlap,
    preferred,
    without_part,
)

WORDS = "We grind wheat and rye and sell flour to bakers. "
BUSINESS = "Item 1. Business\n\n" + "".join(f"{WORDS}Mill {number} is new. " for number in range(20))
RISKS = "Item 1A. Risk Factors\n\nThe river may rise, and the mills may stop. " * 20
DOCUMENT = f"Cover\n\nPART I\n\n{BUSINESS}Our people are content with their wages and the hours.\n\n12\n\n{RISKS}"
WHOLE = f"{BUSINESS}Our people are content with their wages and the hours."


def chosen(itemize: str, edgartools: str) -> str | None:
    found = preferred(
        Reading(ITEMIZE, itemize, document=DOCUMENT), Reading(EDGARTOOLS, edgartools), overlap(itemize, edgartools)
    )
    return found and found.reader


def test_the_reader_that_swallows_the_next_item_is_wrong() -> None:
    assert chosen(f"{WHOLE}\n\n{RISKS}", WHOLE) == EDGARTOOLS
    assert chosen(WHOLE, f"{WHOLE}\n\n{RISKS}") == ITEMIZE


def test_the_reader_that_begins_without_the_heading_is_wrong() -> None:
    assert chosen(WHOLE, WORDS * 3) == ITEMIZE
    assert chosen(WORDS * 3, WHOLE) == EDGARTOOLS


def test_of_two_texts_that_are_bounded_the_one_that_holds_the_other_is_right() -> None:
    late = "Item 1. Business\n\nOur people are content with their wages and the hours."
    assert chosen(late, WHOLE) == EDGARTOOLS
    assert chosen(WHOLE, late) == ITEMIZE


def test_where_neither_is_bounded_none_is_chosen() -> None:
    assert chosen(f"{WHOLE}\n\n{RISKS}", WORDS * 3) is None
    assert chosen("", WORDS * 3) is None


def test_a_text_that_stops_far_from_the_next_item_is_not_bounded() -> None:
    cut = Reading(EDGARTOOLS, BUSINESS[: len(BUSINESS) // 2])
    assert not is_bounded(cut, DOCUMENT)
    assert is_bounded(Reading(EDGARTOOLS, WHOLE), DOCUMENT)
    assert not is_bounded(Reading(EDGARTOOLS, WHOLE), "")


def test_headings_in_a_row_begin_a_text_and_are_no_later_item() -> None:
    joined = f"Item 1. Business\n\nItem 2. Properties\n\n{WORDS}"
    assert begins_with_heading(joined)
    assert not has_later_item(joined)
    assert has_later_item(f"{joined}\n\nItem 3. Legal Proceedings\n\nNone.")
    assert not has_later_item("")


def test_the_heading_of_part_i_is_left_out() -> None:
    assert without_part(f"PART I\n\n{WHOLE}") == WHOLE
    assert without_part(WHOLE) == WHOLE
    assert without_part("PART I\n\nA letter to our readers.") == "PART I\n\nA letter to our readers."
