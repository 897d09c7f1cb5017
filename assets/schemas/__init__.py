"""Every table of the lake: Arrow types, units, and one sentence per column; a file for each stage.

A stage may only write rows that match its table here. The same sentences become the column descriptions in the
Dagster UI and the comments of the DuckDB views.
"""
# ruff: noqa: I001  isort would make a statement of every name, three lines each

from assets.schemas.activations import ACTIVATIONS as ACTIVATIONS, activation_shard as activation_shard
from assets.schemas.backtests import (
    BACKTEST_MONTHS as BACKTEST_MONTHS,
    BACKTEST_RETURNS as BACKTEST_RETURNS,
    BACKTEST_SUMMARY as BACKTEST_SUMMARY,
    BACKTEST_YEARS as BACKTEST_YEARS,
    COINTEGRATED_PAIRS as COINTEGRATED_PAIRS,
    HEDGE_BASKETS as HEDGE_BASKETS,
    HEDGE_SCORES as HEDGE_SCORES,
    PAIR_TRADES as PAIR_TRADES,
    PAPER_BOOKS as PAPER_BOOKS,
    PLACEBO_BANDS as PLACEBO_BANDS,
    PLACEBO_BOOKS as PLACEBO_BOOKS,
    TEAR_SHEETS as TEAR_SHEETS,
)
from assets.schemas.clusters import (
    CLUSTER_LABELS as CLUSTER_LABELS,
    CLUSTER_SCORES as CLUSTER_SCORES,
    CLUSTER_THRESHOLDS as CLUSTER_THRESHOLDS,
    HORIZON_LOSSES as HORIZON_LOSSES,
    LIFT_DRAWS as LIFT_DRAWS,
    LIFT_INTERVALS as LIFT_INTERVALS,
    MONTHLY_R2 as MONTHLY_R2,
    NEAREST_MATCHES as NEAREST_MATCHES,
    NEAREST_SHARES as NEAREST_SHARES,
    NEIGHBOURS as NEIGHBOURS,
    NEIGHBOUR_SCORES as NEIGHBOUR_SCORES,
    PEER_CLUSTERS as PEER_CLUSTERS,
    PEER_INTERVALS as PEER_INTERVALS,
    PEER_SCORES as PEER_SCORES,
    PEER_SCORE_DRAWS as PEER_SCORE_DRAWS,
    R2_DIFFERENCES as R2_DIFFERENCES,
    RIVAL_SCORES as RIVAL_SCORES,
    SCORE_DIFFERENCES as SCORE_DIFFERENCES,
    SIC_GROUPS as SIC_GROUPS,
    STACK_COEFFICIENTS as STACK_COEFFICIENTS,
    STACK_PARTS as STACK_PARTS,
    STACK_PATH as STACK_PATH,
)
from assets.schemas.companies import COMPANIES as COMPANIES, TICKERS as TICKERS
from assets.schemas.descriptions import (
    DESCRIPTIONS as DESCRIPTIONS,
    DESCRIPTIONS_REJECTED as DESCRIPTIONS_REJECTED,
    FILINGS as FILINGS,
)
from assets.schemas.drift import (
    ALERTS as ALERTS,
    CLUSTER_DRIFT as CLUSTER_DRIFT,
    GROUP_DRIFT as GROUP_DRIFT,
    PEER_NETWORK as PEER_NETWORK,
)
from assets.schemas.features import (
    COMPANY_EMBEDDINGS as COMPANY_EMBEDDINGS,
    COMPANY_FEATURES as COMPANY_FEATURES,
    COMPANY_VECTORS as COMPANY_VECTORS,
    BERT_VECTORS as BERT_VECTORS,
    MASKED_VECTORS as MASKED_VECTORS,
    NAMED_RIVALS as NAMED_RIVALS,
    DESCRIPTION_VECTORS as DESCRIPTION_VECTORS,
    LATENT_LABELS as LATENT_LABELS,
    THEME_PASSAGES as THEME_PASSAGES,
    THEMES as THEMES,
)
from assets.schemas.outputs import ATLAS as ATLAS, WAREHOUSE as WAREHOUSE
from assets.schemas.paper import (
    PAPER_CLUSTERS as PAPER_CLUSTERS,
    PAPER_CUTS as PAPER_CUTS,
    PAPER_SCORES as PAPER_SCORES,
)
from assets.schemas.passages import (
    PASSAGE_CORPUS as PASSAGE_CORPUS,
    PASSAGE_VECTORS as PASSAGE_VECTORS,
    PASSAGES as PASSAGES,
)
from assets.schemas.prices import (
    MONTHLY_RETURNS as MONTHLY_RETURNS,
    PRICES as PRICES,
    PRICES_CUT as PRICES_CUT,
    PRICES_MISSING as PRICES_MISSING,
)
from assets.schemas.saes import (
    LAYER_DISTANCES as LAYER_DISTANCES,
    LAYER_GROUPS as LAYER_GROUPS,
    PASSAGE_SAE_CURVES as PASSAGE_SAE_CURVES,
    PASSAGE_SAE_SCORES as PASSAGE_SAE_SCORES,
    PASSAGE_SAES as PASSAGE_SAES,
    SAE_CORPUS as SAE_CORPUS,
    SAE_CURVES as SAE_CURVES,
    SAE_SCORES as SAE_SCORES,
    SAES as SAES,
)
from resources.lake.table import Table

TABLES: dict[str, Table] = {value.name: value for value in list(globals().values()) if isinstance(value, Table)}
