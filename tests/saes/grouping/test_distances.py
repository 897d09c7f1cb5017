"""Angular distances, their intervals over documents, and where reading stops."""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from assets.saes.grouping import distances as distances_of
from assets.saes.grouping.distances import (
    MIN_DOCUMENTS,
    AngularDistances,
    DistanceError,
    distance_matrix,
    distance_rows,
)
from assets.schemas import LAYER_DISTANCES


def measured(x: np.ndarray, chunks: int = 1) -> AngularDistances:
    return over_documents(np.array_split(x, chunks, axis=1))


def over_documents(documents: list[np.ndarray]) -> AngularDistances:
    angles = AngularDistances()
    for document in documents:
        angles.add_means(document)
    for document in documents:
        angles.add(document)
    return angles


def dense_distances(x: np.ndarray) -> np.ndarray:
    """The definition in float64, token by token."""
    centred = x.astype(np.float64) - x.astype(np.float64).mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=2, keepdims=True)
    return np.arccos(np.einsum("itd,jtd->tij", unit, unit).clip(-1, 1)).mean(axis=0) / np.pi


def test_streamed_distances_equal_the_definition() -> None:
    x = np.random.default_rng(0).normal(3.0, 1.0, (5, 700, 12)).astype(np.float16)
    angles = measured(x, chunks=7)
    expected = dense_distances(x)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(angles.distances(), expected, atol=2e-6)
    assert angles.tokens == 700


def test_distances_are_means_of_angles_and_not_angles_of_means() -> None:
    a = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    b = np.array([[1.0, 0], [-1, 0], [1, 0], [-1, 0]], np.float32)
    assert measured(np.stack([a, b])).distances()[0, 1] == pytest.approx((0 + 0 + 0.5 + 0.5) / 4, abs=1e-6)


def test_a_shift_common_to_all_tokens_does_not_change_distances() -> None:
    x = np.random.default_rng(1).normal(size=(3, 200, 8)).astype(np.float32)
    shifted = x + np.arange(24, dtype=np.float32).reshape(3, 1, 8)
    np.testing.assert_allclose(measured(shifted).distances(), measured(x).distances(), atol=1e-5)


def test_distances_need_means_tokens_and_finite_numbers() -> None:
    x = torch.ones(2, 3, 4)
    with pytest.raises(DistanceError, match="add_means"):
        AngularDistances().add(x)
    with pytest.raises(DistanceError, match="no tokens"):
        AngularDistances().distances()
    with pytest.raises(DistanceError, match="NaN or infinity"):
        AngularDistances().add_means(x * torch.inf)


def test_distances_do_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).normal(size=(4, 300, 8)).astype(np.float32)
    whole = measured(x).distances()
    monkeypatch.setattr(distances_of, "CHUNK", 17)
    np.testing.assert_allclose(measured(x).distances(), whole, atol=1e-9)


def some_documents(seed: int, count: int = 24) -> list[np.ndarray]:
    """Documents of 1 to 40 tokens at 4 blocks; in each, the later blocks turn away from the first by another amount."""
    random = np.random.default_rng(seed)
    documents = []
    for _ in range(count):
        base = random.normal(size=(random.integers(1, 41), 6))
        noise = random.normal(size=(4, *base.shape))
        documents.append((base + random.random() * np.arange(4)[:, None, None] * noise).astype(np.float32))
    return documents


@pytest.mark.parametrize("seed", range(3))
def test_half_widths_are_those_of_the_ratio_estimator_computed_from_every_document(seed: int) -> None:
    documents = some_documents(seed)
    whole = np.concatenate(documents, axis=1).astype(np.float64)
    mean, k = whole.mean(axis=1, keepdims=True), len(documents)
    sums = []
    for document in documents:
        unit = document - mean
        unit /= np.linalg.norm(unit, axis=2, keepdims=True)
        sums.append(np.arccos(np.einsum("itd,jtd->tij", unit, unit).clip(-1, 1)).sum(axis=0) / np.pi)
    s, n = np.stack(sums), np.array([document.shape[1] for document in documents])
    d = s.sum(axis=0) / n.sum()
    residuals = s - d * n[:, None, None]
    expected = student.ppf(0.975, k - 1) * np.sqrt(k / (k - 1) * (residuals**2).sum(axis=0)) / n.sum()
    np.fill_diagonal(expected, 0)
    angles = over_documents(documents)
    np.testing.assert_allclose(angles.half_widths(), expected, atol=1e-6)
    assert angles.half_width() == pytest.approx(expected.max(), abs=1e-6)
    assert (angles.documents, angles.tokens) == (k, n.sum())


def test_few_documents_have_no_interval() -> None:
    documents = some_documents(0, MIN_DOCUMENTS)
    assert math.isinf(AngularDistances().half_width())
    few = over_documents(documents[:-1])
    assert math.isinf(few.half_width()) and np.isinf(few.half_widths()).all()
    assert over_documents(documents).half_width() < 0.5


def test_documents_without_tokens_do_not_count() -> None:
    documents = some_documents(1)
    with_empty = over_documents([*documents, documents[0][:, :0]])
    assert with_empty.documents == len(documents)
    assert with_empty.half_width() == over_documents(documents).half_width()


def test_documents_that_are_all_alike_are_known_exactly() -> None:
    x = np.random.default_rng(0).normal(size=(3, 50, 8)).astype(np.float32)
    assert over_documents([x] * 12).half_width() == pytest.approx(0, abs=1e-7)
    assert over_documents([x[:1]] * 12).half_width() == 0.0


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing_but_rounding(shuffler) -> None:  # type: ignore[no-untyped-def]
    documents = some_documents(3, 12)
    shuffled = documents.copy()
    shuffler.shuffle(shuffled)
    one, other = over_documents(documents), over_documents(shuffled)
    np.testing.assert_allclose(one.distances(), other.distances(), atol=1e-6)
    np.testing.assert_allclose(one.half_widths(), other.half_widths(), atol=1e-6)


def plane_documents(random: np.random.Generator, count: int) -> Iterator[torch.Tensor]:
    """Two blocks in the plane: tokens of a short or long document are turned by its own angle, give or take.

    Long documents turn more, so the mean over tokens is not the mean over documents. True distance: TURN.
    """
    for _ in range(count):
        long = random.random() < 0.5
        tokens = 40 if long else 5
        angle = np.pi * (0.3 + 0.2 * long + random.uniform(-0.15, 0.15) + random.uniform(-0.1, 0.1, tokens))
        first = random.uniform(0, 2 * np.pi, tokens)
        streams = [[np.cos(first), np.sin(first)], [np.cos(first + angle), np.sin(first + angle)]]
        yield torch.tensor(np.array(streams), dtype=torch.float32).transpose(1, 2)


TURN = (5 * 0.3 + 40 * 0.5) / 45


def around_the_origin() -> AngularDistances:
    angles = AngularDistances()
    angles.add_means(torch.zeros(2, 1, 2))
    return angles


def test_the_true_distance_is_inside_the_interval_about_as_often_as_it_says() -> None:
    inside = []
    for corpus in range(200):
        angles = around_the_origin()
        angles.add_until(plane_documents(np.random.default_rng(corpus), 40), None)
        inside.append(abs(angles.distances()[0, 1] - TURN) <= angles.half_width())
    assert 0.90 <= np.mean(inside) <= 0.99


def test_it_is_still_there_where_reading_stopped_early() -> None:
    inside, read = [], []
    for corpus in range(200):
        angles = around_the_origin()
        angles.add_until(plane_documents(np.random.default_rng([1, corpus]), 400), 0.03)
        inside.append(abs(angles.distances()[0, 1] - TURN) <= angles.half_width())
        read.append(angles.documents)
    assert max(read) < 400
    assert 0.88 <= np.mean(inside) <= 0.99


def test_reading_stops_at_the_first_document_that_makes_it_precise_enough() -> None:
    everything = list(plane_documents(np.random.default_rng(7), 300))
    waiting = iter(everything)
    early = around_the_origin()
    early.add_until(waiting, 0.03)
    assert MIN_DOCUMENTS <= early.documents < 300
    assert len(list(waiting)) == 300 - early.documents
    assert early.half_width() <= 0.03
    before = around_the_origin()
    before.add_until(everything[: early.documents - 1], None)
    assert before.half_width() > 0.03


@pytest.mark.parametrize("precision", [None, 1e-9])
def test_without_a_precision_or_with_one_out_of_reach_everything_is_read(precision: float | None) -> None:
    angles = around_the_origin()
    angles.add_until(plane_documents(np.random.default_rng(7), 30), precision)
    assert angles.documents == 30


def test_a_block_that_never_changes_is_named() -> None:
    documents = some_documents(2)
    for document in documents:
        document[2] = 0.1
    with pytest.raises(DistanceError, match=r"block 2: .* same at every token.* leave it out of activations\.blocks"):
        over_documents(documents).distances()
    named = AngularDistances([4, 9, 12, 13])
    named.add_means(documents[0])
    named.add(documents[0])
    with pytest.raises(DistanceError, match="block 12: "):
        named.distances()


def test_rows_of_the_table_give_the_matrix_back() -> None:
    angles = over_documents(some_documents(4))
    rows = distance_rows(angles.distances(), angles.half_widths(), [3, 5, 6, 9], angles.tokens)
    LAYER_DISTANCES.validate(rows)
    blocks, matrix = distance_matrix(rows.sample(fraction=1, shuffle=True, seed=0))
    assert blocks == [3, 5, 6, 9]
    np.testing.assert_array_equal(matrix, angles.distances())
    assert rows.filter(block_i=5, block_j=9)["half_width"].item() == angles.half_widths()[1, 3]


def test_an_unknown_precision_is_an_empty_cell() -> None:
    angles = over_documents(some_documents(4, 5))
    rows = distance_rows(angles.distances(), angles.half_widths(), range(4), angles.tokens)
    LAYER_DISTANCES.validate(rows)
    assert rows.select(pl.col("half_width").null_count()).item() == rows.height
