"""Headings of items are read however they are written, and told from sentences that mention them."""

import pytest

from assets.descriptions.headings import bare_heading, heading, item_number, other_title


@pytest.mark.parametrize(
    ("written", "number"),
    [
        *[(one, "1") for one in ("1", "l", "L", "I", "|", "ONE", "One", "01")],
        *[(risk, "1A") for risk in ("1A", "lA", "IA", "1(a)", "1 A")],
        ("II", "2"),
        ("IV", "4"),
        ("ll", "11"),
        ("lO", "10"),
        ("ELEVEN", "11"),
        ("9B", "9B"),
        ("xyz", None),
    ],
)
def test_numbers_are_read_as_people_read_them(written: str, number: str | None) -> None:
    assert item_number(written) == number


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("ITEM L.  BUSINESS", {"1"}),
        ("Item 1.Business", {"1"}),
        ("ITEM 1--BUSINESS", {"1"}),
        ("Item 1. Business of Example Mills", {"1"}),
        ("Items 1, 2 and 3. Business, Properties and Legal Proceedings", {"1", "2", "3"}),
        ("ITEM 1 AND ITEM 2. BUSINESS AND PROPERTIES", {"1", "2"}),
        ("ITEM ELEVEN - EXECUTIVE COMPENSATION", {"11"}),
        ("Item lA. Risk Factors", {"1A"}),
        ("Item 1(a). General Development of Business", {"1"}),
        ("Item 9. Changes in and Disagreements with Accountants", {"9"}),
    ],
)
def test_a_heading_has_the_number_and_the_title_of_its_item(line: str, items: set[str]) -> None:
    found = heading(line)
    assert found is not None
    assert found.items == items


@pytest.mark.parametrize(
    "line",
    [
        "Item 1. Business of this report says more",
        "Item 1. Business, in this report",
        "Item 7 of this report",
        "Item 2. Properties below, and nowhere else.",
        "Item 1. Amendment to include Exhibit 27",
        "Itemized business",
        "Items in the business of flour",
        "",
    ],
)
def test_a_sentence_that_mentions_an_item_is_no_heading(line: str) -> None:
    assert heading(line) is None


def test_a_title_may_be_on_the_next_line() -> None:
    assert heading("Item 1.", "Business") is not None
    assert heading("Item 1.", "The river is high.") is None


def test_continuations_and_entries_of_contents_are_known() -> None:
    continued, entry, other = (
        heading("Item l. Business (cont'd)"),
        heading("Item 1. Business....3"),
        heading("Item 1 Business"),
    )
    assert continued and continued.is_continued and not continued.has_page
    assert entry and entry.has_page and not entry.is_continued
    assert other and not other.has_page and not other.is_continued


@pytest.mark.parametrize("line", ["BUSINESS", "1. BUSINESS", "1 Business", "Description of Business", "Business."])
def test_a_title_alone_is_a_bare_heading(line: str) -> None:
    assert bare_heading(line, "1") is not None


@pytest.mark.parametrize("line", ["Business Strategy", "Business 3", "Our business is flour.", ""])
def test_a_title_with_more_beside_it_is_none(line: str) -> None:
    assert bare_heading(line, "1") is None


def test_titles_of_other_forms_are_told() -> None:
    assert other_title("ITEM 1. FINANCIAL STATEMENTS\n\nBalance") == "FINANCIAL STATEMENTS"
    assert other_title("Item 1. Business\n\nLegal proceedings are none.") is None
    assert other_title("Item 1. The Company") is None
