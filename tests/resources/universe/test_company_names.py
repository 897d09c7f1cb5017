"""A list of companies is read as people write it, or refused with its line."""

from pathlib import Path

import pytest

from resources.settings.descriptions import Descriptions, Edgar
from resources.settings.profile import Profile, ProfileError
from resources.universe.company_names import named_companies


def listed(folder: Path, content: bytes, *tickers: str) -> list[str]:
    (folder / "my-list.txt").write_bytes(content)
    source = Descriptions(source="edgar", edgar=Edgar(universe=folder / "my-list.txt"))
    return [
        name for name, _ in named_companies(Profile(name="mine", descriptions=source, tickers=list(tickers) or None))
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"KO\n320193\n",
        b"\xef\xbb\xbfKO\n320193",
        b"KO,\r\n320193,\r\n",
        b"# companies\n\n  KO  # drinks\n\t320193\n   \n",
        "\ufeff\u200bKO\u00a0\n\u3000320193\u200b\n\u200b\n".encode(),
    ],
)
def test_a_list_is_read_without_marks_blanks_and_remarks(tmp_path: Path, content: bytes) -> None:
    assert listed(tmp_path, content) == ["KO", "320193"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("²", "²: EDGAR has no such ticker; write plain letters and digits"),
        ("３２０", "３２０: EDGAR has no such ticker"),
        ("0", "0: not a CIK; write its 1 to 10 digits alone"),
        ("12345678901", "12345678901: not a CIK"),
        ("1" * 5_000, "not a CIK"),
        ("nan", "nan: no ticker"),
    ],
)
def test_a_name_that_is_none_is_refused_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        listed(tmp_path, f"KO\n{line}\n".encode())
    assert "my-list.txt line 2: " in str(caught.value) and words in str(caught.value)
    assert len(str(caught.value)) < 500
    with pytest.raises(ProfileError, match="profile mine: tickers: "):
        listed(tmp_path, b"KO\n", line)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", b"# nobody\n", "\u200b\n".encode()])
def test_a_list_that_names_nobody_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ProfileError, match="names no company; write one ticker or CIK a line"):
        listed(tmp_path, content)


def test_a_list_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"my-list\.txt cannot be read: "):
        listed(tmp_path, "KO\n".encode("utf-16"))
