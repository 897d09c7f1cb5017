"""Tables of clusters: peer groups, nearest companies, and how well both predict returns."""

from assets.schemas.columns import (
    AS_OF,
    COMPANY_ID,
    DATE,
    GROUPING,
    INT,
    LATENT_KEY,
    LONG,
    REAL,
    TEXT,
    column,
    optional,
    table,
)

PEER_CLUSTERS = table("peer_clusters", "method as_of company_id")(
    "Peer groups, one row per company; a company alone keeps a cluster of its own.",
    *GROUPING,
    COMPANY_ID,
    column("cluster", INT, "Cluster number, 0 the largest."),
)
SIC_GROUPS = table("sic_groups", "as_of company_id")(
    "The SIC code of every company at an as-of date, and its groups: what baselines group by and pages show.",
    AS_OF,
    COMPANY_ID,
    column("accession", TEXT, "The filing that carries the code: the newest that is described at the as-of date."),
    optional("sic", TEXT, "The code as filed; empty where that filing has none."),
    optional("major_group", TEXT, "First two of the code's four digits; empty where they are in no division."),
    optional("division", TEXT, "Letter of the division of the SIC manual, A agriculture to J public administration."),
)
CLUSTER_THRESHOLDS = table("cluster_thresholds", "method as_of")(
    "The cut of each linkage tree and the months it was chosen on.",
    *GROUPING,
    column("theta", REAL, "Cut in z-scored cosine distance.", "standard deviations"),
    column("objective", TEXT, "What was maximised over the grid of cuts."),
    column("score", REAL, "Its value on the months used.", "1"),
    column("first_month", DATE, "First month of returns used."),
    column("last_month", DATE, "Last month of returns used; never after the as-of date."),
)
NEIGHBOURS = table("neighbours", "method as_of company_id rank")(
    "The nearest companies by cosine.",
    *GROUPING,
    COMPANY_ID,
    column("peer_id", TEXT, "The neighbour's company_id."),
    column("rank", INT, "1 is the nearest."),
    column("similarity", REAL, "Cosine.", "1"),
)
CLUSTER_LABELS = table("cluster_labels", "method as_of cluster rank")(
    "Why a cluster is one: the latents that contribute most to the similarity inside it.",
    *GROUPING,
    column("cluster", INT, "Cluster number."),
    column("size", INT, "Companies in it.", "companies"),
    column("rank", INT, "1 contributes most."),
    *LATENT_KEY,
    column("label", TEXT, "The latent's label."),
    column("share", REAL, "Its share of the mean cosine inside the cluster.", "1"),
)
CLUSTER_SCORES = table("cluster_scores", "method as_of")(
    "How well groups predict which returns move together, on months strictly after the as-of date.",
    *GROUPING,
    column("first_month", DATE, "First month scored."),
    column("last_month", DATE, "Last month scored."),
    column("months", INT, "Months of returns behind the correlations.", "months"),
    column("companies", INT, "Companies with every month.", "companies"),
    column("left_out", INT, "Returns in these months that the profile excludes.", "returns"),
    optional("mean_corr", REAL, "MeanCorr as in the paper: mean over clusters of mean pairwise correlation.", "1"),
    optional("pair_weighted", REAL, "Mean correlation over all pairs inside clusters.", "1"),
    column("all_pairs", REAL, "Mean correlation over all pairs, clusters ignored.", "1"),
    column("coverage", REAL, "Share of companies that have at least one peer.", "1"),
    column("clusters", INT, "Clusters of two or more.", "clusters"),
    column("largest_share", REAL, "Share of companies in the largest cluster.", "1"),
    column("pairs", LONG, "Pairs inside clusters.", "pairs"),
    optional("placebo_mean", REAL, "Mean pair-weighted correlation of random clusters of the same sizes.", "1"),
    optional("placebo_z", REAL, "Standard deviations above that placebo.", "standard deviations"),
    optional("placebo_p", REAL, "(1 + placebo draws at least as high) / (1 + draws).", "1"),
    column("placebo_draws", INT, "Placebo draws.", "draws"),
)
NEIGHBOUR_SCORES = table("neighbour_scores", "method as_of")(
    "How often the nearest peer shares the SIC major group, over companies whose group has four or more members.",
    *GROUPING,
    column("same_major_group", REAL, "Share of companies whose nearest peer is in their major group.", "1"),
    column("companies", INT, "Companies asked.", "companies"),
    optional("forward_corr", REAL, "Mean correlation with the nearest peer over the months scored.", "1"),
)
