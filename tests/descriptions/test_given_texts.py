"""Given texts are kept or rejected with a reason, and short ones are marked."""

import polars as pl
import pytest

from assets.descriptions.given_texts import quality, rejection
from assets.descriptions.text_quality import SHORT_CHARS


@pytest.mark.parametrize(
    ("text", "reason"),
    [("Drinks.", None), ("", "the text is empty"), (" \n\t", "the text is empty"), (None, "the text is empty")],
)
def test_an_empty_text_is_rejected_with_a_reason(text: str | None, reason: str | None) -> None:
    rows = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert rows.select(rejection()).item() == reason


@pytest.mark.parametrize(("length", "expected"), [(SHORT_CHARS - 1, "short"), (SHORT_CHARS, "ok")])
def test_a_text_under_400_characters_is_short(length: int, expected: str) -> None:
    assert pl.DataFrame({"text": ["é" * length]}).select(quality()).item() == expected
