"""`tfidf`: cosines of the words of the description, weighted by how few companies use them."""

from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared


def tfidf(evidence: Evidence) -> Nearness:
    """Return cosines of TF-IDF vectors."""
    return compared(evidence.words)
