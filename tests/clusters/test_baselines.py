"""Baselines: texts, embeddings, SIC codes, sectors."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from assets.clusters.baselines import (
    EmptyEmbeddingError,
    embedding_similarity,
    group_clusters,
    sic_clusters,
    tfidf_similarity,
)
from assets.sic import SicError


def test_tfidf_matches_a_cosine_computed_by_hand():
    rare, common = np.log(3 / 2) + 1, 1.0
    first = np.array([(1 + np.log(2)) * rare, common, 0.0])
    second = np.array([0.0, common, rare])
    expected = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    assert tfidf_similarity(["soda and soda drinks", "the drinks: beer"])[0, 1] == pytest.approx(expected)


def test_tfidf_is_fitted_on_the_given_texts_only():
    texts = ["soda drinks", "beer drinks", "drinks beer soda"]
    assert tfidf_similarity(texts[:2])[0, 1] != pytest.approx(tfidf_similarity(texts)[0, 1])


def test_text_without_words_is_at_0_from_everybody():
    assert tfidf_similarity(["", "soda", "soda"]).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]


def test_embedding_similarity_is_the_cosine():
    matrix = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    similarity = embedding_similarity(matrix)
    np.testing.assert_allclose(similarity, cosine_similarity(matrix.astype(np.float64)), atol=1e-12)
    assert (np.diag(similarity) == 1.0).all()


def test_embedding_without_a_direction_is_refused():
    with pytest.raises(EmptyEmbeddingError, match="embedding 1 is zero"):
        embedding_similarity(np.array([[1.0, 0.0], [0.0, 0.0]]))


def test_sic_levels_coarsen():
    codes = ["2086", "2080", "3571", "6021", None, None]
    assert sic_clusters(codes, "sic4").tolist() == [0, 1, 2, 3, 4, 5]
    assert sic_clusters(codes, "major_group").tolist() == [0, 0, 1, 2, 3, 4]
    assert sic_clusters(codes, "division").tolist() == [0, 0, 0, 1, 2, 3]


def test_code_that_is_none_is_refused():
    with pytest.raises(SicError, match="'20x6' is not three or four digits"):
        sic_clusters(["20x6"], "sic4")


def test_companies_without_a_sector_are_alone():
    assert group_clusters([None, "Energy", None, "Banks", "Banks"]).tolist() == [1, 2, 3, 0, 0]


def test_no_companies_have_no_clusters():
    assert group_clusters([]).tolist() == []
