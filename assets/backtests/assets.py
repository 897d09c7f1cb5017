"""Pairs trading inside peer groups: cointegration before each as-of date, one chronological book after it."""

from collections import Counter

import polars as pl

from assets import schemas
from assets.declaration import asset
from assets.partitions import as_of_window, month_end, months_around
from resources.lake.build import Build
from resources.lake.recipe import whole


@asset(
    schemas.COINTEGRATED_PAIRS,
    partitioning="as_of",
    reads={"peer_clusters": whole, "prices": months_around("backtest.formation_months")},
    config=[
        f"backtest.{key}"
        for key in (
            "formation_months",
            "autolag",
            "adf_lags",
            "min_common_days",
            "johansen",
            "false_discovery_rate",
            "random_pairs",
            "seed",
        )
    ],
    kinds=["numpy"],
)
def cointegrated_pairs(build: Build) -> None:
    """Test every pair inside a group (Engle-Granger, Benjamini-Hochberg over all), and random pairs beside them."""
    from assets.backtests.formation import formed_pairs

    as_of, rows = month_end(build.partition or ""), [schemas.COINTEGRATED_PAIRS.empty()]
    clusters, prices, not_tested = build.read("peer_clusters"), build.read("prices"), Counter[str]()
    for method, pairs in formed_pairs(clusters, prices, as_of, build.profile.backtest, not_tested):
        rows.append(pairs.with_columns(method=pl.lit(method), as_of=pl.lit(as_of, pl.Date)).select(rows[0].columns))
    tested = pl.concat(rows)
    build.write(schemas.COINTEGRATED_PAIRS, tested)
    build.metadata |= {"tested": tested.height, "passed": int(tested["passes"].sum())}
    build.metadata |= {f"not_tested: {reason}": count for reason, count in sorted(not_tested.items())}


@asset(
    schemas.BACKTEST_SUMMARY,
    schemas.BACKTEST_RETURNS,
    schemas.PAIR_TRADES,
    reads={"cointegrated_pairs": whole, "prices": as_of_window("backtest.trading_months")},
    config=["backtest"],
    kinds=["numpy"],
)
def backtest_summary(build: Build) -> None:
    """Walk every method's book forward with costs, beside a book of random pairs."""
    from assets.backtests.walk import walk_forward

    prices, pairs = build.read("prices"), build.read("cointegrated_pairs")
    summaries, returns, trades = walk_forward(pairs, prices, build.profile.backtest)
    build.write(schemas.BACKTEST_SUMMARY, schemas.BACKTEST_SUMMARY.frame(summaries))
    build.write(schemas.BACKTEST_RETURNS, returns)
    build.write(schemas.PAIR_TRADES, trades)
