"""Which pairs are tested at an as-of date: all inside a group, for each method, and as many random ones as asked."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import polars as pl

from assets.backtests.candidate_pairs import pairs_within, random_pairs
from assets.backtests.close_matrix import formed_prices
from assets.backtests.cointegration import cointegrated_pairs
from resources.settings.backtest import Backtest

PLACEBO = "random"


def formed_pairs(
    clusters: pl.DataFrame,
    prices: pl.DataFrame,
    as_of: date,
    settings: Backtest,
    not_tested: Counter[str] | None = None,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each method with its tested pairs (rows of `cointegrated_pairs` without method and as_of), placebo last.

    Parameters
    ----------
    clusters : DataFrame
        Rows of `peer_clusters` of this as-of date.
    prices : DataFrame
        Rows of `prices` of the formation window, nothing after `as_of`.
    not_tested : Counter, optional
        Pairs that cannot be tested are counted here by reason.
    """
    ids, _, log_prices = formed_prices(prices, as_of, settings)
    column = {company: number for number, company in enumerate(ids)}
    for (method,), rows in clusters.sort("method", "company_id").group_by("method", maintain_order=True):
        members = rows.filter(pl.col("company_id").is_in(ids))
        places = members["company_id"].replace_strict(column, return_dtype=pl.Int64).to_numpy()
        pairs = places[pairs_within(members["cluster"].to_list())]
        yield str(method), cointegrated_pairs(ids, log_prices, pairs.reshape(-1, 2), settings, not_tested)
    drawn = random_pairs(len(ids), settings.random_pairs, settings.seed)
    yield PLACEBO, cointegrated_pairs(ids, log_prices, drawn, settings, not_tested)
