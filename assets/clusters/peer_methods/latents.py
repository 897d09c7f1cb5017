"""`sae`, `sae_passages`, `sae_tokens`: cosines of the latents of sparse autoencoders, of both views or of one."""

import numpy as np

from assets.clusters.methods import FEWEST, comparable, similarity
from assets.clusters.peer_methods.nearness import Evidence, Nearness, PeerMethod, compared
from resources.settings.clusters import SaeMethod


def by_latents(method: SaeMethod) -> PeerMethod:
    """Return the method of that name."""

    def nearness(evidence: Evidence) -> Nearness:
        everyone, among = evidence.known.ids, comparable(method, evidence.known)
        near = np.full((len(everyone), len(everyone)), np.nan)
        if len(among.ids) >= FEWEST:
            rows = np.searchsorted(everyone, among.ids)
            near[np.ix_(rows, rows)] = similarity(method, among)
        return compared(near)

    return nearness
