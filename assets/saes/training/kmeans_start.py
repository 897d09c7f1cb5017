"""Where training over passages starts: from the directions around which passages lie."""

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from assets.saes.model.sae import Sae, SaeConfig

ROWS_PER_LATENT = 32
"""More rows than this many for each latent move centres little, and cost as much as all of training."""
ROUNDS = 20
"""Of k-means, at the most."""


@torch.no_grad()
def kmeans_sae(config: SaeConfig, x: NDArray[np.floating[Any]], seed: int) -> Sae:
    """Return untrained weights: encoder = decoder = the k-means centres of the directions of `x`, biases 0.

    Two seeds find more of the same latents from here than from random directions, for a latent that starts where many
    rows are stays there. No latent is dead at the start.

    Parameters
    ----------
    x : [rows, d_model]
        Centred; at least as many rows as latents.
    seed : int
        Of the first centres, and of the rows that are clustered where there are very many.
    """
    rows = np.random.default_rng(seed).permutation(len(x))[: ROWS_PER_LATENT * config.n_latents]
    drawn = x[np.sort(rows)].astype(np.float32)
    lengths = np.linalg.norm(drawn, axis=1, keepdims=True)
    with warnings.catch_warnings():  # rows that are alike make fewer centres than latents: those are then alike, too
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(config.n_latents, n_init=1, max_iter=ROUNDS, random_state=seed).fit(
            drawn / np.maximum(lengths, np.finfo(np.float32).tiny)
        )
    sae = Sae(config)
    sae.W_dec.copy_(torch.from_numpy(found.cluster_centers_))
    sae.normalise_decoder()
    sae.encoder.weight.copy_(sae.W_dec)
    return sae
