"""`lm_mean`: cosines of the language model's residual stream, averaged over a description: no autoencoder at all."""

import numpy as np

from assets.clusters.baselines import embedding_similarity
from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared


def lm_mean(evidence: Evidence) -> Nearness:
    """Return cosines of the standardised means; NaN for a company that has none."""
    means = evidence.known.companies["lm_mean"]
    has, near = means.is_not_null().to_numpy(), np.full((len(means), len(means)), np.nan)
    if has.sum() > 1:
        # Residual streams share a direction that swamps every cosine, and a few dimensions are far wider than the rest.
        rows = np.array(means.drop_nulls().to_list(), dtype=np.float64)
        centred, spread = rows - rows.mean(axis=0), rows.std(axis=0)
        units = centred / np.where(spread > 0, spread, 1.0)
        moving = np.linalg.norm(units, axis=1) > 0
        own = np.flatnonzero(has)[moving]
        near[np.ix_(own, own)] = embedding_similarity(units[moving])
    return compared(near)
