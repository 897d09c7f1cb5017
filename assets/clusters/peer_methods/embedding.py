"""`embedding`: cosines of sentence embeddings of the description."""

import numpy as np

from assets.clusters.baselines import embedding_similarity
from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared


def embedding(evidence: Evidence) -> Nearness:
    """Return cosines of the companies' embeddings."""
    return compared(embedding_similarity(np.array(evidence.known.companies["embedding"].to_list())))
