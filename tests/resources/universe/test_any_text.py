"""Whatever text stands in whatever mapped column: it is read as a person would read it, or refused with its place."""

import re
import tempfile
import unicodedata
from datetime import date
from pathlib import Path

from fakes.own_table import read
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.settings.profile import ProfileError
from resources.values.blank import MISSING

EXAMPLES = 150 if settings.default.derandomize else 10_000
"""Of the property: the profile `search`, of `make test-all`, is the one that is not the same every time."""
NEAR = [
    "320193",
    "0",
    "320193.0",
    "nan",
    "None",
    "",
    " ",
    "-",
    "KO",
    "KO ",
    "6022",
    "6022.0",
    "2004-03-01",
    "12/01/2004",
]
NEAR += ["2004-03-01T10:00Z", "20040301", "energy", "N/A", "²", "\u200b", "\ufeff5", "1e5", "'", "2004-02-30"]
values = st.sampled_from(NEAR) | st.text(max_size=12) | st.text("0123456789.-/: TZ+", max_size=20) | st.dates().map(str)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sampled_from(["ticker", "name", "text", "cik", "sic", "sector", "filed_at"]),
    st.lists(values, min_size=1, max_size=4),
)
def test_any_text_is_read_as_a_person_would_or_refused_with_its_place(name: str, drawn: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = read(Path(folder), name, *drawn)
        except ProfileError as error:
            assert re.search(r"own\.parquet: row \d+, column |two texts", str(error)), error
            assert len(str(error).splitlines()) == 1
            return
    for value, one in zip(drawn, found, strict=True):
        assert is_as_a_person_would(name, value, one), (value, one)


def is_as_a_person_would(name: str, value: str, one: object) -> bool:
    if name in {"ticker", "text"}:
        return one == value
    if name == "filed_at":
        return one == date.fromisoformat(value[:10])
    if name in {"cik", "sic"} and value.strip(UNSEEN):
        fewest, most = (1, 10) if name == "cik" else (3, 4)
        return bool(re.fullmatch(f"[0-9]{{{fewest},{most}}}", value.strip())) and one == value.strip().zfill(most)
    says_nothing = seen(value) in {"", *(seen(word) for word in MISSING)}
    return (says_nothing and one in {None, *TICKERS}) or (one is not None and seen(str(one)) == seen(value))


UNSEEN = "".join(c for c in map(chr, range(0x10000)) if c.isspace() or unicodedata.category(c) in {"Cc", "Cf"})
TICKERS = {"KO", "T1", "T2", "T3"}
NO_SHAPE = "\u115f\u1160\u3164\uffa0"


def seen(text: str) -> str:
    """The letters and digits of a text, in small letters."""
    return "".join(c for c in text.lower() if c.isalnum() and c not in NO_SHAPE)
