"""`hoberg_phillips`: the pairs that Hoberg and Phillips themselves publish, where a profile names their file."""

import numpy as np

from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared


def hoberg_phillips(evidence: Evidence) -> Nearness:
    """Return their scores, 0 of pairs that they do not list; without their file nobody is placed."""
    ids, pairs = evidence.known.ids, evidence.given.pairs
    near = np.zeros((len(ids), len(ids)))
    if pairs is not None:
        own = pairs.filter(*(pairs[name].is_in(ids) for name in ("company_id", "peer_id")))
        rows, columns = (np.searchsorted(ids, own[name].to_list()) for name in ("company_id", "peer_id"))
        near[rows, columns] = own["score"].to_numpy()
    return compared(near)
