"""`sic4`, `sic3`, `major_group` (two digits), `division`: the SIC code of the filing; each is filled from the next."""

from assets.clusters.baselines import group_clusters
from assets.clusters.peer_methods.nearness import Evidence, Labels, Nearness, PeerMethod, classified
from assets.sic import industry_group, sic_group

LEVELS = ("sic4", "sic3", "major_group", "division")


def sic_levels(evidence: Evidence) -> list[Labels]:
    """Return the groups of every level, finest first; a company without a group is alone."""
    codes = evidence.known.companies["sic"].to_list()
    return [
        group_clusters([sic_group(code, "sic4") for code in codes]),
        group_clusters([industry_group(code) for code in codes]),
        group_clusters([sic_group(code, "major_group") for code in codes]),
        group_clusters([sic_group(code, "division") for code in codes]),
    ]


def by_sic(level: str) -> PeerMethod:
    """Return the method of that level."""

    def nearness(evidence: Evidence) -> Nearness:
        return classified(*sic_levels(evidence)[LEVELS.index(level) :])

    return nearness
