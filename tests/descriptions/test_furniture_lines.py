"""Lines that say themselves that they are page furniture, and lines that only look like it."""

import pytest

from assets.descriptions.furniture_lines import is_furniture_line


@pytest.mark.parametrize(
    "line",
    [
        "ITEM 1. BUSINESS (Continued)",
        "Item 1. Business. (cont.)",
        "ITEM 1: BUSINESS, continued",
        "ITEM 1. BUSINESS - Regulation - (cont'd)",
        "Item l Continued",
        "Part I (Cont.)",
        "REGULATION (CONTINUED)",
        "(Continued on next page)",
        "Asset Management (Cont'd.)",
        "SEGMENT DATA--Continued",
        "Page 2 of 90",
        "- Page 12 of 118 -",
        "Table of Contents",
        r"NYFS11...:\95\78495\0001\1196\FRM3196L.18B",
    ],
)
def test_continuations_page_counts_and_file_paths_are_furniture(line: str) -> None:
    assert is_furniture_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "The weakness of prices, which began in 1994, continued.",
        "prices fell - and continued.",
        "Item 1 of Part I is continued.",
        "Operations (discontinued)",
        "Discontinued operations",
        "the growth of the Company cont",
        "Page 2 of the Annual Report",
        "",
    ],
)
def test_sentences_are_not(line: str) -> None:
    assert not is_furniture_line(line)
