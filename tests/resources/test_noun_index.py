"""WordNet's index of nouns."""

from pathlib import Path

import pytest

from resources.noun_index import NounIndexError, read_nouns

LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by Princeton\n"


def test_nouns_are_the_words_of_the_index_without_compounds(tmp_path: Path) -> None:
    file = tmp_path / "index.noun"
    file.write_text(
        f"{LICENCE}well n 4 2 @ ~ 4 2 04491388 05046471 \nwell-being n 1 1 @ 1 0 1 \noil_well n 1 0 @ 1 0 1 \n",
        encoding="utf-8",
    )
    assert read_nouns(file) == {"well"}


@pytest.mark.parametrize("text", ["well v 4 2 @ 4 2 1\n", "just some prose\n", LICENCE, ""])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "index.verb"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NounIndexError, match=r"give (that file|WordNet's index\.noun)"):
        read_nouns(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NounIndexError, match="cannot be read"):
        read_nouns(tmp_path / "absent")
