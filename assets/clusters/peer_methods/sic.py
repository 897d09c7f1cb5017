"""`sic4`, `sic3`, `major_group` (two digits), `division`: the SIC code of the filing; each is filled from the next."""

from assets.clusters.baselines import group_clusters, sic_clusters
from assets.clusters.peer_methods.nearness import Evidence, Labels, Nearness, PeerMethod, classified
from assets.sic import industry_group

LEVELS = ("sic4", "sic3", "major_group", "division")


def sic_levels(evidence: Evidence) -> list[Labels]:
    """Return the groups of every level, finest first; a company without a group is alone."""
    codes = evidence.known.companies["sic"].to_list()
    sic3 = group_clusters([industry_group(code) for code in codes])
    return [sic_clusters(codes, "sic4"), sic3, sic_clusters(codes, "major_group"), sic_clusters(codes, "division")]


def by_sic(level: str) -> PeerMethod:
    """Return the method of that level."""

    def nearness(evidence: Evidence) -> Nearness:
        return classified(*sic_levels(evidence)[LEVELS.index(level) :])

    return nearness
