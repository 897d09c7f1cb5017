"""Trading peers: pairs and baskets formed before each as-of date, one chronological book for each after it."""

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
    schemas.HEDGE_BASKETS,
    partitioning="as_of",
    reads={"peer_clusters": whole, "prices": months_around("backtest.formation_months")},
    config=[f"backtest.{key}" for key in ("formation_months", "min_common_days", "basket_peers", "seed")],
    kinds=["scikitlearn", "scipy"],
)
def hedge_baskets(build: Build) -> None:
    """Fit what hedges each company best out of the peers that every method names, on days before the as-of date."""
    from assets.backtests.basket import fitted_baskets, formed_returns
    from assets.backtests.basket_peers import peers_by_method

    as_of, settings, rows = month_end(build.partition or ""), build.profile.backtest, list[dict[str, object]]()
    formed = formed_returns(build.read("prices"), as_of, settings.min_common_days)
    clusters, near, codes = (build.read(name) for name in ("peer_clusters", "neighbours", "sic_groups"))
    for method, peers in peers_by_method(near, clusters, codes, settings):
        rows += [{"method": method, "as_of": as_of, **row} for row in fitted_baskets(formed, peers)]
    found = schemas.HEDGE_BASKETS.frame(rows)
    build.write(schemas.HEDGE_BASKETS, found)
    build.metadata |= {"baskets": found.n_unique(["method", "company_id"]), "companies": len(formed.company_ids)}


@asset(
    schemas.HEDGE_SCORES,
    partitioning="as_of",
    reads={"hedge_baskets": whole, "prices": months_around("backtest.formation_months", "backtest.trading_months")},
    config=["backtest.formation_months", "backtest.trading_months"],
    kinds=["numpy"],
)
def hedge_scores(build: Build) -> None:
    """Measure how much variance each basket takes away, before the as-of date and, once they are over, after it."""
    from assets.backtests.hedge_scores import hedge_scores as scores_of
    from assets.backtests.hedge_scores import returns_around

    as_of, prices = month_end(build.partition or ""), build.read("prices")
    before, after = returns_around(prices, as_of, build.profile.backtest)
    scored = schemas.HEDGE_SCORES.frame(
        {"as_of": as_of, **row} for row in scores_of(build.read("hedge_baskets"), before, after)
    )
    build.write(schemas.HEDGE_SCORES, scored)
    build.metadata |= {"raised": int(scored["raised"].sum()), "measured": scored["raised"].count()}


@asset(
    schemas.BACKTEST_SUMMARY,
    schemas.BACKTEST_RETURNS,
    schemas.PAIR_TRADES,
    reads={
        "cointegrated_pairs": whole,
        "hedge_baskets": whole,
        "prices": as_of_window("backtest.trading_months"),
    },
    config=["backtest"],
    kinds=["numpy"],
)
def backtest_summary(build: Build) -> None:
    """Walk every method's pairs and baskets forward with costs, beside books of random pairs and random baskets."""
    from assets.backtests.walk import walk_forward

    prices, pairs = build.read("prices"), build.read("cointegrated_pairs")
    summaries, returns, trades = walk_forward(pairs, prices, build.profile.backtest, build.read("hedge_baskets"))
    build.write(schemas.BACKTEST_SUMMARY, schemas.BACKTEST_SUMMARY.frame(summaries))
    build.write(schemas.BACKTEST_RETURNS, returns)
    build.write(schemas.PAIR_TRADES, trades)
