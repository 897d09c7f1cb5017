"""Words that line ends cut are whole again, and hyphens of compounds stay."""

import pytest

from assets.descriptions.hyphens import Hyphens

DOCUMENT = "development of wheat; long-term contracts; the longterm plan; manufacturers"


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        ("the develop-\nment of", "the development of"),
        ("Manufac-\nturers of", "Manufacturers of"),
        ("a long-\nterm plan", "a long-term plan"),
        ("defense-\nrelated", "defense-related"),
        ("short-\nand long-term", "short- and long-term"),
        ("flour -\nand", "flour -\nand"),
        ("mills\nand wheat", "mills\nand wheat"),
    ],
)
def test_the_rest_of_the_report_tells_whether_a_word_was_cut(lines: str, joined: str) -> None:
    assert Hyphens(DOCUMENT).joined(lines) == joined
