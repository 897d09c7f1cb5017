"""`stack`: themes, token latents, words, SIC codes and past returns, weighted by what earlier months were worth."""

from assets.clusters.peer_methods.nearness import Evidence, Nearness
from assets.clusters.stacking.stacked import stacked
from assets.clusters.stacking.terms import terms


def stack(evidence: Evidence) -> Nearness:
    """Return the correlation beyond the market that is foretold of every pair; it is known for all."""
    found = stacked(terms(evidence))
    return Nearness(found.similarity(), found.placed())
