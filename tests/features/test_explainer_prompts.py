"""What an explainer and a scorer are asked, and what is made of whatever they answer."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.features.explainer_prompts import (
    MARKED,
    detection_prompt,
    explanation_prompt,
    fuzzing_prompt,
    marked,
    read_explanation,
    read_verdicts,
    unmarked,
    wrongly_marked,
)

WINDOW = "We <<refine>> crude <<oil>> into petroleum products for customers in many states."


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ('{"theme": "oil refining"}', "oil refining"),
        ('```json\n{"theme": "oil refining"}\n```', "oil refining"),
        ('Here it is: {"theme": "oil refining."} I hope this helps!', "oil refining"),
        ("oil refining", "oil refining"),
        ("Theme: oil refining.", "oil refining"),
        ('"oil refining"', "oil refining"),
        ("<think>\nmany words\n[1]</think>\noil refining", "oil refining"),
        ('{"theme": "oil\\n  refining\\u0000\\ud800"}', "oil refining"),
        ('{"theme": null}', None),
        ('{"theme": ["a"]}', None),
        ('{"other": "a"}', None),
        ('{"theme": ""}', None),
        ('{"theme": "..."}', None),
        ("{not json}", None),
        ("", None),
        ("  \n ", None),
        ("None", None),
        ("Nothing in common.", None),
        ("I'm sorry, but I can't help with that.", None),
        ("I cannot assist.", None),
        ("As an AI language model", None),
        ("First line\nand another", None),
        ("word " * 40, None),
        ("<think> that never ends", None),
    ],
)
def test_a_phrase_is_read_from_json_or_plain_text_and_a_refusal_is_none(answer: str, phrase: str | None) -> None:
    assert read_explanation(answer) == phrase


@pytest.mark.parametrize(
    ("answer", "verdicts"),
    [
        ("[1, 0, 1]", [True, False, True]),
        ("```json\n[1,0,1]\n```", [True, False, True]),
        ("[true, false, true]", [True, False, True]),
        ('{"answers": [1, 0, 1]}', [True, False, True]),
        ("<think>[0, 0, 0]?</think>[1, 0, 1]", [True, False, True]),
        ("The answers are [1, 0, 1].", [True, False, True]),
        ("[1, 0]", None),
        ("[1, 0, 1, 1]", None),
        ("[1, 0, 2]", None),
        ('["yes", "no", "yes"]', None),
        ("[1, 0, null]", None),
        ("[[1, 0, 1], [0, 0, 0]]", None),
        ("[1, 0, 1] or [0, 0, 0]", None),
        ("The first and the third.", None),
        ("1, 0, 1", None),
        ("[1, 0, 1", None),
        ("[]", None),
        ("", None),
    ],
)
def test_verdicts_are_one_list_of_the_right_length_or_none(answer: str, verdicts: list[bool] | None) -> None:
    assert read_verdicts(answer, 3) == verdicts


@given(st.text())
def test_any_answer_is_read_or_none(answer: str) -> None:
    phrase, verdicts = read_explanation(answer), read_verdicts(answer, 2)
    assert phrase is None or (phrase.isprintable() and 0 < len(phrase) <= 120)
    assert verdicts is None or len(verdicts) == 2


def test_the_explainer_sees_marks_and_detection_does_not() -> None:
    assert "<<oil>>" in explanation_prompt([WINDOW])[1]["content"]
    assert "<<oil>>" in fuzzing_prompt("oil", [WINDOW])[1]["content"]
    question = detection_prompt("oil", [WINDOW, "Banks\nlend."])[1]["content"]
    assert question == f"Theme: oil\n\n1. {unmarked(WINDOW)}\n2. Banks lend."


def test_a_long_window_is_cut_around_its_first_mark_but_for_detection_at_its_end() -> None:
    long = f"first {'word ' * 500}<<oil>> {'word ' * 500}"
    shown = explanation_prompt([long])[1]["content"]
    assert "<<oil>>" in shown and "first" not in shown
    assert len(shown.split()) == 121
    plain = detection_prompt("oil", [long])[1]["content"]
    assert "first" in plain and "oil" not in plain.partition("\n\n")[2]


def test_marks_are_put_where_a_pattern_finds_words() -> None:
    pattern = re.compile(r"\b(?:refine|oil)\b", re.IGNORECASE)
    assert marked("We refine\ncrude Oil.", pattern) == "We <<refine>> crude <<Oil>>."
    assert marked("a  b", None) == "a b"


def test_wrong_marks_are_as_many_on_other_words_and_the_same_every_time() -> None:
    wrong = wrongly_marked(WINDOW, "seed")
    assert wrong is not None
    assert unmarked(wrong) == unmarked(WINDOW)
    assert len(MARKED.findall(wrong)) == 2
    assert not {"refine", "oil"} & set(MARKED.findall(wrong))
    assert wrong == wrongly_marked(WINDOW, "seed")
    assert len({wrongly_marked(WINDOW, str(seed)) for seed in range(20)}) > 1


@pytest.mark.parametrize("window", ["no mark at all here", "<<oil>>", "<<oil>> is it", "<<oil>> and oils or OIL"])
def test_a_window_without_marks_or_other_words_cannot_be_marked_wrongly(window: str) -> None:
    assert wrongly_marked(window, "seed") is None
