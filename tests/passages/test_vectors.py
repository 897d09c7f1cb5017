"""A passage's vector is the mean over its own tokens, massive ones left out."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.activations.shards.part import Document
from assets.passages.content_words import content_tokens
from assets.passages.vectors import PassageOverflowError, passage_means, passage_vector_rows, places_of
from resources.models.tokens import Tokens


def document(stream: np.ndarray, accession: str = "a") -> Document:
    """Ten tokens of ten characters each, with the same stream at blocks 1 and 2, but twice as large at 2."""
    starts = np.arange(len(stream), dtype=np.int32) * 10
    tokens = Tokens(np.arange(len(stream), dtype=np.int32), starts, starts + 10)
    with np.errstate(over="ignore"):
        return Document(accession, tokens, {1: stream, 2: (2 * stream).astype(stream.dtype)})


def passages(*spans: tuple[int, int, str], accession: str = "a") -> pl.DataFrame:
    filing = {"accession": accession, "company_id": "c", "filed_at": date(2004, 1, 1)}
    return schemas.PASSAGES.frame(
        {**filing, "passage": i, "start": start, "end": end, "tokens": 1, "kind": kind, "rule": None}
        for i, (start, end, kind) in enumerate(spans)
    )


TEXTS = dict.fromkeys("ab", "    copper" * 40)
"""A content word for every token of ten characters."""


def vectors(rows: pl.DataFrame) -> dict[tuple[int, int], list[float]]:
    places = rows.select("passage", "block", "vector").iter_rows()
    return {(passage, block): np.frombuffer(vector, "<f2").tolist() for passage, block, vector in places}


def test_it_is_the_mean_over_its_tokens_at_each_block() -> None:
    stream = np.array([[1, 0], [3, 2], [5, 5], [7, 1]], dtype=np.float16)
    found = passage_vector_rows([document(stream)], passages((0, 20, "text"), (20, 40, "text")), TEXTS, [1, 2], 10.0)
    assert schemas.PASSAGE_VECTORS.validate(found).num_rows == 4
    assert vectors(found) == {(0, 1): [2, 1], (0, 2): [4, 2], (1, 1): [6, 3], (1, 2): [12, 6]}


def test_massive_tokens_are_left_out_and_a_passage_of_nothing_else_has_no_vector() -> None:
    stream = np.array([[900, 900], [1, 2], [3, 4], [1, 1], [2, 2]], dtype=np.float16)
    spans = passages((0, 10, "text"), (10, 30, "text"), (30, 50, "text"))
    assert vectors(passage_vector_rows([document(stream)], spans, TEXTS, [1], 10.0)) == {
        (1, 1): [2, 3],
        (2, 1): [1.5, 1.5],
    }
    whole = passages((0, 30, "text"), (30, 50, "text"))
    assert vectors(passage_vector_rows([document(stream)], whole, TEXTS, [1], 10.0))[0, 1] == [2, 3]


@pytest.mark.parametrize("kind", ["boilerplate", "list", "heading"])
def test_only_text_has_a_vector(kind: str) -> None:
    stream = np.ones((4, 2), dtype=np.float16)
    found = passage_vector_rows([document(stream)], passages((0, 20, kind), (20, 40, "text")), TEXTS, [1], 10.0)
    assert vectors(found).keys() == {(1, 1)}
    assert passage_vector_rows([document(stream)], passages((0, 40, kind)), TEXTS, [1], 10.0).is_empty()


def test_a_filing_without_text_counts_as_progress() -> None:
    counted: list[int] = []
    stream = np.ones((2, 2), dtype=np.float16)
    passage_vector_rows(
        [document(stream), document(stream, "b")], passages((0, 20, "text")), TEXTS, [1], 10.0, counted.append
    )
    assert counted == [1, 1]


def test_a_value_beyond_16_bits_names_filing_passage_and_block() -> None:
    stream = np.array([[1, 1], [40_000, 1], [40_001, 1], [40_000, 1]], dtype=np.float32)
    spans = passages((0, 10, "text"), (10, 40, "text"))
    with pytest.raises(
        PassageOverflowError, match=r"^a: passage 1, block 2: .* \(8e\+04\); leave .*`passages\.blocks`"
    ):
        passage_vector_rows([document(stream)], spans, TEXTS, [1, 2], 10.0)


def test_a_mean_does_not_depend_on_the_passages_around_it() -> None:
    rng = np.random.default_rng(0)
    stream, keep = rng.normal(size=(300, 64)).astype(np.float16), rng.random(300) > 0.1
    content = rng.random(300) > 0.4
    alone = [passage_means(stream, [(i, i + 37)], keep, content)[0] for i in range(0, 259, 37)]
    together, has_tokens = passage_means(stream, [(i, i + 37) for i in range(0, 259, 37)], keep, content)
    assert has_tokens.all()
    assert np.array_equal(np.concatenate(alone), together)


def test_places_are_listed_in_order_for_each_filing() -> None:
    both = pl.concat([passages((0, 5, "text")), passages((2, 9, "text"), (9, 12, "text"), accession="b")])
    assert places_of(both) == {"a": [[0, 0, 5]], "b": [[0, 2, 9], [1, 9, 12]]}


def test_tokens_of_function_words_numbers_and_punctuation_are_no_content() -> None:
    text = "The refinery, and 12 of us refine 3.5% oil!"
    pieces = ["The", " refin", "ery", ",", " and", " 12", " of", " us", " refine", " 3", ".5", "%", " oil", "!"]
    assert "".join(pieces) == text
    found = content_tokens(text, np.cumsum([len(piece) for piece in pieces]))
    assert [piece for piece, is_content in zip(pieces, found, strict=True) if is_content] == [
        " refin", "ery", " refine", " oil",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "and of the", "12 34 56 78"])
def test_a_passage_without_a_content_word_is_the_mean_of_all_its_tokens(text: str) -> None:
    stream = np.array([[1, 0], [3, 2]], dtype=np.float16)
    found = passage_vector_rows([document(stream)], passages((0, 20, "text")), {"a": text.ljust(20)}, [1], 10.0)
    assert vectors(found) == {(0, 1): [2, 1]}


def test_a_passage_is_the_mean_of_its_content_tokens() -> None:
    stream = np.array([[1, 0], [3, 2], [5, 4]], dtype=np.float16)
    texts = {"a": "       and" + "coppersmiths".rjust(20)}
    found = passage_vector_rows([document(stream)], passages((0, 30, "text")), texts, [1], 10.0)
    assert vectors(found) == {(0, 1): [4, 3]}


def test_no_tokens_are_no_content() -> None:
    assert content_tokens("", np.zeros(0, dtype=np.int32)).tolist() == []
