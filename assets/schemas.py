"""Every table of the lake: Arrow types, units, and one sentence per column.

A stage may only write rows that match its table here. The same sentences become the column descriptions in the
Dagster UI and the comments of the DuckDB views.
"""

from collections.abc import Callable

import pyarrow as pa

from resources.lake.table import Column, Table

TEXT = pa.string()
TEXTS = pa.list_(pa.string())
INT = pa.int32()
LONG = pa.int64()
REAL = pa.float64()
DATE = pa.date32()
FLAG = pa.bool_()


def _c(name: str, type: pa.DataType, sentence: str, unit: str = "") -> Column:
    return Column(name, type, sentence, unit)


def _maybe(name: str, type: pa.DataType, sentence: str, unit: str = "") -> Column:
    return Column(name, type, sentence, unit, nullable=True)


def _table(name: str, key: str, slice_by: str = "") -> Callable[..., Table]:
    """A table that still wants its sentence and its columns; `key` and `slice_by` are names of columns."""
    return lambda sentence, *columns: Table(name, sentence, tuple(key.split()), columns, tuple(slice_by.split()))


def _by_filing(name: str, key: str = "accession") -> Callable[..., Table]:
    """The same for a table with one slice a filing."""
    return _table(name, key, "filed_at accession")


COMPANY_ID = _c("company_id", TEXT, "Ten-digit CIK, or `ticker:XYZ` where no CIK is known.")
ACCESSION = _c("accession", TEXT, "The filing's accession number; the sample's are `sample-<ticker>-<year>`.")
FILED_AT = _c("filed_at", DATE, "The day on which the filing became public.")
AS_OF = _c("as_of", DATE, "Month-end; nothing filed or traded after it was used.")
METHOD = _c(
    "method", TEXT, "How the groups were made: sae, embedding, tfidf, sic4, major_group, division, sector, random."
)
ENTRY = _c("entry", TEXT, "The sparse autoencoder, named after the blocks it covers.")
LATENT = _c("latent", INT, "Index of the latent in its sparse autoencoder.")
BLOCK = _c("block", INT, "Zero-based transformer block; its residual stream after the block is meant.")
SELECTION = _c(
    "selection", TEXT, "`bh` where Benjamini-Hochberg passed the pair, `uncorrected` where pairs are ranked by p."
)
PAIR = (
    _c("company_a", TEXT, "First company of the pair, the dependent leg."),
    _c("company_b", TEXT, "Second company, the hedge."),
)

FILING = (ACCESSION, COMPANY_ID, FILED_AT)
LATENT_KEY = (ENTRY, BLOCK, LATENT)
GROUPING = (METHOD, AS_OF)
READ = (
    _c("tokens", INT, "Tokens of the filing, and its rows in every shard.", "tokens"),
    _c("input_digest", TEXT, "Digest of all that its activations depend on: text, model, windows, code that reads."),
)

COMPANIES = _table("companies", "company_id", "first_report company_id")(
    "Who exists.",
    COMPANY_ID,
    _maybe("cik", TEXT, "SEC Central Index Key, ten digits."),
    _c("name", TEXT, "Name at the time of the newest filing in the universe."),
    _maybe("exchange", TEXT, "Listing exchange."),
    _maybe("sector", TEXT, "Sector, where the source tells one."),
    _maybe("industry", TEXT, "Industry, where the source tells one."),
    _maybe("fiscal_year_end", TEXT, "Last day of the fiscal year as MM-DD."),
    _c("first_report", DATE, "Day of its first annual report that the source knows of."),
)
TICKERS = _table("tickers", "ticker company_id")(
    "What a ticker meant, and when.",
    _c("ticker", TEXT, "Exchange symbol."),
    COMPANY_ID,
    _maybe("valid_from", DATE, "First day on which the ticker meant this company; empty where unknown."),
    _maybe("valid_to", DATE, "Last such day; empty where it still does or nobody knows."),
    _c("source", TEXT, "Who says so."),
)
FILINGS = _by_filing("filings")(
    "Annual reports, one row each.",
    ACCESSION,
    COMPANY_ID,
    _c("form", TEXT, "Form type as filed."),
    FILED_AT,
    _maybe("period", DATE, "End of the fiscal year reported on."),
    _maybe("sic", TEXT, "Four-digit SIC code as filed, not today's."),
    _c("tickers", TEXTS, "Trading symbols that the cover page tags (inline XBRL, since 2019), or the source's own."),
    _maybe("url", TEXT, "Where the document is."),
    _maybe("sha256", TEXT, "Hash of the header and main document as filed; empty where there is none."),
    _maybe("refused", TEXT, "Why the document could not be had; empty where it could."),
)
DESCRIPTIONS = _by_filing("descriptions")(
    "What companies say about themselves: Item 1 of the annual report.",
    *FILING,
    _c("fiscal_year", INT, "Fiscal year that the text describes.", "year"),
    _c("text", TEXT, "The description."),
    _c("n_chars", INT, "Length of the text.", "characters"),
    _c("method", TEXT, "How the text was obtained."),
    _c("quality", TEXT, "ok, short, or disagree where two readers differ."),
    _maybe("overlap", REAL, "Share of the letters that both readers found in the same order, where two read.", "1"),
    _maybe("doubt", TEXT, "What is doubtful about the text; empty where nothing is."),
    _c("source", TEXT, "Where the text comes from."),
)
DESCRIPTIONS_REJECTED = _by_filing("descriptions_rejected")(
    "Filings without a usable description, and why.",
    *FILING,
    _c("reason", TEXT, "Why there is no description."),
)
PRICES = _table("prices", "company_id date", "date")(
    "Daily closes adjusted for splits and dividends.",
    COMPANY_ID,
    _c("ticker", TEXT, "Symbol under which the price was quoted."),
    _c("date", DATE, "Trading day."),
    _c("adj_close", REAL, "Adjusted close.", "USD"),
    _maybe("close", REAL, "Close that is not adjusted for dividends.", "USD"),
    _maybe("volume", REAL, "Shares traded, adjusted as `close` is.", "shares"),
    _c("source", TEXT, "Where the price comes from."),
)
PRICES_MISSING = _table("prices_missing", "company_id")(
    "Companies without prices, or whose prices could not be brought up to date, and why.",
    COMPANY_ID,
    _maybe("ticker", TEXT, "Symbols that were asked for; empty where the company has none."),
    _maybe("through", DATE, "Last day with a price, where they end early; empty where there is none."),
    _c("reason", TEXT, "Why they are missing."),
)
PRICES_CUT = _table("prices_cut", "ticker first company_id")(
    "Quotes of a ticker that were left out: another security's, nobody's, or those of a lesser share class.",
    _c("ticker", TEXT, "Symbol under which they were quoted."),
    _c("first", DATE, "First day left out."),
    _c("last", DATE, "Last day left out."),
    _c("days", INT, "Trading days left out.", "days"),
    _c("company_id", TEXT, "Company that asked for the ticker."),
    _c("reason", TEXT, "Why they do not count."),
)
MONTHLY_RETURNS = _table("monthly_returns", "company_id month", "month")(
    "Log returns from last trade to last trade of consecutive months.",
    COMPANY_ID,
    _c("month", DATE, "Month-end."),
    _c("log_return", REAL, "Log return over the month, rounded to 1e-9.", "1"),
    _c(
        "flags",
        TEXTS,
        "What is odd about it: outlier (beyond 1), reversal (undoes the month before), stale (five identical closes), "
        "delisted (ends at the last trade).",
    ),
    _c(
        "used",
        FLAG,
        "Whether it counts: the profile excludes neither it nor a reversal that it begins.",
    ),
)
ACTIVATIONS = _by_filing("activations")(
    "Which filings were read, and from what; their residual streams are `shards/` beside the table, where kept.",
    *FILING,
    *READ,
)
SAE_CORPUS = _table("sae_corpus", "accession")(
    "The pinned filings whose tokens train and score the sparse autoencoders.",
    ACCESSION,
    FILED_AT,
    _c("split", TEXT, "train, validation (tells when to stop) or held_out (scores alone): one for each document."),
    _c("text", TEXT, "The description as it was when the corpus was drawn."),
    *READ,
)
LAYER_DISTANCES = _table("layer_distances", "block_i block_j")(
    "Mean angular distance between the mean-centred residual streams of two blocks (Group-SAE, section 3).",
    _c("block_i", INT, "Zero-based block."),
    _c("block_j", INT, "Zero-based block."),
    _c("distance", REAL, "Angular distance in [0, 1]: mean over tokens of arccos(cosine) / pi.", "1"),
    _maybe(
        "half_width",
        REAL,
        "Half of the distance's 95 % interval over documents; empty where fewer than 10 were read.",
        "1",
    ),
    _c("tokens", LONG, "Tokens averaged over, massive activations left out.", "tokens"),
)
LAYER_GROUPS = _table("layer_groups", "block")(
    "Which blocks share a sparse autoencoder.",
    _c("group", TEXT, "Entry name, `blocks-08-11`."),
    BLOCK,
    _c("strategy", TEXT, "How the partition was found."),
    _c("diameter", REAL, "Largest distance inside the group; 0 for a group of one.", "1"),
    _c("amad", REAL, "Mean over groups of their diameters (Group-SAE, equation 4), last block left out.", "1"),
    _c("predicted_loss", REAL, "Mean over blocks of their group's diameter, last block left out.", "1"),
    _c("cost_ratio", REAL, "Predicted FLOP over those of one SAE per block, harvest and last block counted.", "1"),
)
SAES = _table("saes", "entry")(
    "One sparse autoencoder per row; its weights are `<entry>/sae.safetensors` beside the table.",
    ENTRY,
    _c("blocks", pa.list_(pa.int32()), "Blocks whose residual streams it reads."),
    _c("d_model", INT, "Width of the residual stream.", "dimensions"),
    _c("n_latents", INT, "Width of the dictionary.", "latents"),
    _c("activation", TEXT, "topk, batch_topk or jump_relu."),
    _c("k", INT, "Latents active per token; of batch_topk and jump_relu, on average.", "latents"),
    _maybe("parent", TEXT, "The entry whose weights it started from; empty where trained from scratch."),
    _c("tokens", LONG, "Tokens seen in training, the parent's not counted; 0 where others trained it.", "tokens"),
    _c("flop", REAL, "Predicted FLOP of that training (METHOD.md B, cost model), harvest not counted.", "FLOP"),
    _maybe("fvu", REAL, "Fraction of variance unexplained on the last training batches.", "1"),
    _maybe("validation_fvu", REAL, "The same on validation documents at the end, mean over its blocks.", "1"),
    _c("sha256", TEXT, "Hash of its two files, settings and weights."),
)
SAE_CURVES = _table("sae_curves", "entry tokens")(
    "Learning curves.",
    ENTRY,
    _c("tokens", LONG, "Tokens seen so far.", "tokens"),
    _c("fvu", REAL, "Fraction of variance unexplained on the batch, mean over its blocks.", "1"),
    _maybe("held_out_fvu", REAL, "The same on validation documents; empty where it was not measured.", "1"),
    _c("dead_share", REAL, "Share of latents silent since the last 10 batches or longer.", "1"),
)
SAE_SCORES = _table("sae_scores", "entry block")(
    "How faithful each sparse autoencoder is at each block, on held-out documents.",
    ENTRY,
    BLOCK,
    _c("fvu", REAL, "Fraction of variance unexplained, mean per block, massive activations left out.", "1"),
    _c("fvu_tokens", LONG, "Held-out tokens behind FVU, L0 and the dead share.", "tokens"),
    _c("l0", REAL, "Mean number of active latents per token.", "latents"),
    _c("dead_share", REAL, "Share of latents active on no held-out token of this block.", "1"),
    _maybe("mmcs", REAL, "Mean over latents of the largest decoder cosine with the entry it started from.", "1"),
    _c("ce", REAL, "Next-token cross-entropy of the untouched model.", "nats"),
    _c("ce_sae", REAL, "The same with this block's residual stream reconstructed.", "nats"),
    _c("ce_ablated", REAL, "The same with this block's residual stream set to zero.", "nats"),
    _c("ce_score", REAL, "(ce_ablated - ce_sae) / (ce_ablated - ce).", "1"),
    _c("dce_percent", REAL, "Relative increase of cross-entropy, 100 (ce_sae - ce) / ce.", "%"),
    _c("ce_tokens", LONG, "Held-out tokens behind the cross-entropies.", "tokens"),
)
COMPANY_FEATURES = _by_filing("company_features", "accession entry block latent pooling")(
    "Latent activations pooled over the tokens of a description; rows that would be 0 are left out.",
    *FILING,
    *LATENT_KEY,
    _c("pooling", TEXT, "mean, max, sum or log1p_sum over tokens."),
    _c("value", REAL, "Pooled activation.", "scaled activation"),
    _c("peak_position", INT, "Token at which the latent is strongest.", "tokens"),
    _c("peak_start", INT, "First character of that token in the description.", "characters"),
    _c("peak_end", INT, "End of that token in the description.", "characters"),
)
LATENT_LABELS = _table("latent_labels", "entry block latent")(
    "What a latent seems to stand for, from the training tokens on which it is strongest.",
    *LATENT_KEY,
    _c("label", TEXT, "Words on which the latent is strongest, or `near` and words around those places."),
    _c("top_tokens", TEXTS, "Words on which it is strongest."),
    _c("examples", TEXTS, "Windows of text around the strongest tokens, the token in [brackets]."),
    _c("density", REAL, "Share of training tokens on which it is active.", "1"),
    _c("documents", INT, "Training documents in which it is active.", "documents"),
    _maybe(
        "detection_score",
        REAL,
        "Accuracy of the label in telling active from inactive windows; empty where not measured.",
        "1",
    ),
)
COMPANY_EMBEDDINGS = _by_filing("company_embeddings")(
    "The sentence-embedding baseline: mean over chunks of at most the model's window, unit length.",
    *FILING,
    _c("model", TEXT, "Embedding model."),
    _c("embedding", pa.list_(pa.float32()), "The vector.", "1"),
)
COMPANY_VECTORS = _table("company_vectors", "as_of company_id entry block latent")(
    "The latent vectors that similarity is computed on: weighted by what was known at the as-of date, unit length.",
    AS_OF,
    COMPANY_ID,
    ACCESSION,
    *LATENT_KEY,
    _c("weight", REAL, "Component of the unit vector; the cosine of two companies is the sum of products.", "1"),
    _c("peak_start", INT, "First character of the strongest token in the description.", "characters"),
    _c("peak_end", INT, "End of that token.", "characters"),
)
PEER_CLUSTERS = _table("peer_clusters", "method as_of company_id")(
    "Peer groups, one row per company; a company alone keeps a cluster of its own.",
    *GROUPING,
    COMPANY_ID,
    _c("cluster", INT, "Cluster number, 0 the largest."),
)
CLUSTER_THRESHOLDS = _table("cluster_thresholds", "method as_of")(
    "The cut of each linkage tree and the months it was chosen on.",
    *GROUPING,
    _c("theta", REAL, "Cut in z-scored cosine distance.", "standard deviations"),
    _c("objective", TEXT, "What was maximised over the grid of cuts."),
    _c("score", REAL, "Its value on the months used.", "1"),
    _c("first_month", DATE, "First month of returns used."),
    _c("last_month", DATE, "Last month of returns used; never after the as-of date."),
)
NEIGHBOURS = _table("neighbours", "method as_of company_id rank")(
    "The nearest companies by cosine.",
    *GROUPING,
    COMPANY_ID,
    _c("peer_id", TEXT, "The neighbour's company_id."),
    _c("rank", INT, "1 is the nearest."),
    _c("similarity", REAL, "Cosine.", "1"),
)
CLUSTER_LABELS = _table("cluster_labels", "method as_of cluster rank")(
    "Why a cluster is one: the latents that contribute most to the similarity inside it.",
    *GROUPING,
    _c("cluster", INT, "Cluster number."),
    _c("size", INT, "Companies in it.", "companies"),
    _c("rank", INT, "1 contributes most."),
    *LATENT_KEY,
    _c("label", TEXT, "The latent's label."),
    _c("share", REAL, "Its share of the mean cosine inside the cluster.", "1"),
)
CLUSTER_SCORES = _table("cluster_scores", "method as_of")(
    "How well groups foretell which returns move together, on months strictly after the as-of date.",
    *GROUPING,
    _c("first_month", DATE, "First month scored."),
    _c("last_month", DATE, "Last month scored."),
    _c("months", INT, "Months of returns behind the correlations.", "months"),
    _c("companies", INT, "Companies with every month.", "companies"),
    _c("left_out", INT, "Returns in these months that the profile excludes.", "returns"),
    _maybe("mean_corr", REAL, "MeanCorr as in the paper: mean over clusters of mean pairwise correlation.", "1"),
    _maybe("pair_weighted", REAL, "Mean correlation over all pairs inside clusters.", "1"),
    _c("all_pairs", REAL, "Mean correlation over all pairs, clusters ignored.", "1"),
    _c("coverage", REAL, "Share of companies that have at least one peer.", "1"),
    _c("clusters", INT, "Clusters of two or more.", "clusters"),
    _c("largest_share", REAL, "Share of companies in the largest cluster.", "1"),
    _c("pairs", LONG, "Pairs inside clusters.", "pairs"),
    _maybe("placebo_mean", REAL, "Mean pair-weighted correlation of random clusters of the same sizes.", "1"),
    _maybe("placebo_z", REAL, "Standard deviations above that placebo.", "standard deviations"),
    _maybe("placebo_p", REAL, "(1 + placebo draws at least as high) / (1 + draws).", "1"),
    _c("placebo_draws", INT, "Placebo draws.", "draws"),
)
NEIGHBOUR_SCORES = _table("neighbour_scores", "method as_of")(
    "How often the nearest peer shares the SIC major group, over companies whose group has four or more members.",
    *GROUPING,
    _c("same_major_group", REAL, "Share of companies whose nearest peer is in their major group.", "1"),
    _c("companies", INT, "Companies asked.", "companies"),
    _maybe("forward_corr", REAL, "Mean correlation with the nearest peer over the months scored.", "1"),
)
COINTEGRATED_PAIRS = _table("cointegrated_pairs", "method as_of company_a company_b")(
    "Pairs tested for cointegration over the formation window (Engle-Granger, intercept, MacKinnon p).",
    *GROUPING,
    *PAIR,
    _c("hedge_ratio", REAL, "Slope of log price a on log price b.", "1"),
    _c("intercept", REAL, "Intercept of that regression.", "log USD"),
    _c("t_stat", REAL, "Dickey-Fuller t of the residuals.", "1"),
    _c("p_value", REAL, "MacKinnon's p of that t.", "1"),
    _c("q_value", REAL, "Benjamini-Hochberg q over all pairs tested by this method at this date.", "1"),
    _maybe("half_life", REAL, "Half-life of the spread; empty where it does not revert.", "trading days"),
    _c("spread_mean", REAL, "Mean of the spread over the formation window.", "log USD"),
    _c("spread_sd", REAL, "Standard deviation of the spread over the formation window.", "log USD"),
    _c("days", INT, "Days in the formation window.", "trading days"),
    _c("passes", FLAG, "Whether q is at most the profile's false discovery rate."),
    _c("rank", INT, "Rank by p, 1 the smallest."),
)
PAIR_TRADES = _table("pair_trades", "method selection as_of company_a company_b opened")(
    "Closed trades of every book.",
    METHOD,
    SELECTION,
    AS_OF,
    *PAIR,
    _c("direction", INT, "1 long the spread, -1 short."),
    _c("opened", DATE, "Day of the opening close."),
    _c("closed", DATE, "Day of the closing close."),
    _c("exit_reason", TEXT, "mean, stop, end of window, or stopped trading."),
    _c("gross_pnl", REAL, "Profit before costs.", "USD"),
    _c("costs", REAL, "Trading costs and borrow.", "USD"),
)
BACKTEST_RETURNS = _table("backtest_returns", "method selection date", "date")(
    "One chronological book per method, marked to market daily.",
    METHOD,
    SELECTION,
    _c("date", DATE, "Trading day."),
    _c("gross_pnl", REAL, "Profit of the day before costs.", "USD"),
    _c("costs", REAL, "Costs of the day.", "USD"),
    _c("exposure", REAL, "Sum of absolute positions at the close before.", "USD"),
    _c("net_return", REAL, "(gross_pnl - costs) over the book's capital.", "1"),
)
BACKTEST_SUMMARY = _table("backtest_summary", "method selection")(
    "What each book came to, its random-pairs placebo among them.",
    METHOD,
    SELECTION,
    _c("first_day", DATE, "First trading day."),
    _c("last_day", DATE, "Last trading day."),
    _c("pairs_tested", LONG, "Pairs tested over all as-of dates.", "pairs"),
    _c("pairs_passed", LONG, "Pairs that Benjamini-Hochberg passed.", "pairs"),
    _c("pairs_traded", LONG, "Pairs in the book over all as-of dates.", "pairs"),
    _c("trades", LONG, "Closed trades.", "trades"),
    _maybe("sharpe", REAL, "Mean over standard deviation of daily net returns, times sqrt(252).", "1"),
    _maybe("sharpe_se", REAL, "Standard error of that Sharpe ratio (Lo 2002, independent returns).", "1"),
    _maybe(
        "deflated_sharpe",
        REAL,
        "Probability that the Sharpe beats the best of as many random books (Bailey and Lopez de Prado).",
        "1",
    ),
    _c("annual_return", REAL, "Mean daily net return times 252.", "1"),
    _c("annual_volatility", REAL, "Standard deviation of daily net returns times sqrt(252).", "1"),
    _c("max_drawdown", REAL, "Largest fall of cumulated net return from a peak.", "1"),
    _c("turnover", REAL, "Amount traded per year over capital.", "1"),
    _c("mean_exposure", REAL, "Mean exposure over capital.", "1"),
)
WAREHOUSE = _table("warehouse", "name")(
    "What the DuckDB file offers.",
    _c("name", TEXT, "View or macro."),
    _c("kind", TEXT, "view or macro."),
    _c("sentence", TEXT, "What it answers."),
    _c("sha256", TEXT, "Hash of the SQL that defines it, exact file names included."),
)
ATLAS = _table("atlas", "file")(
    "Pages for people.",
    _c("file", TEXT, "HTML file beside this table."),
    _c("companies", INT, "Companies on the page.", "companies"),
    _c("sha256", TEXT, "Hash of the page."),
)

TABLES: dict[str, Table] = {value.name: value for value in list(globals().values()) if isinstance(value, Table)}


def activation_shard(d_model: int) -> pa.Schema:
    """Schema of one block's shard: one row per token, the payload raw float16 or bfloat16 little-endian bytes."""
    return pa.schema(
        [
            pa.field("accession", TEXT, False),
            pa.field("position", INT, False),
            pa.field("token_id", INT, False),
            pa.field("char_start", INT, False),
            pa.field("char_end", INT, False),
            pa.field("activation", pa.binary(2 * d_model), False),
        ]
    )
