"""Given texts are kept or rejected with a reason, and short ones are marked."""

import polars as pl
import pytest

from assets.descriptions.given_texts import quality, rejection
from assets.descriptions.text_quality import SHORT_CHARS


@pytest.mark.parametrize(
    "text",
    [
        "We sell drinks.",
        "Sells drinks",
        "当社は自動車を製造しています。",
        "NAN Corp sells",
        "None of our plants is old.",
    ],
)
def test_a_text_of_several_words_is_kept(text: str) -> None:
    assert pl.DataFrame({"text": [text]}).select(rejection()).item() is None


ONE_WORD = "the text is one word, too little to tell what a company does"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(
            (text, "the text is empty")
            for text in ("", " \n\t", None, "\u200b", "\ufeff \u2060", "\u00a0\u3000", "\u3164", "\x00")
        ),
        *(
            (text, f"the text is empty: it says {text}")
            for text in ("nan", "NaN", "None", "N/A", "n/a", "null", "<NA>", "-", "...")
        ),
        *((text, f"the text is empty: it says {text}") for text in ("#N/A", "NaT", "not available", "Not applicable.")),
        (" nan ", "the text is empty: it says nan"),
        ("Drinks.", ONE_WORD),
        ("  Drinks\u200b\n", ONE_WORD),
        ("x" * 5_000, ONE_WORD),
        ("2004", "the text has no words"),
        ("1 2 3", "the text has no words"),
    ],
)
def test_an_empty_text_is_rejected_with_a_reason(text: str | None, reason: str | None) -> None:
    rows = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert rows.select(rejection()).item() == reason


@pytest.mark.parametrize(("length", "expected"), [(SHORT_CHARS - 1, "short"), (SHORT_CHARS, "ok")])
def test_a_text_under_400_characters_is_short(length: int, expected: str) -> None:
    assert pl.DataFrame({"text": ["é" * length]}).select(quality()).item() == expected
