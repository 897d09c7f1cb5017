"""Tables of clusters: peer groups, nearest companies, and how well both predict returns."""

import pyarrow as pa

from assets.schemas.columns import (
    AS_OF,
    COMPANY_ID,
    DATE,
    FLAG,
    GROUPING,
    INT,
    LATENT_KEY,
    LONG,
    METHOD,
    REAL,
    TEXT,
    VIEW,
    column,
    optional,
    table,
)

PEER_CLUSTERS = table("peer_clusters", "method as_of company_id")(
    "Peer groups, one row per company; a company alone keeps a cluster of its own.",
    *GROUPING,
    COMPANY_ID,
    column("cluster", INT, "Cluster number, 0 the largest."),
    optional("stability", REAL, "Share of bootstrap draws in which it stays with the majority of its cluster.", "1"),
    optional("suggested", INT, "Of a company alone: the cluster nearest to it by mean similarity, a suggestion."),
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
    "The cut of each linkage tree, and what it was chosen by.",
    *GROUPING,
    column("theta", REAL, "Cut in z-scored cosine distance.", "standard deviations"),
    column("objective", TEXT, "`pair_share`, or what was maximised over the grid of cuts."),
    column("score", REAL, "Share of pairs inside clusters, or the objective's value on the months used.", "1"),
    optional("first_month", DATE, "First month of returns used; empty where none were."),
    optional("last_month", DATE, "Last month of returns used; never after the as-of date."),
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
    VIEW,
    *LATENT_KEY,
    column("label", TEXT, "What the theme is called in this cluster: by its words that most who tell it say."),
    column("share", REAL, "Its share of the mean cosine inside the cluster.", "1"),
)
CLUSTER_SCORES = table("cluster_scores", "method as_of")(
    "How well groups predict which returns move together, on the months after the as-of date, once all are over.",
    *GROUPING,
    column("first_month", DATE, "First month of the horizon."),
    column("last_month", DATE, "Last month of the horizon."),
    column("months", INT, "Months of the horizon that are over in the data.", "months"),
    column("horizon_months", INT, "Months in the horizon.", "months"),
    column("finished", FLAG, "Whether all are over; until then there are no scores, and no mean counts the date."),
    column("companies", INT, "Companies as grouped at the as-of date.", "companies"),
    optional("companies_lost", INT, "Of these, without a return in every month, or with a stale price.", "companies"),
    column("left_out", INT, "Returns in these months that the profile excludes.", "returns"),
    optional("lift", REAL, "pair_weighted less placebo_mean.", "1"),
    optional("mean_corr", REAL, "MeanCorr as in the paper: mean over clusters of mean pairwise correlation.", "1"),
    optional("pair_weighted", REAL, "Mean correlation over all pairs inside clusters.", "1"),
    optional("all_pairs", REAL, "Mean correlation over all pairs, clusters ignored.", "1"),
    column("coverage", REAL, "Share of the companies that have at least one peer, as grouped.", "1"),
    column("clusters", INT, "Clusters of two or more, as grouped.", "clusters"),
    column("largest_share", REAL, "Share of the companies in the largest cluster, as grouped.", "1"),
    column("pairs", LONG, "Pairs inside clusters, as grouped.", "pairs"),
    optional("pairs_lost", LONG, "Of these, pairs of which a company was lost.", "pairs"),
    optional("stability", REAL, "Mean over companies in clusters of their stability, as grouped.", "1"),
    optional("placebo_mean", REAL, "Mean pair-weighted correlation of random clusters of the same sizes.", "1"),
    optional("placebo_z", REAL, "Standard deviations above that placebo.", "standard deviations"),
    optional("placebo_p", REAL, "(1 + placebo draws at least as high) / (1 + draws).", "1"),
    column("placebo_draws", INT, "Placebo draws.", "draws"),
)
LIFT_DRAWS = table("lift_draws", "method as_of draw")(
    "The lift of bootstrap samples of the companies: in a draw a company has one weight at all dates.",
    *GROUPING,
    column("draw", INT, "Number of the sample."),
    optional("lift", REAL, "Its lift; empty where it has no pair inside a cluster.", "1"),
)
LIFT_INTERVALS = table("lift_intervals", "method")(
    "The mean lift of every method over its finished dates, and how sure it is (docs/method.md).",
    METHOD,
    column("lift", REAL, "Mean over the finished dates.", "1"),
    column("dates", INT, "Finished dates with a lift.", "dates"),
    column("blocks", INT, "Horizons that fit into these dates without sharing a month.", "blocks"),
    optional("se_time", REAL, "Standard error from dates that share no month; empty below two blocks.", "1"),
    optional("se_firms", REAL, "Standard error that the companies bring to all dates (bootstrap).", "1"),
    optional("low", REAL, "Lower bound of the 95 % interval, Student's t with blocks - 1 degrees of freedom.", "1"),
    optional("high", REAL, "Upper bound.", "1"),
)
NEAREST_MATCHES = table("nearest_matches", "method as_of company_id")(
    "Whether the nearest peer shares the SIC major group, for every company with a code at the date.",
    *GROUPING,
    COMPANY_ID,
    column("alone", FLAG, "Whether no other company is in its major group, so that no peer can be."),
    column("same", REAL, "1 where the nearest peer is in it, else 0; under `random` the chance of any peer.", "1"),
)
SHARE = (
    column("companies", INT, "Companies asked: all with a code.", "companies"),
    column("alone", INT, "Of these, alone in their major group at all dates asked: they can only miss.", "companies"),
    optional("share", REAL, "Share whose nearest peer is in their major group; a company counts once.", "1"),
    optional("low", REAL, "Lower bound of Wilson's 95 % interval; empty for chance.", "1"),
    optional("high", REAL, "Upper bound.", "1"),
    optional("sae_better", INT, "Companies for which sae is right more often than this method.", "companies"),
    optional("sae_worse", INT, "Companies for which it is right less often.", "companies"),
    optional("p_value", REAL, "McNemar's exact p of these two.", "1"),
)
NEIGHBOUR_SCORES = table("neighbour_scores", "method as_of")(
    "How often the nearest peer shares the SIC major group at a date, and how returns then move with its.",
    *GROUPING,
    *SHARE,
    optional("forward_corr", REAL, "Mean correlation with the nearest peer over the finished horizon.", "1"),
    optional("forward_companies", INT, "Companies behind it: those lost, or whose peer was, are not.", "companies"),
)
NEAREST_SHARES = table("nearest_shares", "method")(
    "How often the nearest peer shares the SIC major group, over all dates: a company counts once.",
    METHOD,
    *SHARE,
)
RIVAL_SCORES = table("rival_scores", "method as_of")(
    "Of the pairs in which one company names the other as a rival, those among a method's nearest 2.05 % of all pairs.",
    *GROUPING,
    column("pairs", INT, "Pairs in which one names the other.", "pairs"),
    column("found", REAL, "Of these, among the nearest; of tied pairs each counts with a part.", "pairs"),
    column("share", REAL, "Share found.", "1"),
    column("low", REAL, "Lower bound of Wilson's 95 % interval.", "1"),
    column("high", REAL, "Upper bound.", "1"),
)
PEER_METHOD = column(
    "method", TEXT, "How peers were named: a name of the registry of methods; `random` is the placebo."
)
HORIZON = column("horizon_months", INT, "Months in the horizon after the as-of date.", "months")
SCORE = column("score", TEXT, "What is scored (docs/method.md); `_raw` where the market was not taken out.")
PEER_SCORES = table("peer_scores", "method as_of horizon_months score")(
    "How well each method's peers move with a company on the months after the as-of date, finished horizons only.",
    PEER_METHOD,
    AS_OF,
    HORIZON,
    SCORE,
    optional("share", REAL, "Share of all pairs that it is over, where it is over pairs.", "1"),
    optional("value", REAL, "The score; empty where it is not defined.", "1"),
    column("companies", INT, "Companies behind it.", "companies"),
)
PEER_SCORE_DRAWS = table("peer_score_draws", "method as_of horizon_months score")(
    "The same scores of bootstrap samples of the companies: in a draw a company has one weight at all dates.",
    PEER_METHOD,
    AS_OF,
    HORIZON,
    SCORE,
    column("draws", pa.list_(pa.float32()), "The score of each sample; empty where a sample has none.", "1"),
)
MONTHLY_R2 = table("monthly_r2", "method as_of horizon_months peers month")(
    "Cross-section R2: how much of the spread of a month's returns the mean returns of peers explain.",
    PEER_METHOD,
    AS_OF,
    HORIZON,
    column("peers", INT, "Peers of a company.", "companies"),
    column("month", DATE, "Month of the horizon."),
    optional("r2", REAL, "Adjusted R2; empty where fewer than three companies have a return.", "1"),
)
HORIZON_LOSSES = table("horizon_losses", "as_of horizon_months company_id")(
    "The companies without a return in every month of a finished horizon, or with a stale price: what was lost.",
    AS_OF,
    HORIZON,
    COMPANY_ID,
    optional("last_month", DATE, "Last month of the horizon with a return; empty without any."),
)
PEER_INTERVALS = table("peer_intervals", "method horizon_months score")(
    "Every score of every method over its finished dates, and how sure it is (docs/method.md).",
    PEER_METHOD,
    HORIZON,
    SCORE,
    optional("share", REAL, "Share of all pairs that it is over, where it is over pairs.", "1"),
    column("value", REAL, "Mean over the finished dates; of an R2 over the months.", "1"),
    column("dates", INT, "Finished dates with the score.", "dates"),
    column("blocks", INT, "Horizons that fit into these dates without sharing a month; of an R2, months.", "blocks"),
    optional("low", REAL, "Lower bound of the 95 % interval, Student's t; empty below two blocks.", "1"),
    optional("high", REAL, "Upper bound.", "1"),
)
SCORE_DIFFERENCES = table("score_differences", "method other horizon_months score")(
    "A score of a method less that of another: both at the same dates and in the same bootstrap samples of companies.",
    PEER_METHOD,
    column("other", TEXT, "The method that it is compared with."),
    HORIZON,
    column(
        "score", TEXT, "hedge_median, hedge_worse, incremental_r2, same_number or an outcome's R2 (docs/method.md)."
    ),
    column("difference", REAL, "Mean over the finished dates that both have.", "1"),
    column("dates", INT, "These dates.", "dates"),
    column("blocks", INT, "Horizons that fit into these dates without sharing a month.", "blocks"),
    optional("low", REAL, "Lower bound of the 95 % interval, Student's t; empty below two blocks.", "1"),
    optional("high", REAL, "Upper bound.", "1"),
    optional("low_firms", REAL, "The same over companies alone: such companies in these very months.", "1"),
    optional("high_firms", REAL, "Upper bound.", "1"),
)
R2_DIFFERENCES = table("r2_differences", "method other horizon_months peers")(
    "Cross-section R2 of a method less that of another, paired by month.",
    PEER_METHOD,
    column("other", TEXT, "The method that it is compared with."),
    HORIZON,
    column("peers", INT, "Peers of a company.", "companies"),
    column("difference", REAL, "Mean over the months that both have.", "1"),
    column("months", INT, "These months.", "months"),
    optional("error", REAL, "Newey-West standard error; empty below two months.", "1"),
    optional("low", REAL, "Lower bound of the 95 % interval, Student's t.", "1"),
    optional("high", REAL, "Upper bound.", "1"),
)
STACK_TERM = (
    column("with_history", FLAG, "Whether past returns are a term: of pairs of which both companies have them."),
    column("term", TEXT, "What is weighed; `any_pair` is the intercept, all others are as in `stack_parts`."),
)
STACK_COEFFICIENTS = table("stack_coefficients", "as_of with_history term")(
    "What each term of `stack` was worth before an as-of date: later correlation per unit of it (docs/method.md).",
    AS_OF,
    *STACK_TERM,
    column("coefficient", REAL, "Weight of the term, not below 0 but for `any_pair`.", "1"),
    optional("low", REAL, "Lower bound of the 95 % interval, by bootstrap over companies; empty without a fit.", "1"),
    optional("high", REAL, "Upper bound.", "1"),
    column("is_fitted", FLAG, "False where there was too little to fit: then stack is the plain mean of the terms."),
    column("pairs", LONG, "Pairs that it was fitted on.", "pairs"),
    column("companies", INT, "Companies in these pairs.", "companies"),
)
STACK_PARTS = table("stack_parts", "as_of company_id neighbour_id part")(
    "The nearest companies by `stack`, and what each part adds: the values of two companies add up to the similarity.",
    AS_OF,
    COMPANY_ID,
    column("neighbour_id", TEXT, "The neighbour's company_id."),
    column("rank", INT, "1 is the nearest."),
    column("similarity", REAL, "The correlation beyond the market that is foretold of the two.", "1"),
    column("with_history", FLAG, "Whether past returns of both are known; else the coefficients are those without."),
    column(
        "part",
        TEXT,
        "`passages`, `tokens` and `words` (cosines), `sic4`, `sic3`, `major_group` (1 where they are the same), `past` "
        "(correlation of the last 60 months), `any_pair` (of any two companies).",
    ),
    column("value", REAL, "What it adds: the term times its coefficient.", "1"),
)
STACK_PATH = table("stack_path", "with_history term")(
    "The coefficients of `stack` over all as-of dates at which they were fitted.",
    *STACK_TERM,
    column("dates", INT, "Dates with a fit.", "dates"),
    column("dates_above_0", INT, "Of these, dates at which the whole interval is above 0.", "dates"),
    column("coefficient", REAL, "Mean over the dates.", "1"),
    column("smallest", REAL, "The smallest of them.", "1"),
    column("largest", REAL, "The largest.", "1"),
)
