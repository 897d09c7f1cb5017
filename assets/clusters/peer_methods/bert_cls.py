"""`bert_cls`: cosines of the [CLS] vectors of a BERT-like encoder, the paper's BERT baseline, where one is given."""

import numpy as np

from assets.clusters.baselines import embedding_similarity
from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared


def bert_cls(evidence: Evidence) -> Nearness:
    """Return cosines of the companies' [CLS] vectors; NaN for a company that has none: without an encoder, for all."""
    vectors = evidence.known.companies["bert_cls"]
    has, near = np.flatnonzero(vectors.is_not_null().to_numpy()), np.full((len(vectors), len(vectors)), np.nan)
    if len(has) > 1:
        near[np.ix_(has, has)] = embedding_similarity(np.array(vectors.drop_nulls().to_list()))
    return compared(near)
