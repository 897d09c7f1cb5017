"""`fama_french_48`: the 48 industries of Fama and French, by ranges of SIC codes."""

from assets.clusters.baselines import group_clusters
from assets.clusters.peer_methods.nearness import Evidence, Nearness, classified
from resources.fama_french import fama_french_48


def by_fama_french(evidence: Evidence) -> Nearness:
    """Return the groups of companies by industry; one whose code is in no industry is alone."""
    codes = evidence.known.companies["sic"].to_list()
    return classified(group_clusters([fama_french_48(code) for code in codes]))
