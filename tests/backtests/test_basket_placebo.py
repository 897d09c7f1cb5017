"""Placebo books on baskets follow the rules of real ones, and their baskets know nothing after the as-of date."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from assets.backtests.basket_placebo import (
    DRAWS,
    hedged_gains,
    placebo_of_baskets,
    random_baskets,
    reversion_gains,
)
from assets.backtests.close_matrix import closes_around
from assets.backtests.finished import trading_end
from assets.backtests.hedged import hold_hedged
from assets.backtests.periods import capitals
from assets.backtests.placebo import placebo_tables, with_percentiles
from assets.backtests.reversion import trade_reversion
from assets.backtests.walk import Prices, walk_forward
from resources.settings.backtest import Backtest

COMPANIES, START = 12, date(2003, 1, 1)
AS_OFS = [date(2004, 6, 30), date(2004, 12, 31)]
SETTINGS = Backtest(
    formation_months=12,
    trading_months=6,
    placebo_books=30,
    basket_peers=4,
    reversion_share=0.25,
    max_name_share=None,
    max_gross=None,
)


def walks() -> pl.DataFrame:
    """Closes of random walks with one market in all of them."""
    random, days = np.random.default_rng(5), 1_100
    moves = 0.01 * random.normal(size=(days, COMPANIES)) + 0.01 * random.normal(size=(days, 1))
    closes = 50 * np.exp(np.cumsum(moves, axis=0))
    dates = [START + timedelta(days=i) for i in range(days)]
    ids = [f"{i:02d}" for i in range(COMPANIES)]
    rows = {"company_id": ids * days, "date": np.repeat(np.array(dates, dtype="datetime64[D]"), COMPANIES)}
    table = pl.DataFrame({**rows, "adj_close": closes.ravel()}).with_columns(pl.col("date").cast(pl.Date))
    return table.filter(pl.col("date").dt.weekday() < 6)


PRICES = walks()
POOL = random_baskets(PRICES, AS_OFS[0], SETTINGS, 3)
NAMES = tuple(sorted(set.intersection(*(set(rows["company_id"]) for rows in POOL))))
CLOSES = Prices(*closes_around(PRICES, AS_OFS[0], trading_end(AS_OFS[0], SETTINGS)))


def mixed(picks: np.ndarray) -> pl.DataFrame:
    """The basket picked for each name."""
    parts = [POOL[pick].filter(company_id=name) for name, pick in zip(NAMES, picks, strict=True)]
    return pl.concat(parts)


def test_a_placebo_book_earns_to_the_cent_what_the_real_rules_make_of_its_baskets() -> None:
    picks = np.random.default_rng(1).integers(0, DRAWS, size=(3, len(NAMES)))
    hedged = hedged_gains(CLOSES, NAMES, POOL, picks, SETTINGS)
    reverting = reversion_gains(CLOSES, NAMES, POOL, picks, SETTINGS)
    assert np.abs(hedged).max() > 1 and np.abs(reverting).max() > 1
    for book, own in enumerate(picks):
        held, _ = hold_hedged(CLOSES.window, mixed(own), AS_OFS[0], SETTINGS)
        traded, _ = trade_reversion(CLOSES.all, CLOSES.first, mixed(own), AS_OFS[0], SETTINGS)
        for days, gains in ((held, hedged), (traded, reverting)):
            assert (days["gross_pnl"] - days["costs"]).to_numpy() == pytest.approx(gains[:, book], abs=1e-6)


def test_prices_after_the_date_change_no_random_basket() -> None:
    garbage = PRICES.with_columns(
        adj_close=pl.when(pl.col("date") > AS_OFS[0]).then(pl.lit(1.0)).otherwise("adj_close")
    )
    again = random_baskets(garbage, AS_OFS[0], SETTINGS, 3)
    assert all(one.equals(other) for one, other in zip(POOL, again, strict=True))


def test_nobody_is_in_its_own_basket_and_baskets_are_of_one_size_at_the_most() -> None:
    for rows in POOL:
        assert (rows["company_id"] != rows["peer_id"]).all()
        assert rows.group_by("company_id").len()["len"].max() <= SETTINGS.basket_peers  # type: ignore[operator]


def test_books_on_random_baskets_stand_beside_every_book_on_baskets() -> None:
    real = pl.concat(
        rows.with_columns(method=pl.lit(method), as_of=pl.lit(as_of, pl.Date))
        for method, seed in (("sae", 8), ("random", 9))
        for as_of in AS_OFS
        for rows in random_baskets(PRICES, as_of, SETTINGS, seed)[:1]
    )
    pairs = pl.DataFrame(schema={"as_of": pl.Date, "method": pl.String, "rank": pl.Int32, "passes": pl.Boolean})
    summaries, returns, _ = walk_forward(pairs, PRICES, SETTINGS, real)
    placebos = placebo_of_baskets(real, PRICES, SETTINGS, capitals(returns))
    assert set(placebos) == {(m, "all", s) for m in ("sae", "random") for s in ("reversion", "hedged")}
    rows = with_percentiles(summaries, placebos)
    assert all(row["placebo_books"] == 30 and 0 <= row["placebo_percentile"] <= 1 for row in rows)
    books, bands = placebo_tables(placebos)
    assert set(books["strategy"]) == {"reversion", "hedged"}
    days = returns.group_by("strategy", "method").len().sort("strategy", "method")
    assert bands.group_by("strategy", "method").len().sort("strategy", "method").equals(days)


def test_random_baskets_are_no_worse_than_other_random_baskets() -> None:
    """Over twelve seeds a book that is itself of random baskets beats half of its placebo."""
    places = []
    for seed in range(12):
        real = random_baskets(PRICES, AS_OFS[0], SETTINGS, 100 + seed)[0]
        real = real.with_columns(method=pl.lit("random"), as_of=pl.lit(AS_OFS[0], pl.Date))
        pairs = pl.DataFrame(schema={"as_of": pl.Date, "method": pl.String, "rank": pl.Int32, "passes": pl.Boolean})
        summaries, returns, _ = walk_forward(pairs, PRICES, SETTINGS, real)
        placebos = placebo_of_baskets(real, PRICES, SETTINGS, capitals(returns))
        places.append([row["placebo_percentile"] for row in with_percentiles(summaries, placebos)])
    assert np.abs(np.mean(places, axis=0) - 0.5).max() < 0.3
