"""Baselines: what peer groups look like without a sparse autoencoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from assets.clusters.linkage import ranked
from assets.sic import sic_group
from resources.settings.clusters import SicLevel


class EmptyEmbeddingError(ValueError):
    """A vector without a direction."""


def tfidf_similarity(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return cosines [n, n] of TF-IDF vectors (sublinear tf, smooth idf, English stop words), fitted on these texts.

    A text without any word is at 0 from everybody. Raises ValueError where no text has a word.
    """
    matrix = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit_transform(texts)
    return _as_cosines((matrix @ matrix.T).toarray())


def embedding_similarity(matrix: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return cosines [n, n] of the rows of `matrix` [n, d].

    Raises
    ------
    EmptyEmbeddingError
        A row is zero or not finite.
    """
    vectors = matrix.astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1)
    wrong = ~(np.isfinite(norms) & (norms > 0))
    if wrong.any():
        raise EmptyEmbeddingError(
            f"embedding {int(wrong.argmax())} is zero or not finite; embed that description again"
        )
    units = vectors / norms[:, None]
    return _as_cosines(units @ units.T)


def sic_clusters(sic: Sequence[str | None], level: SicLevel) -> NDArray[np.int64]:
    """Return labels [n] of companies by SIC code; those without a group are alone."""
    return group_clusters([sic_group(code, level) for code in sic])


def group_clusters(values: Sequence[str | None]) -> NDArray[np.int64]:
    """Return labels [n] of companies by value, the largest group 0; those with None are alone."""
    numbers: dict[str | int, int] = {}
    keys = (row if value is None else value for row, value in enumerate(values))
    return ranked(np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64))


def _as_cosines(products: NDArray[np.float64]) -> NDArray[np.float64]:
    similarity = np.clip(products, -1.0, 1.0)
    np.fill_diagonal(similarity, 1.0)
    return similarity
