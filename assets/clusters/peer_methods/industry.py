"""`industry`: the industry that a filing is given with, filled from its sector; a company without one is alone."""

from assets.clusters.baselines import group_clusters
from assets.clusters.peer_methods.nearness import Evidence, Nearness, classified


def industry(evidence: Evidence) -> Nearness:
    """Return the groups of companies by industry."""
    levels = evidence.known.companies.select("industry", "sector").rows()
    # Two sources may use one name of an industry in two sectors: a group lies inside one group of the next level.
    named = [None if own is None else f"{above}/{own}" for own, above in levels]
    return classified(group_clusters(named), group_clusters([above for _, above in levels]))
