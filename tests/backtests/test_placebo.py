"""Books of random pairs: as many pairs at the same dates by the same rules, and the place of a book among them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.backtests.book import chronological_book, trade_pairs, traded_ledger
from assets.backtests.pair_placebo import placebo_books, placebo_of_pairs, random_pool, window_gains
from assets.backtests.periods import PAIRS
from assets.backtests.placebo import percentile, placebo_tables, with_percentiles
from assets.backtests.walk import trading_window
from resources.settings.backtest import Backtest

COMPANIES, START = 12, date(2003, 1, 1)
AS_OFS = [date(2004, 6, 30), date(2004, 12, 31)]
SETTINGS = Backtest(formation_months=12, trading_months=6, max_pairs=3, placebo_books=40, seed=7)


def walks() -> pl.DataFrame:
    days = 1_100
    steps = np.random.default_rng(0).normal(0, 0.02, (days, COMPANIES))
    wide = pl.DataFrame(50 * np.exp(np.cumsum(steps, axis=0)), schema=[f"c{i:02d}" for i in range(COMPANIES)])
    dates = pl.Series("date", [START + timedelta(i) for i in range(days)])
    return wide.with_columns(dates).unpivot(index="date", variable_name="company_id", value_name="adj_close")


PRICES = walks()
CLOSES = {as_of: trading_window(PRICES, as_of, SETTINGS) for as_of in AS_OFS}
COUNTS = tuple((as_of, 3) for as_of in AS_OFS)


def test_a_placebo_book_is_the_book_of_its_pairs() -> None:
    """Traded one by one as real books are; the draw is the one that the seed gives."""
    settings = SETTINGS.model_copy(update={"placebo_books": 3, "max_name_share": None, "max_gross": None})
    found = placebo_books([COUNTS], CLOSES, PRICES, settings)[COUNTS]
    pools = [random_pool(PRICES, as_of, 9, settings, settings.seed + i) for i, as_of in enumerate(AS_OFS)]
    pools = [pool.filter(pl.col("hedge_ratio").is_between(0.01, 100.0)) for pool in pools]
    rngs = [np.random.default_rng([settings.seed + i, 3]) for i in range(2)]
    for book in range(3):
        drawn = [
            pool[rng.choice(pool.height, 3, replace=False).tolist()] for pool, rng in zip(pools, rngs, strict=True)
        ]
        windows = [trade_pairs(CLOSES[a], pairs, a, settings) for a, pairs in zip(AS_OFS, drawn, strict=True)]
        real = chronological_book(windows, settings)
        assert real.returns["date"].to_list() == found.dates
        own = found.over(real.capital).returns[:, book]
        np.testing.assert_allclose(own, real.returns["net_return"].to_numpy(), atol=1e-14)


def test_books_with_fewer_pairs_trade_the_first_of_the_same_draw() -> None:
    gains = window_gains(CLOSES[AS_OFS[0]], PRICES, AS_OFS[0], 3, SETTINGS, seed=1)
    assert gains.shape[1:] == (40, 4)
    assert not gains[:, :, 0].any() and (gains[:, :, 1] != gains[:, :, 3]).any()


def test_a_book_without_pairs_has_a_placebo_that_trades_nothing() -> None:
    none = tuple((as_of, 0) for as_of in AS_OFS)
    found = placebo_books([none, COUNTS], CLOSES, PRICES, SETTINGS)
    assert np.isnan(found[none].sharpes).all() and not found[none].annual_returns.any()
    assert not np.isnan(found[COUNTS].sharpes).any()


def test_a_placebo_among_placebos_is_anywhere() -> None:
    sharpes = placebo_books([COUNTS], CLOSES, PRICES, SETTINGS)[COUNTS].sharpes
    places = [percentile(float(one), np.delete(sharpes, i)) for i, one in enumerate(sharpes)]
    assert np.mean(places) == pytest.approx(0.5)
    counts, _ = np.histogram(places, bins=4, range=(0, 1))
    assert counts.tolist() == [10, 10, 10, 10]


def test_percentile_counts_equal_ones_half_and_leaves_out_books_that_traded_nothing() -> None:
    assert percentile(1.0, np.array([0.0, 1.0, 2.0, np.nan])) == 0.5
    assert percentile(None, np.array([1.0])) is None
    assert percentile(1.0, np.array([np.nan])) is None


def test_prices_after_a_window_change_none_of_its_placebo_pairs() -> None:
    garbage = PRICES.with_columns(
        adj_close=pl.when(pl.col("date") > AS_OFS[0]).then(pl.lit(1.0)).otherwise("adj_close")
    )
    one, other = (random_pool(prices, AS_OFS[0], 20, SETTINGS, 1) for prices in (PRICES, garbage))
    assert one.equals(other)


def test_tables_have_a_row_a_book_and_a_day() -> None:
    pool = random_pool(PRICES, AS_OFS[0], 20, SETTINGS, 1)
    tags = {"method": pl.lit("sae"), "as_of": pl.lit(AS_OFS[0], pl.Date)}
    placebos = placebo_of_pairs(pool.with_columns(**tags), PRICES, SETTINGS, {("sae", "bh", PAIRS): 5e4})
    books, bands = placebo_tables(placebos)
    assert schemas.PLACEBO_BOOKS.validate(books).num_rows == 2 * 40
    assert schemas.PLACEBO_BANDS.validate(bands).num_rows == 2 * (len(CLOSES[AS_OFS[0]].dates) - 1)
    assert (bands["low"] <= bands["median"]).all() and (bands["median"] <= bands["high"]).all()
    uncorrected = {"strategy": PAIRS, "method": "sae", "selection": "uncorrected", "sharpe": 99.0}
    rows = with_percentiles([uncorrected, {**uncorrected, "strategy": "hedged"}], placebos)
    assert (rows[0]["placebo_books"], rows[0]["placebo_percentile"]) == (40, 1.0)
    assert (rows[1]["placebo_books"], rows[1]["placebo_percentile"]) == (0, None)
    assert books["strategy"].unique().to_list() == [PAIRS]


def test_a_pair_that_a_cap_keeps_out_by_itself_is_not_traded_in_a_placebo_book_either() -> None:
    pool = random_pool(PRICES, AS_OFS[0], 20, SETTINGS, 1)
    # 60 legs of the second company, where a name may be a quarter of three pairs.
    closes, pair = CLOSES[AS_OFS[0]], pool.row(0, named=True)
    a, b = (np.log(closes.prices[:, closes.company_ids.index(pair[leg])]) for leg in ("company_a", "company_b"))
    spread = a - 60 * b
    fitted = {"hedge_ratio": 60.0, "spread_mean": float(spread.mean()), "spread_sd": float(spread.std())}
    large = pool.head(1).with_columns(rank=pl.lit(1, pl.Int32), **{name: pl.lit(x) for name, x in fitted.items()})
    days, trades = trade_pairs(closes, large, AS_OFS[0], SETTINGS)
    assert trades.is_empty() and days["refused"].sum() > 0
    assert not traded_ledger(closes, large, SETTINGS).traded.any()
    free = SETTINGS.model_copy(update={"max_name_share": None, "max_gross": None})
    assert traded_ledger(closes, large, free).traded.any()
