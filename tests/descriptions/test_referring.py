"""An index and a pointer are told from a description."""

import pytest

from assets.descriptions.referring import is_index, own_chars, refers_only, sentences

PROSE = "The Company grinds wheat and rye at two mills in the state of Ohio and sells flour to bakers."
INDEX = [
    "Item 1. Business\nGeneral Development of Business 34-40 -\nSegments 73-75 -\nNarrative 34-40 -",
    "Item 1. Business 4-6, 7-13, 78-80",
    "Item 1. Business\n\nDescription of Business\n\n2-5\n\n6-68\n\n--\n\nDeposits\n\n10\n\n12-13, 28-29",
    "Item 1. Business\n\nOverview Pages 4 through 12\n\nCompetition Page 13\n\nEmployees n/a",
]


@pytest.mark.parametrize("text", INDEX)
def test_labels_with_pages_are_an_index(text: str) -> None:
    assert is_index(text)
    assert "index of another document" in (refers_only(text) or "")


def test_a_table_among_prose_is_no_index() -> None:
    table = "\n".join(f"Flour {year} 12 14 16" for year in range(1990, 1999))
    assert not is_index(f"Item 1. Business\n\n{PROSE}\n\n{table}\n\n{PROSE}")


def test_a_table_of_figures_under_many_sentences_is_no_index() -> None:
    table = "\n".join(f"Loans {number} 12 14 16" for number in range(900))
    assert not is_index("Item 1. Business\n\n" + f"{PROSE}\n\n" * 8 + table)


@pytest.mark.parametrize(
    "text",
    [
        "Item 1. Business\n\nThe answer is incorporated herein by reference to the Annual Report.",
        'Item 1. Business\n\nSee "The Company" in the Annual Report to Shareholders, which is filed as Exhibit 13.',
        "Item 1. Business\n\nInformation about the mills is contained on pages 3 to 9 of the 1995 Annual Report.",
    ],
)
def test_a_few_sentences_that_all_point_elsewhere_are_a_reference(text: str) -> None:
    assert "refers to another document" in (refers_only(text) or "")


def test_a_short_description_that_points_once_is_none() -> None:
    assert refers_only(f"Item 1. Business\n\n{PROSE} See page 9 of the Annual Report for the prices of wheat.") is None


def test_only_sentences_that_point_nowhere_are_its_own() -> None:
    pointing = "Reference is made to pages 4 to 9 of the Annual Report, where the mills are told of in full."
    assert own_chars(f"Item 1. Business\n\n{PROSE}\n\n{pointing}\n\nFlour 12 14") == len(PROSE) - 1
    assert sentences(f"{PROSE} {pointing}") == [PROSE[:-1], pointing]
