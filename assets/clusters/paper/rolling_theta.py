"""[paper] C-CD and rolling G-CDR: single linkage cut at one theta, or at the one that did best in the years before."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assets.clusters.linkage import Tree, cut_tree
from assets.clusters.scores import mean_corr


def cut_scores(tree: Tree, thetas: Sequence[float], corr: NDArray[np.float64]) -> dict[float, float | None]:
    """Return theta -> MeanCorr of a year's tree cut there; None where the cut leaves everybody alone.

    Parameters
    ----------
    tree : Tree
        Single linkage of the z-scored distances of the year's companies.
    corr : [companies, companies]
        Correlations of their returns in the same year: the paper scores a cut on the year it is made in.
    """
    return {theta: mean_corr(cut_tree(tree, theta), corr) for theta in thetas}


def rolling_theta(
    scores: Mapping[int, Mapping[float, float | None]], year: int, past_years: int
) -> tuple[float, float] | None:
    """Return the theta with the largest mean MeanCorr over the years before `year`, and that mean (G-CDR).

    A theta's mean is over the years in which it makes a cluster, as pandas takes it. Among equal means the smallest
    theta is taken, the first of the paper's grid.

    Parameters
    ----------
    scores : mapping
        Year -> theta -> MeanCorr.
    past_years : int
        How many years before `year` count; all of them have to be there.

    Returns
    -------
    (theta, mean) or None
        None where one of these years is missing, or no theta makes a cluster in any.
    """
    before = [scores.get(year - lag) for lag in range(1, past_years + 1)]
    if any(found is None for found in before):
        return None
    thetas = sorted({theta for found in before if found for theta in found})
    means = [(mean, theta) for theta in thetas if (mean := _mean([found.get(theta) for found in before if found]))]
    if not means:
        return None
    mean, theta = max(means, key=lambda one: (one[0], -one[1]))
    return theta, mean


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
