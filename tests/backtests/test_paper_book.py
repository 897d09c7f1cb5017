"""[paper] The published rules make money out of nothing, and each step of the way back takes some of it away."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.backtests.candidate_pairs import random_pairs
from assets.backtests.paper_book import (
    CASH,
    FEWEST_DAYS,
    VARIANTS,
    Prices,
    correlations,
    paper_pairs,
    paper_rows,
    surviving,
    trade,
)

SEEDS, COMPANIES, PAIRS, FORMATION, TRADING = range(12), 40, 25, 400, 400
START = date(2000, 1, 1)


def walk(seed: int, companies: int = COMPANIES, days: int = FORMATION + TRADING) -> np.ndarray:
    return 50 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, (days, companies)), axis=0))


def cut(closes: np.ndarray, known: int = FORMATION) -> Prices:
    days = [START + timedelta(i) for i in range(known, len(closes))]
    return Prices(closes[:known], closes[known:], days, {})


@cache
def sharpes(variant: str) -> np.ndarray:
    return np.array([trade(cut(walk(seed)), random_pairs(COMPANIES, PAIRS, seed), variant).sharpe for seed in SEEDS])


def test_published_rules_earn_a_fortune_on_independent_random_walks() -> None:
    assert np.median(sharpes("as published")) > 5


def test_a_whole_window_z_alone_earns_money_out_of_noise() -> None:
    assert sharpes("booked once").mean() > 1.5


def test_without_the_fault_and_the_look_ahead_there_is_nothing_to_earn() -> None:
    known = sharpes("no look-ahead")
    assert abs(known.mean()) < 2 * known.std(ddof=1) / np.sqrt(len(known))


def as_the_authors_loop(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[list[float], int]:
    """One pair, day by day, as the authors' class walks: what is held is never set back to nothing."""
    cash, held, is_open, values, bookings, before = CASH, None, False, [], 0, None
    for price_a, price_b, now in zip(x, y, z, strict=True):
        if held is None:
            if before is not None and before < 1 < now:
                held, is_open = (-1, -5_000 / price_a, 5_000 / price_b), True
            elif before is not None and before > -1 > now:
                held, is_open = (1, 5_000 / price_a, -5_000 / price_b), True
        elif held[0] * now >= 0 or abs(now) >= 2:
            cash, is_open, bookings = cash + held[1] * price_a + held[2] * price_b, False, bookings + 1
        before = now
        values.append(cash + (held[1] * price_a + held[2] * price_b if is_open else 0.0))  # type: ignore[index]
    return values, bookings


@pytest.mark.parametrize("seed", range(8))
def test_one_pair_as_published_is_what_the_authors_loop_gives(seed: int) -> None:
    prices = cut(walk(seed, companies=2))
    x, y = prices.trading.T
    slope, intercept = np.polyfit(y, x, 1)
    left = x - slope * y - intercept
    values, bookings = as_the_authors_loop(x, y, left / left.std(ddof=1))
    found = trade(prices, np.array([[0, 1]]), "as published")
    np.testing.assert_allclose(found.values, values, rtol=1e-9)
    assert found.bookings == bookings > 0


def test_every_trade_is_booked_many_times_as_published_and_once_without_the_fault() -> None:
    prices, pairs = cut(walk(0)), random_pairs(COMPANIES, PAIRS, 0)
    published, once = (trade(prices, pairs, variant) for variant in VARIANTS[:2])
    assert published.bookings > 20 * once.bookings > 0


def test_prices_after_a_day_change_nothing_before_it_only_without_the_look_ahead() -> None:
    closes, pairs, day = walk(3), random_pairs(COMPANIES, PAIRS, 3), 200
    garbage = closes.copy()
    garbage[FORMATION + day :] = walk(9)[FORMATION + day :]

    def same(variant: str) -> bool:
        one, other = (trade(cut(given), pairs, variant).values[:day] for given in (closes, garbage))
        return np.allclose(one, other)

    assert same("no look-ahead") and not same("booked once") and not same("as published")


def test_pairs_are_selected_by_correlation_and_the_test_of_their_difference() -> None:
    closes = walk(1, companies=4)
    noise = np.random.default_rng(1).normal(0, 0.5, len(closes))
    closes[:, 1] = closes[:, 0] + noise + 3
    prices = cut(closes)
    all_pairs = np.array([[0, 1], [0, 2], [1, 2], [2, 3]])
    assert paper_pairs(prices, all_pairs).tolist() == [[0, 1]]
    expected = [np.corrcoef(prices.formation[:, a], prices.formation[:, b])[0, 1] for a, b in all_pairs]
    np.testing.assert_allclose(correlations(prices.formation, all_pairs), expected)


def test_names_that_stop_trading_are_left_out_as_published() -> None:
    closes = walk(2, companies=3)
    closes[-40:, 1] = np.nan
    closes[: FORMATION - FEWEST_DAYS + 1, 2] = np.nan
    assert surviving(cut(closes), np.array([[0, 1], [0, 2], [0, 0]])).tolist() == [[0, 0]]


def rows_of(closes: np.ndarray) -> Iterator[tuple[str, date, float]]:
    for company in range(closes.shape[1]):
        for day, close in enumerate(closes[:, company].tolist()):
            yield f"c{company:02d}", START + timedelta(day), close


def test_the_table_has_every_variant_of_every_method_and_no_row_without_pairs() -> None:
    closes = walk(5, companies=6)
    closes[:, 1] = closes[:, 0] + np.random.default_rng(5).normal(0, 0.5, len(closes))
    prices = pl.DataFrame(list(rows_of(closes)), schema=["company_id", "date", "adj_close"], orient="row")
    as_of = START + timedelta(FORMATION - 1)
    pairs = [("sae", "c00", "c01"), ("sae", "c02", "c03"), ("random", "c02", "c03"), ("random", "c04", "gone")]
    tested = pl.DataFrame(pairs, schema=["method", "company_a", "company_b"], orient="row").with_columns(as_of=as_of)
    table = schemas.PAPER_BOOKS.frame(paper_rows(tested, prices))
    assert schemas.PAPER_BOOKS.validate(table).num_rows == 6
    assert dict(table.filter(variant="as published").select("method", "pairs").iter_rows()) == {"sae": 1, "random": 1}
    assert list(paper_rows(tested.clear(), prices)) == []
