"""`random`: peers drawn at random, what every score is read against."""

import numpy as np

from assets.clusters.peer_methods.nearness import Evidence, Nearness


def random_peers(evidence: Evidence) -> Nearness:
    """Return a tie of everybody with everybody: ties are drawn at random, and everybody gets peers."""
    n = len(evidence.known.ids)
    return Nearness(np.zeros((n, n)), np.full(n, n > 1))
