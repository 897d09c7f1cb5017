"""Tables of the paper's own clusters, marked [paper]: they use what was not known at the time, and are no evidence."""

from typing import get_args

from assets.schemas.columns import ACCESSION, COMPANY_ID, INT, LONG, REAL, TEXT, column, optional, table
from resources.settings.paper import PaperMethod

PAPER_METHOD = column("method", TEXT, f"[paper] How the clusters were made: {', '.join(get_args(PaperMethod))}.")
YEAR = column("year", INT, "Fiscal year of the filings; their returns are those of the same year.", "year")

PAPER_CLUSTERS = table("paper_clusters", "method year company_id")(
    "[paper] The paper's clusters of every year, made with data of all years; a company alone keeps a cluster.",
    PAPER_METHOD,
    YEAR,
    COMPANY_ID,
    ACCESSION,
    column("cluster", INT, "Cluster number, 0 the largest of its year."),
)
PAPER_CUTS = table("paper_cuts", "year theta")(
    "[paper] MeanCorr of single linkage at every cut, which rolling G-CDR chooses from.",
    YEAR,
    column("theta", REAL, "Cut in z-scored cosine distance.", "standard deviations"),
    optional("mean_corr", REAL, "MeanCorr of the year it cuts; empty where the cut leaves everybody alone.", "1"),
)
PAPER_SCORES = table("paper_scores", "method year")(
    "[paper] MeanCorr of every method and year, on returns of the year the text is about (docs/paper.md).",
    PAPER_METHOD,
    YEAR,
    optional("theta", REAL, "Where the tree was cut; empty for methods without one.", "standard deviations"),
    optional("mean_corr", REAL, "MeanCorr: mean over clusters of two or more of their mean correlation.", "1"),
    optional("pair_weighted", REAL, "Mean correlation over all pairs inside clusters.", "1"),
    column("all_pairs", REAL, "Mean correlation over all pairs of the year.", "1"),
    column("companies", INT, "Companies with a filing and all twelve returns.", "companies"),
    column("coverage", REAL, "Share of them that are not alone.", "1"),
    column("clusters", INT, "Clusters of two or more.", "clusters"),
    column("largest_share", REAL, "Share of the companies in the largest cluster.", "1"),
    column("pairs", LONG, "Pairs inside clusters.", "pairs"),
)
