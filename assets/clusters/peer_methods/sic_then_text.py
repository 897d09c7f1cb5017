"""`sic_then_text`: the same SIC group first, from four digits to the division, and inside it the nearest words."""

import numpy as np

from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared
from assets.clusters.peer_methods.sic import sic_levels
from assets.clusters.scoreboard.peers import shared_levels


def sic_then_text(evidence: Evidence) -> Nearness:
    """Return how many levels two companies share, and between equals how alike their words are."""
    # Half a cosine cannot make up for a level.
    return compared(np.asarray(shared_levels(sic_levels(evidence)) + evidence.words / 2, dtype=np.float64))
