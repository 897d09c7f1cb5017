"""Labels of latents."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.features.labels import PIECE, label_latents, phrase
from resources.settings.features import Labels

TEXTS = {
    "cola": "The company bottles soft drinks. Drinks are sold by the company to stores, and the company ships syrup.",
    "beer": (
        "The company brews beer and other drinks.\n\nThe company owns pubs in Leeds, and the company's pubs serve food."
    ),
    "bank": (
        "The company is a bank. The company lends; the company's branches take deposits from the company and others."
    ),
}


def tokenise(texts):
    """Tokens of up to four letters that begin with the blank before them, as byte-level BPE makes them."""
    rows = [
        (name, position, *match.span())
        for name, text in texts.items()
        for position, match in enumerate(re.finditer(r" ?[A-Za-z']{1,4}| ?[^\w\s]|\s", text))
    ]
    return pl.DataFrame(rows, schema=["accession", "position", "char_start", "char_end"], orient="row")


TOKENS = tokenise(TEXTS)


def activations(latents):
    """One slot per latent; `latents` maps its index to {pattern: activation} on the token's text."""
    values = np.zeros((len(TOKENS), len(latents)))
    for row, (name, _, start, end) in enumerate(TOKENS.iter_rows()):
        token = TEXTS[name][start:end]
        for slot, patterns in enumerate(latents.values()):
            values[row, slot] = max((v for p, v in patterns.items() if re.fullmatch(p, token)), default=0.0)
    return values, np.tile(list(latents), (len(TOKENS), 1))


def label(latents, keep=None, **changes):
    values, indices = activations(latents)
    kept = np.ones(len(TOKENS), dtype=bool) if keep is None else keep
    rows = label_latents(values, indices, kept, TOKENS, TEXTS, settings=Labels(**changes))
    return {row["latent"]: row for row in rows.iter_rows(named=True)}


def test_token_inside_a_word_is_labelled_with_the_whole_word():
    assert label({7: {" drin": 1.0}})[7]["label"] == "drinks"


def test_words_frequent_everywhere_do_not_win():
    texts = [TEXTS[name][start:end] for name, _, start, end in TOKENS.iter_rows()]
    once_each = np.isin(np.arange(len(TOKENS)), [texts.index(" comp"), texts.index(" Leed")])
    row = label({1: {" comp": 1.1, " Leed": 1.0}}, keep=once_each)[1]
    assert row["top_tokens"] == ["company", "leeds"]
    assert row["label"] == "leeds / company"


def test_stop_words_and_punctuation_are_skipped_where_others_remain():
    row = label({3: {" the": 1.0, ",": 1.0, " depo": 2.5, " bran": 2.5}})[3]
    assert row["label"] == "branches / deposits"
    assert {"the", ",", "deposits"} <= set(row["top_tokens"])


def test_latent_of_a_stop_word_is_not_misnamed_by_a_rare_companion():
    assert label({3: {" the": 1.0, " food": 0.1}}, top_tokens=50)[3]["label"].startswith("the")


def test_latent_of_punctuation_or_line_breaks_keeps_it_as_its_label():
    rows = label({1: {",": 1.0}, 2: {r"\n": 1.0}})
    assert rows[1]["label"] == ","
    assert rows[2]["label"] == "¶"
    assert rows[2]["examples"] == ["company brews beer and other drinks.[¶]The company owns pubs in Leeds,"]


def test_latent_of_a_stop_word_is_named_after_the_words_that_recur_around_it():
    filler = "Customers buy goods and services from shops. " * 20
    texts = {name: f"{filler}{name} drills wells in the gulf. {filler}" for name in ("Alpha", "Beta")}
    tokens = tokenise(texts)
    in_gulf = [texts[name][start - 5 : end + 6] == "wells in the g" for name, _, start, end in tokens.iter_rows()]
    values, indices = np.array(in_gulf, dtype=float)[:, None], np.zeros((len(tokens), 1), dtype=int)
    rows = label_latents(values, indices, np.ones(len(tokens), dtype=bool), tokens, texts, settings=Labels())
    assert rows["top_tokens"].to_list() == [["in"]]
    assert rows["label"].to_list() == ["near drills / gulf / wells"]


def test_words_that_recur_in_several_documents_come_before_those_of_one():
    assert label({1: {" bott": 9.0, " drin": 1.0, " Leed": 1.0}})[1]["label"] == "drinks"


def test_possessive_counts_as_its_word():
    assert label({1: {" comp": 1.0}}, top_tokens=50)[1]["top_tokens"] == ["company"]


def test_examples_come_from_distinct_documents_with_the_word_in_brackets():
    rows = label({7: {" drin": 1.0, " Drin": 2.0}})
    assert rows[7]["examples"] == [
        "The company bottles soft drinks. [Drinks] are sold by the company to",
        "The company brews beer and other [drinks]. The company owns pubs in",
    ]
    assert len(label({7: {" comp": 1.0}}, examples=3)[7]["examples"]) == 3


def test_density_and_documents_count_kept_tokens_only():
    active = [" drin" in (TEXTS[n][s:e],) for n, _, s, e in TOKENS.iter_rows()]
    everywhere = label({7: {" drin": 1.0}})[7]
    assert (everywhere["documents"], everywhere["density"]) == (2, 2 / len(TOKENS))
    keep = np.ones(len(TOKENS), dtype=bool)
    keep[active.index(True)] = False
    without = label({7: {" drin": 1.0}}, keep=keep)[7]
    assert (without["documents"], without["density"]) == (1, 1 / (len(TOKENS) - 1))


def test_silent_latents_have_no_row_and_labels_are_sorted_by_latent():
    assert list(label({9: {" pubs": 1.0}, 4: {" beer": 1.0}, 6: {"nowhere": 1.0}})) == [4, 9]


def test_detection_score_is_left_empty():
    assert label({9: {" pubs": 1.0}})[9]["detection_score"] is None


@pytest.mark.parametrize(
    ("where", "words", "expected"),
    [("drin", 1, "soft drinks. Drinks"), ("The", 2, "The company bottles"), ("syrup", 2, "company ships syrup.")],
)
def test_phrase_quotes_whole_words_around_a_peak(where, words, expected):
    start = TEXTS["cola"].index(where)
    assert phrase(TEXTS["cola"], start, start + len(where), words) == expected


def test_phrase_of_a_line_break_quotes_both_sides():
    start = TEXTS["beer"].index("\n")
    assert phrase(TEXTS["beer"], start, start + 1, 1) == "drinks. The"


@given(st.text(max_size=60), st.data())
def test_phrase_is_part_of_the_text_with_blanks_collapsed(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert phrase(text, start, end) in " ".join(text.split())


@given(st.text(max_size=60))
def test_pieces_tile_every_text(text):
    assert "".join(PIECE.findall(text)) == text
