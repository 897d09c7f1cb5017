"""Where passages begin and end: on texts of all kinds, and for any text at all."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.passages.splitting import LONG_TOKENS, passage_spans
from assets.passages.token_ranges import token_ranges


def words(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Tokens as a byte-level tokenizer makes them: at most six characters, a word's first with the blank before it."""
    starts, ends, at = [], [], 0
    while at < len(text):
        end = at + 1
        while end < len(text) and end - at < 6 and not text[end].isspace():
            end += 1
        starts.append(at)
        ends.append(end)
        at = end
    return np.array(starts, dtype=np.int32), np.array(ends, dtype=np.int32)


def pieces(text: str) -> list[str]:
    return [text[span.start : span.end] for span in passage_spans(text, words(text)[0])]


def headings(text: str) -> list[str]:
    return [text[span.start : span.end] for span in passage_spans(text, words(text)[0]) if span.is_heading]


@given(st.text(alphabet=st.sampled_from("aB1 .,;:\n\r\t\x00\u200b•-。é\U0001f600"), max_size=400))
def test_passages_are_in_order_apart_and_cover_all_but_blanks(text: str) -> None:
    spans = passage_spans(text, words(text)[0])
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert all(span.start < span.end for span in spans)
    covered = {at for span in spans for at in range(span.start, span.end)}
    assert all(letter.isspace() for at, letter in enumerate(text) if at not in covered)
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] for span in spans)


@given(st.text(alphabet=st.sampled_from("abc .\n,•"), max_size=600))
def test_every_token_with_a_letter_belongs_to_one_passage(text: str) -> None:
    starts, ends = words(text)
    ranges = token_ranges(passage_spans(text, starts), starts, ends)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
    owned = {token for first, end in ranges for token in range(first, end)}
    assert all(text[starts[i] : ends[i]].isspace() for i in range(len(starts)) if i not in owned)


@given(st.text(alphabet=st.sampled_from("ab ,\n"), max_size=3000))
def test_no_passage_is_longer_than_its_limit(text: str) -> None:
    starts, ends = words(text)
    # One more where the first token begins with the blank before the passage.
    assert all(end - first <= LONG_TOKENS + 1 for first, end in token_ranges(passage_spans(text, starts), starts, ends))


def test_a_blank_text_has_no_passage() -> None:
    assert pieces("") == pieces(" \r\n\t\u00a0 \n\n") == []


def test_abbreviations_end_no_sentence() -> None:
    first = "In Smith Inc. v. U.S. Steel Corp. the court held for the pipeline."
    second = "It has plants at non-U.S. sites and one at 555 S. Main Street in the city."
    assert pieces(f"{first} {second}") == [first, second]


def test_short_sentences_are_joined_within_their_paragraph_only() -> None:
    assert pieces("We drill. We pump. We refine crude oil into many fuels.\n\nWe ship.") == [
        "We drill. We pump. We refine crude oil into many fuels.",
        "We ship.",
    ]


def test_a_line_that_titles_a_paragraph_is_a_heading() -> None:
    text = "Item 1. Business\n\nGeneral\n\nWe refine crude oil into gasoline, diesel and jet fuel."
    assert headings(text) == ["Item 1. Business", "General"]


@pytest.mark.parametrize(
    "bullet", ["•", "●", "▪", "■", "○", "◦", "‣", "·", "*", "-", "–", "—", "--", "\uf0b7", "✓", "➢"]
)
def test_every_kind_of_bullet_begins_an_item(bullet: str) -> None:
    items = [
        f"{bullet} gasoline, diesel and jet fuel for airlines",
        f"{bullet} lubricants and waxes made from crude oil",
    ]
    found = passage_spans(text := "We make the following products for customers:\n" + "\n".join(items), words(text)[0])
    assert [text[span.start : span.end] for span in found[1:]] == items
    assert not any(span.is_heading for span in found)


@pytest.mark.parametrize("numbers", ["(a) (b)", "a) b)", "1. 2.", "(i) (ii)", "iv. vi."])
def test_numbered_lines_are_passages_of_their_own(numbers: str) -> None:
    items = [f"{number} we refine crude oil into many kinds of fuel." for number in numbers.split()]
    assert pieces("\n".join(items)) == items


def test_short_items_are_joined() -> None:
    assert pieces("• crude oil\n• natural gas\n• coal\n• uranium mined in the north\n• tar") == [
        "• crude oil\n• natural gas\n• coal\n• uranium mined in the north\n• tar"
    ]


def test_three_thousand_subsidiaries_are_a_list_and_no_headings() -> None:
    for between in ("\n", "\n\n"):
        text = between.join(f"Acme Holdings {i} LLC" for i in range(3000))
        assert headings(text) == []
        assert len(pieces(text)) <= 1500
        assert "".join(pieces(text)).replace("\n", "") == text.replace("\n", "")


def test_five_thousand_words_without_a_stop_are_cut_behind_words() -> None:
    found = pieces(" ".join(["pipeline"] * 5000))
    assert sum(len(piece.split()) for piece in found) == 5000
    assert set(" ".join(found).split()) == {"pipeline"}
    assert max(len(piece.split()) for piece in found) < 1.5 * min(len(piece.split()) for piece in found)


def test_a_long_sentence_is_cut_where_a_clause_ends() -> None:
    clause = "refines crude oil into gasoline, diesel, jet fuel and lubricants for many customers in the region"
    assert all(piece.endswith((";", "region")) for piece in pieces("; ".join([clause] * 8)))


def test_one_word_of_a_hundred_thousand_characters_is_cut_inside() -> None:
    found = pieces("x" * 100_000)
    assert "".join(found) == "x" * 100_000
    assert max(map(len, found)) <= 6 * LONG_TOKENS


@pytest.mark.parametrize(
    "sentences",
    [
        ["公司主要从事石油和天然气的勘探、开采与销售，并在中国各地经营加油站和炼油厂，为客户提供各种燃料。"] * 2,
        [
            "La société vend du pétrole et du gaz en France et en Belgique.",
            "M. Dupont dirige les raffineries du groupe.",
        ],
        ["تبيع الشركة النفط والغاز في جميع أنحاء المنطقة.", "وهي تملك مصافي كبيرة وخطوط أنابيب طويلة."],
    ],
)
def test_other_languages_are_split_into_sentences(sentences: list[str]) -> None:
    between = "" if sentences[0].endswith("。") else " "
    assert pieces(between.join(sentences)) == sentences


def test_windows_line_ends_and_invisible_characters_are_part_of_a_text() -> None:
    text = (
        "We sell\x00crude oil to refiners all over the world\u200b.\r\n\r\nWe ship it to customers far away, too.\r\n"
    )
    first, second = pieces(text)
    assert first.startswith("We sell\x00crude") and first.endswith("\u200b.")
    assert second == "We ship it to customers far away, too."
