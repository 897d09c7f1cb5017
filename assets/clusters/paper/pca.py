"""[paper] Standardised features and their principal components, fitted on every year at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse import csc_matrix, spmatrix

COLUMNS_AT_ONCE = 1024
"""Latents that are dense at once: 27,722 filings of so many are 227 MB."""


class NothingToAnalyseError(ValueError):
    """No feature differs between filings."""


@dataclass(frozen=True)
class PrincipalComponents:
    """Scores of filings on the components that explain most."""

    scores: NDArray[np.float64]
    """[filings, components], the component that explains most first; the largest score of each is positive."""
    explained: NDArray[np.float64]
    """[components]: share of the variance of the standardised features."""


def principal_components(features: spmatrix | NDArray[Any], components: int) -> PrincipalComponents:
    """Return the scores of scikit-learn's `PCA(components)` after its `StandardScaler`, up to signs.

    The paper fits both on the filings of all years (Molinari et al. 2025, section 4), so a year's scores know the years
    after it. Here they come from the eigenvectors of the filings' Gram matrix, which is exact, and needs
    [filings, filings] in memory in place of [filings, latents], which the sums are not sparse enough to avoid.

    Parameters
    ----------
    features : [filings, latents]
        Dense or sparse. A latent that is the same in all filings counts as 0.
    components : int
        At the most: there are no more than filings less one, or latents.

    Raises
    ------
    NothingToAnalyseError
        Fewer than two filings, or all alike.
    """
    columns = csc_matrix(features)
    filings = columns.shape[0]
    gram = np.zeros((filings, filings))
    for first in range(0, columns.shape[1], COLUMNS_AT_ONCE):
        block = _standardised(columns[:, first : first + COLUMNS_AT_ONCE].toarray())
        gram += block @ block.T
    total = float(np.trace(gram))
    if filings < 2 or total == 0:
        raise NothingToAnalyseError(f"{filings} filings with features that do not differ; PCA needs two that do")
    wanted = min(components, filings - 1, columns.shape[1])
    values, vectors = eigh(gram, subset_by_index=[filings - wanted, filings - 1])
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    return PrincipalComponents(_signed(vectors * np.sqrt(values)), values / total)


def _standardised(block: NDArray[Any]) -> NDArray[np.float64]:
    values = block.astype(np.float64)
    centred = values - values.mean(axis=0)
    # StandardScaler takes a spread that is rounding alone for none, and so must this: the mean of equal numbers is off.
    spread = values.std(axis=0)
    constant = np.ptp(values, axis=0) == 0
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, spread))


def _signed(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    # An eigenvector's sign is the library's choice; cosines do not depend on it, files compared by content do.
    largest = scores[np.abs(scores).argmax(axis=0), np.arange(scores.shape[1])]
    return np.asarray(scores * np.where(largest < 0, -1.0, 1.0), dtype=np.float64)
