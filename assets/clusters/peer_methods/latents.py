"""`sae`, `sae_passages`, `sae_tokens`: cosines of the latents of sparse autoencoders, of both views or of one."""

import numpy as np
from scipy.sparse import csr_matrix

from assets.clusters.methods import FEWEST, Known, comparable
from assets.clusters.peer_methods.nearness import Evidence, Nearness, PeerMethod, compared
from assets.features.attribution import cosines, dense
from resources.settings.clusters import SaeMethod


def by_latents(method: SaeMethod) -> PeerMethod:
    """Return the method of that name."""

    def nearness(evidence: Evidence) -> Nearness:
        everyone, (ids, vectors) = evidence.known.ids, latent_vectors(method, evidence.known)
        if ids == everyone:
            return compared(cosines(vectors))
        near = np.full((len(everyone), len(everyone)), np.nan)
        if len(ids) >= FEWEST:
            rows = np.searchsorted(everyone, ids)
            near[np.ix_(rows, rows)] = cosines(vectors)
        return compared(near)

    return nearness


def latent_vectors(method: SaeMethod, known: Known) -> tuple[list[str], csr_matrix]:
    """Return the companies that have a vector, sorted, and the unit rows whose products are the similarity."""
    return dense(comparable(method, known).vectors)
