"""Plain text of located reports: paragraphs, tables, and the remains of page ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.descriptions.itemize_reader import located
from assets.descriptions.markup import simplify_markup
from assets.descriptions.plain_text import plain_text, plain_text_of
from assets.descriptions.segments import lines

END = "\n\nItem 2. Properties\n\nA mill.\n\nItem 3. Legal Proceedings\n\nNone.\n"


def of_plain(body: str) -> str:
    found = located(f"PART I\n\nItem 1. Business\n\n{body}{END}", is_html=False)
    assert found is not None
    return plain_text(found).removeprefix("Item 1. Business\n\n")


def of_html(body: str) -> str:
    end = "<p><b>Item 2. Properties</b></p><p>A mill.</p><p><b>Item 3. Legal Proceedings</b></p><p>None.</p>"
    found = located(simplify_markup(f"<html><p><b>Item 1. Business</b></p>{body}{end}</html>"), is_html=True)
    assert found is not None
    return plain_text(found).removeprefix("Item 1. Business\n\n")


def test_wrapped_lines_become_paragraphs() -> None:
    body = (
        "     The Company grinds wheat and rye at two mills in the state of Ohio\n"
        "and sells flour, most of it to bakers. It sells defense-\nrelated biscuits too.\n\nIt has 9 people."
    )
    assert of_plain(body) == (
        "The Company grinds wheat and rye at two mills in the state of Ohio and sells flour, most of it to bakers."
        " It sells defense-related biscuits too.\n\nIt has 9 people."
    )


def test_columns_of_plain_text_stay_rows() -> None:
    head = "<TABLE>\n<CAPTION>\n                1995      1994\n<S>           <C>       <C>\n"
    rows = "Flour.......   $12       $11\nBran........     3         4\n</TABLE>"
    assert of_plain(head + rows) == "1995 1994\nFlour $12 $11\nBran 3 4"


def test_cells_of_a_table_are_joined_by_blanks_and_rows_by_newlines() -> None:
    rows = "<tr><td>Flour</td><td></td><td>$</td><td>12</td></tr><tr><td>Bran</td><td>3</td></tr>"
    assert of_html(f"<p>Sales:</p><table>{rows}</table>") == "Sales:\n\nFlour $ 12\nBran 3"


def test_bullets_stay_with_their_words() -> None:
    body = (
        "<table><tr><td>&#8226;</td><td>wheat;</td></tr></table><table><tr><td>&#8226;</td><td>rye.</td></tr></table>"
    )
    assert of_html(body) == "• wheat;\n• rye."


def test_paragraphs_in_layout_tables_stay_paragraphs() -> None:
    first, second = "We grind wheat. " * 12, "We grind rye. " * 12
    body = f"<table><tr><td>1</td><td><p>{first}</p><p>{second}</p></td></tr></table>"
    assert of_html(body).split("\n\n") == ["1", first.strip(), second.strip()]


def test_a_paragraph_that_a_page_end_cut_is_whole_again() -> None:
    first = "The Company grinds wheat at seven mills on the river, and most of its flour"
    second = "is sold to bakers in the towns along the river."
    assert of_plain(f"{first}\n\n     12\n<PAGE>\n\n{second}\n\nIt has 9 people.") == (
        f"{first} {second}\n\nIt has 9 people."
    )


def test_the_heading_stays_where_running_headers_repeat_it() -> None:
    grinds = "The mill grinds wheat for the bakers of the towns around it, and rye at times. " * 3
    found = located("PART I" + f"\n\n<PAGE>\n\nItem 1. Business\n\n{grinds}" * 6 + END, is_html=False)
    assert found is not None
    text = plain_text(found)
    assert text.startswith("Item 1. Business\n\nThe mill")
    assert text.count("Item 1. Business") == 1
    assert text.count("The mill") == 18


def test_a_sentence_with_an_item_at_a_line_start_stays_whole() -> None:
    first = "Further discussion of flour and of the prices of wheat may be found under Part II,"
    second = "Item 7 of this report, and nowhere else."
    assert of_plain(f"{first}\n{second}") == f"{first} {second}"


@pytest.mark.parametrize(
    "tail", ["\n\n     12\n<PAGE>\n", "\n\nPART I\n\nItem 1A\n", "\n\n- 12 -\n<PAGE>\n   PART I   \n"]
)
def test_nothing_of_the_next_page_remains_at_the_end(tail: str) -> None:
    assert of_plain(f"The Company grinds wheat and has done so for 80 years.{tail}").endswith("80 years.")


@given(st.text(max_size=300))
def test_any_text_becomes_tidy_lines(text: str) -> None:
    plain = plain_text_of(text)
    assert plain == plain.strip()
    assert "  " not in plain
    assert plain.encode().decode() == plain
    assert not any(ord(char) < 32 and char != "\n" for char in plain)


def test_invisible_characters_are_dropped_and_blanks_are_normalised() -> None:
    assert [segment.text for segment in lines("a\u200bb\u202ec\xa0\u2003d\xad\x07e\nCafe\u0301\n-----\n")] == [
        "abc de",
        "Café",
    ]
