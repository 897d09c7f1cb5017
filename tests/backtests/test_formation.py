"""Pairs are tested inside groups, for each method, and beside them random ones."""

from collections import Counter
from datetime import date, timedelta

import numpy as np
import polars as pl

from assets import schemas
from assets.backtests.cointegration import engle_granger
from assets.backtests.formation import PLACEBO, formed_pairs
from resources.settings.backtest import Backtest

AS_OF = date(2004, 12, 31)
IDS = ["a", "b", "c", "d", "late"]
DAYS = [date(2004, 1, 1) + timedelta(i) for i in range(300)]


def prices() -> pl.DataFrame:
    """`late` is quoted from the forty-first day on."""
    walks = np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, (300, 5)), axis=0))
    rows = [
        (i, day, float(walks[d, c])) for c, i in enumerate(IDS) for d, day in enumerate(DAYS) if i != "late" or d > 39
    ]
    return pl.DataFrame(rows, schema=["company_id", "date", "adj_close"], orient="row")


CLUSTERS = pl.DataFrame({
    "method": ["sae"] * 5 + ["sic4"] * 5,
    "company_id": ["late", "d", "c", "b", "a", *IDS],
    "cluster": [0, 1, 0, 0, 0, 0, 1, 2, 3, 4],
})  # fmt: skip


def test_pairs_lie_inside_groups_and_have_most_prices() -> None:
    formed = dict(formed_pairs(CLUSTERS, prices(), AS_OF, Backtest(random_pairs=4)))
    assert list(formed) == ["sae", "sic4", PLACEBO]
    assert formed["sae"].select("company_a", "company_b").rows() == [("a", "b"), ("a", "c"), ("b", "c")]
    assert formed["sic4"].is_empty()
    assert formed[PLACEBO].height == 4
    assert not {"late"} & set(formed[PLACEBO]["company_a"]) | {"late"} & set(formed[PLACEBO]["company_b"])


def test_the_test_is_engle_granger_on_log_prices() -> None:
    formed = dict(formed_pairs(CLUSTERS, prices(), AS_OF, Backtest()))
    wide = prices().pivot("company_id", index="date", values="adj_close").select("a", "b").to_numpy()
    expected = engle_granger(np.log(wide), np.array([[0, 1]]), "aic")
    assert formed["sae"].row(0, named=True)["t_stat"] == expected["t_stat"].item()


def test_a_company_with_nine_tenths_of_the_prices_is_tested_on_its_days() -> None:
    gaps = prices().filter(~((pl.col("company_id") == "c") & pl.col("date").is_in(DAYS[100:130])))
    formed = dict(formed_pairs(CLUSTERS, gaps, AS_OF, Backtest()))["sae"]
    assert formed.select("company_a", "company_b", "days").rows() == [("a", "b", 300), ("a", "c", 270), ("b", "c", 270)]


def test_pairs_whose_days_hardly_meet_are_counted() -> None:
    gone = {"b": DAYS[:30], "c": DAYS[-40:-10]}
    gaps = prices().filter(*(~((pl.col("company_id") == i) & pl.col("date").is_in(days)) for i, days in gone.items()))
    counted: Counter[str] = Counter()
    formed = dict(formed_pairs(CLUSTERS, gaps, AS_OF, Backtest(random_pairs=6), counted))["sae"]
    assert formed.select("company_a", "company_b").rows() == [("a", "b"), ("a", "c")]
    assert counted == {"too few common days": 2}  # by its group, and among all six random pairs


def test_every_method_writes_rows_of_the_table() -> None:
    for method, pairs in formed_pairs(CLUSTERS, prices(), AS_OF, Backtest()):
        tagged = pairs.with_columns(method=pl.lit(method), as_of=pl.lit(AS_OF, pl.Date))
        assert schemas.COINTEGRATED_PAIRS.validate(tagged).num_rows == pairs.height
