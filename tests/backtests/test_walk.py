"""Every method's pairs are traded after they were formed, in one chronological book."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from assets import schemas
from assets.backtests.walk import SELECTIONS, selected, walk_forward
from resources.settings.backtest import Backtest

AS_OFS = [date(2004, 6, 30), date(2004, 12, 31)]
DAYS = [date(2004, 5, 1) + timedelta(i) for i in range(430)]
SETTINGS = Backtest(trading_months=6, max_pairs=2)


def prices() -> pl.DataFrame:
    """b is flat and a swings around it, so that every pair of the two has trades."""
    swing = np.exp(0.02 * np.sin(np.arange(len(DAYS)) / 5))
    closes = {"a": 100 * swing, "b": np.full(len(DAYS), 100.0), "c": 50 * swing[::-1]}
    rows = [(i, day, float(v)) for i, values in closes.items() for day, v in zip(DAYS, values, strict=True)]
    return pl.DataFrame(rows, schema=["company_id", "date", "adj_close"], orient="row")


def pair(method: str, as_of: date, b: str, rank: int, passes: bool, ratio: float = 1.0) -> dict[str, object]:
    mean = float(np.log(100) - ratio * np.log(100 if b == "b" else 50))
    numbers = {"hedge_ratio": ratio, "spread_mean": mean, "spread_sd": 0.01, "passes": passes, "rank": rank}
    return {"method": method, "as_of": as_of, "company_a": "a", "company_b": b, **numbers}


PAIRS = pl.DataFrame([
    pair("sae", AS_OFS[1], "b", 1, True),
    pair("sae", AS_OFS[1], "c", 2, False),
    pair("sae", AS_OFS[0], "b", 1, False),
    pair("random", AS_OFS[0], "c", 1, False),
])  # fmt: skip


def test_each_method_has_a_book_for_each_selection() -> None:
    rows, returns, trades = walk_forward(PAIRS, prices(), SETTINGS)
    assert [(r["method"], r["selection"]) for r in rows] == [(m, s) for m in ("random", "sae") for s in SELECTIONS]
    assert schemas.BACKTEST_SUMMARY.validate(schemas.BACKTEST_SUMMARY.frame(rows)).num_rows == 4
    assert schemas.BACKTEST_RETURNS.validate(returns).num_rows == returns.height
    assert schemas.PAIR_TRADES.validate(trades).num_rows == trades.height > 0


def test_summaries_count_pairs_tested_passed_and_traded() -> None:
    rows, _, _ = walk_forward(PAIRS, prices(), SETTINGS)
    counts = {(r["method"], r["selection"]): (r["pairs_tested"], r["pairs_passed"], r["pairs_traded"]) for r in rows}
    assert counts["sae", "bh"] == (3, 1, 1)
    assert counts["sae", "uncorrected"] == (3, 1, 3)
    assert counts["random", "bh"] == (1, 0, 0)


def test_nothing_is_traded_before_it_was_formed_or_after_its_window() -> None:
    _, returns, trades = walk_forward(PAIRS, prices(), SETTINGS)
    assert (trades["opened"] > trades["as_of"]).all()
    first = trades.filter(pl.col("as_of") == AS_OFS[0])
    assert first["closed"].max() <= AS_OFS[1]
    assert trades.filter((pl.col("method") == "sae") & (pl.col("selection") == "bh"))["as_of"].unique().to_list() == [
        AS_OFS[1]
    ]
    assert returns["date"].min() == date(2004, 7, 1)


def test_the_order_of_the_pairs_changes_nothing() -> None:
    rows, returns, trades = walk_forward(PAIRS, prices(), SETTINGS)
    again = walk_forward(PAIRS.reverse(), prices().reverse(), SETTINGS)
    assert rows == again[0]
    assert returns.equals(again[1])
    assert trades.equals(again[2])


def test_the_smallest_p_are_selected_and_pairs_that_do_not_hedge_passed_over() -> None:
    tested = pl.DataFrame([
        pair("sae", AS_OFS[0], "b", 3, True),
        pair("sae", AS_OFS[0], "c", 1, True, ratio=-1.0),
        pair("sae", AS_OFS[0], "d", 2, False),
        pair("sae", AS_OFS[0], "e", 4, True),
    ])  # fmt: skip
    assert selected(tested, "uncorrected", SETTINGS)["company_b"].to_list() == ["d", "b"]
    assert selected(tested, "bh", SETTINGS)["company_b"].to_list() == ["b", "e"]


BASKETS = pl.DataFrame(
    [("sae", as_of, own, peer, 0.4) for as_of in AS_OFS for own, peer in (("a", "c"), ("b", "a"), ("c", "a"))],
    schema=["method", "as_of", "company_id", "peer_id", "weight"],
    orient="row",
)


def test_baskets_make_a_book_of_each_other_strategy() -> None:
    settings = SETTINGS.model_copy(update={"max_name_share": None})  # of three names each is a third
    rows, returns, trades = walk_forward(PAIRS, prices(), settings, BASKETS)
    found = {(r["strategy"], r["method"], r["selection"]) for r in rows}
    assert {key for key in found if key[0] != "pairs"} == {("reversion", "sae", "all"), ("hedged", "sae", "all")}
    assert schemas.BACKTEST_SUMMARY.validate(schemas.BACKTEST_SUMMARY.frame(rows)).num_rows == 6
    assert schemas.BACKTEST_RETURNS.validate(returns).num_rows == returns.height
    assert schemas.PAIR_TRADES.validate(trades).num_rows == trades.height
    assert trades.filter(pl.col("strategy") == "hedged").height == 6
    alone = walk_forward(PAIRS, prices(), settings)
    more_trials = {"trials", "deflated_sharpe"}  # of all books of a run
    pairs = [{k: v for k, v in row.items() if k not in more_trials} for row in rows if row["strategy"] == "pairs"]
    assert pairs == [{k: v for k, v in row.items() if k not in more_trials} for row in alone[0]]
    assert rows[0]["trials"] > alone[0][0]["trials"]


def test_a_date_whose_months_are_not_over_is_in_no_book() -> None:
    known = prices().filter(pl.col("date") <= date(2005, 6, 20))
    rows, returns, trades = walk_forward(PAIRS, known, SETTINGS, BASKETS)
    assert {(row["windows"], row["unfinished"]) for row in rows} == {(1, 1)}
    assert returns["date"].max() == AS_OFS[1]
    assert set(trades["as_of"]) == {AS_OFS[0]}
    later = walk_forward(PAIRS, prices().filter(pl.col("date") <= date(2005, 6, 26)), SETTINGS, BASKETS)
    assert {(row["windows"], row["unfinished"]) for row in later[0] if row["method"] == "sae"} == {(2, 0)}


def test_before_any_months_are_over_there_is_no_book() -> None:
    known = prices().filter(pl.col("date") <= date(2004, 9, 30))
    rows, returns, trades = walk_forward(PAIRS, known, SETTINGS, BASKETS)
    assert rows == []
    assert schemas.BACKTEST_RETURNS.validate(returns).num_rows == schemas.PAIR_TRADES.validate(trades).num_rows == 0
