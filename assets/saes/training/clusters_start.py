"""Where training over passages starts: from the directions around which passages lie."""

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning

from assets.saes.model.sae import Sae, SaeConfig

ROWS_PER_LATENT = 32
"""More rows than this many for each latent move centres little, and cost as much as all of training."""
JOINED_ROWS, JOINED_PER_LATENT = 4096, 4
"""Rows of which first clusters are made, at the most, and at least for each latent: their distances fill memory."""
ROUNDS = 20
"""Of k-means, at the most."""


@torch.no_grad()
def clusters_sae(config: SaeConfig, x: NDArray[np.floating[Any]]) -> Sae:
    """Return untrained weights: encoder = decoder = the centres of clusters of the directions of `x`, biases 0.

    Ward's clusters of some rows are where k-means over more of them begins. Nothing is drawn at random, so two seeds
    differ only in the order in which they see passages: a latent that starts where many rows are stays there. No
    latent is dead at the start.

    Parameters
    ----------
    x : [rows, d_model]
        Centred; at least as many rows as latents.
    """
    directions = spaced(x, ROWS_PER_LATENT * config.n_latents).astype(np.float32)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    directions /= np.maximum(lengths, np.finfo(np.float32).tiny)
    with warnings.catch_warnings():  # rows that are alike make fewer centres than latents: those are then alike, too
        warnings.simplefilter("ignore", ConvergenceWarning)
        first = _first_centres(directions, config.n_latents)
        found = KMeans(len(first), init=first, n_init=1, max_iter=ROUNDS, random_state=0).fit(directions)
    sae = Sae(config)
    sae.W_dec.copy_(torch.from_numpy(found.cluster_centers_))
    sae.normalise_decoder()
    sae.encoder.weight.copy_(sae.W_dec)
    return sae


def _first_centres(directions: NDArray[np.float32], clusters: int) -> NDArray[np.float32]:
    rows = spaced(directions, max(JOINED_ROWS, JOINED_PER_LATENT * clusters))
    labels = AgglomerativeClustering(clusters, linkage="ward").fit_predict(rows)
    sums = np.zeros((clusters, rows.shape[1]), dtype=np.float64)
    np.add.at(sums, labels, rows)
    return (sums / np.bincount(labels, minlength=clusters)[:, None]).astype(np.float32)


def spaced(x: NDArray[Any], most: int) -> NDArray[Any]:
    """Return rows at even distances, all where there are no more than so many."""
    return x[np.linspace(0, len(x) - 1, min(most, len(x))).astype(np.int64)]
