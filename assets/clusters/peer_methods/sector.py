"""`sector`: the sector that a filing is given with; a company without one is alone."""

from assets.clusters.baselines import group_clusters
from assets.clusters.peer_methods.nearness import Evidence, Nearness, classified


def sector(evidence: Evidence) -> Nearness:
    """Return the groups of companies by sector."""
    return classified(group_clusters(evidence.known.companies["sector"].to_list()))
