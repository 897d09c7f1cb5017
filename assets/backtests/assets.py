"""Trading peers: pairs and baskets formed before each as-of date, one chronological book for each after it."""

import hashlib
from collections import Counter

import polars as pl

from assets import schemas
from assets.backtests import TEMPLATES
from assets.declaration import asset
from assets.partitions import as_of_window, month_end, months_around
from resources.lake.build import Build
from resources.lake.digests import file_digest
from resources.lake.recipe import Slices, whole
from resources.settings.profile import Profile
from resources.sources import Sources


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
            "halt_days",
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


def _templates_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return {file.name: file_digest(file) for file in sorted(TEMPLATES.glob("*.j2"))}


@asset(
    schemas.HEDGE_BASKETS,
    partitioning="as_of",
    reads={"peer_clusters": whole, "prices": months_around("backtest.formation_months")},
    config=[f"backtest.{key}" for key in ("formation_months", "min_common_days", "halt_days", "basket_peers", "seed")],
    kinds=["scikitlearn", "scipy"],
)
def hedge_baskets(build: Build) -> None:
    """Fit what hedges each company best out of the peers that every method names, on days before the as-of date."""
    from assets.backtests.basket import fitted_baskets, formed_returns
    from assets.backtests.basket_peers import peers_by_method

    as_of, settings, rows = month_end(build.partition or ""), build.profile.backtest, list[dict[str, object]]()
    formed = formed_returns(build.read("prices"), as_of, settings)
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
    schemas.BACKTEST_YEARS,
    schemas.BACKTEST_MONTHS,
    schemas.PLACEBO_BOOKS,
    schemas.PLACEBO_BANDS,
    reads={
        "cointegrated_pairs": whole,
        "hedge_baskets": whole,
        "prices": as_of_window("backtest.trading_months", "backtest.formation_months"),
    },
    config=["backtest"],
    kinds=["numpy", "matplotlib"],
)
def backtest_summary(build: Build) -> None:
    """Walk every method's pairs and baskets forward with costs, beside books of random pairs and random baskets."""
    from assets.backtests.basket_placebo import placebo_of_baskets
    from assets.backtests.figures import CAPTION, PAIR_CAPTION, book_figure, pair_figure
    from assets.backtests.pair_picture import Windows, most_traded
    from assets.backtests.pair_placebo import placebo_of_pairs
    from assets.backtests.periods import book_months, book_years, capitals, of_book, shown_book
    from assets.backtests.placebo import placebo_tables, with_percentiles
    from assets.backtests.walk import walk_forward

    prices, pairs, settings = build.read("prices"), build.read("cointegrated_pairs"), build.profile.backtest
    baskets = build.read("hedge_baskets")
    summaries, returns, trades = walk_forward(pairs, prices, settings, baskets)
    began = capitals(returns)
    placebos = placebo_of_pairs(pairs, prices, settings, began) | placebo_of_baskets(baskets, prices, settings, began)
    rows = schemas.BACKTEST_SUMMARY.frame(with_percentiles(summaries, placebos))
    books, bands = placebo_tables(placebos)
    months = book_months(returns, trades)
    for table, frame in (
        (schemas.BACKTEST_SUMMARY, rows),
        (schemas.BACKTEST_RETURNS, returns),
        (schemas.PAIR_TRADES, trades),
        (schemas.BACKTEST_YEARS, book_years(returns, trades)),
        (schemas.BACKTEST_MONTHS, months),
        (schemas.PLACEBO_BOOKS, books),
        (schemas.PLACEBO_BANDS, bands),
    ):
        build.write(table, frame)
    if shown := shown_book(rows):
        title = " ".join(shown.values())
        build.picture("book", book_figure(title, *(of_book(t, shown) for t in (returns, bands, months))), CAPTION)
        history = most_traded(of_book(trades, shown), pairs.filter(method=shown["method"]), Windows(prices, settings))
        if history:
            build.picture("pair", pair_figure(history), PAIR_CAPTION)


@asset(
    schemas.PAPER_BOOKS,
    reads={
        "cointegrated_pairs": whole,
        "prices": as_of_window("backtest.trading_months", "backtest.formation_months"),
    },
    kinds=["numpy", "statsmodels"],
)
def paper_book(build: Build) -> None:
    """[paper] Trade by the paper's rules, with their accounting fault and without: where its Sharpe comes from."""
    from assets.backtests.paper_book import paper_rows

    pairs, prices = build.read("cointegrated_pairs"), build.read("prices")
    build.write(schemas.PAPER_BOOKS, schemas.PAPER_BOOKS.frame(paper_rows(pairs, prices)))
    build.metadata["label"] = "[paper]: the published rules, to be believed by nobody"


@asset(
    schemas.TEAR_SHEETS,
    reads={"backtest_summary": whole, "cointegrated_pairs": whole, "prices": as_of_window("backtest.trading_months")},
    fingerprint=_templates_now,
    config=[
        *(f"backtest.{key}" for key in ("trading_months", "entry_z", "stop_z")),
        "notice",
        "descriptions.look_ahead",
    ],
    kinds=["html"],
)
def tear_sheets(build: Build) -> None:
    """Render a page of each method's books, and one that lists them; they lie at the lake's root."""
    from assets.backtests.pair_picture import Windows
    from assets.backtests.tear_sheet import INDEX, BookTables, file_of, render_index, render_tear_sheet, shown_pairs

    tables = BookTables.read(build.read)
    banner, methods = build.profile.banner, tables.summary["method"].unique().sort().to_list()
    windows = Windows(build.read("prices"), build.profile.backtest)
    pairs = shown_pairs(tables, build.read("pair_trades"), build.read("cointegrated_pairs"), windows)
    pages = {file_of(method): render_tear_sheet(method, tables, pairs, banner) for method in methods}
    pages[INDEX] = render_index(tables, banner)
    rows = []
    for file, page in pages.items():
        (build.folder / file).write_text(page, encoding="utf-8")
        build.publish(file, references=())
        rows.append({"file": file, "sha256": hashlib.sha256(page.encode()).hexdigest()})
    build.write(schemas.TEAR_SHEETS, schemas.TEAR_SHEETS.frame(rows))
    build.metadata["page"] = str(build.folder / INDEX)
