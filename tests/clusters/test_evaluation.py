"""Scores of every method side by side, on months after the as-of date, once all of them are over."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.clusters.evaluation import (
    Horizon,
    draw_rows,
    horizon_after,
    interval_rows,
    neighbour_rows,
    score_rows,
)
from assets.clusters.scores import nearest_neighbours
from assets.partitions import months_later
from resources.settings.clusters import Clusters

IDS = [str(i) for i in range(8)]
AS_OF = date(2004, 12, 31)
MONTHS = [months_later("2004-12", n) for n in range(1, 13)]
SIC_GROUPS = pl.DataFrame({"company_id": IDS, "major_group": ["20"] * 4 + ["29"] * 4})
SETTINGS = Clusters(placebo_draws=20)


def returns(months: int = 12, gone: tuple[str, ...] = ()) -> pl.DataFrame:
    """The first four companies move together, and so do the last four; those `gone` have two months only."""
    random = np.random.default_rng(1)
    factors = random.normal(size=(2, 12))
    values = np.repeat(factors, 4, axis=0) + 0.1 * random.normal(size=(8, 12))
    rows = [
        (i, m, v, [], True)
        for i, own in zip(IDS, values.tolist(), strict=True)
        for m, v in zip(MONTHS, own, strict=True)
    ]
    frame = pl.DataFrame(rows, schema=schemas.MONTHLY_RETURNS.empty().schema, orient="row")
    known = frame.filter(pl.col("month") <= MONTHS[months - 1]) if months else frame.clear()
    return known.filter(~pl.col("company_id").is_in(gone) | (pl.col("month") <= MONTHS[1]))


def clusters(**labels: list[int]) -> pl.DataFrame:
    parts = [
        pl.DataFrame({"method": m, "as_of": AS_OF, "company_id": IDS, "cluster": own}) for m, own in labels.items()
    ]
    firm = pl.when(pl.col("method") == "sae").then(pl.Series([0.5, 1.0] * 4 * len(parts)))
    return pl.concat(parts).with_columns(stability=firm)


TWO = clusters(mixed=[0, 1] * 4, sae=[0] * 4 + [1] * 4)


def neighbours() -> pl.DataFrame:
    similarity = np.kron(np.eye(2), np.ones((4, 4))) + np.eye(8)
    near = nearest_neighbours(similarity, IDS, 2)
    return near.with_columns(method=pl.lit("sae"), as_of=pl.lit(AS_OF))


def horizon(known: pl.DataFrame) -> Horizon:
    return horizon_after(AS_OF, 12, known)


def scored(known: pl.DataFrame, groups: pl.DataFrame = TWO) -> pl.DataFrame:
    rows = [row for row, _ in score_rows(groups, known, horizon(known), SETTINGS)]
    table = schemas.CLUSTER_SCORES.frame({"as_of": AS_OF, "left_out": 0, **row} for row in rows)
    assert schemas.CLUSTER_SCORES.validate(table).num_rows == 2
    return table


def test_every_method_has_a_row_and_the_true_groups_score_higher() -> None:
    table = scored(returns())
    assert table["method"].to_list() == ["mixed", "sae"]
    assert table["pair_weighted"][1] > 0.9 > table["pair_weighted"][0]
    assert table["stability"].to_list() == [None, 0.75]
    assert table["months"].to_list() == [12, 12] and table["finished"].all()
    assert table.equals(scored(returns().reverse(), TWO.reverse()))


@pytest.mark.parametrize("months", [0, 1, 2, 11])
def test_a_horizon_that_is_not_over_is_not_scored_and_says_how_far_it_is(months: int) -> None:
    known = returns(months)
    table = scored(known)
    assert table.select("months", "horizon_months", "finished").unique().rows() == [(months, 12, False)]
    assert table.select("lift", "pair_weighted", "placebo_p", "mean_corr", "companies_lost").null_count().row(0) == (
        (2,) * 5
    )
    assert table["coverage"].to_list() == [1.0, 1.0]
    assert [draws.size for _, draws in score_rows(TWO, known, horizon(known), SETTINGS)] == [0, 0]


def test_a_delisted_company_does_not_keep_a_horizon_from_being_over() -> None:
    table = scored(returns(gone=("0", "5")))
    assert table["finished"].all()
    assert table.select("companies", "companies_lost", "pairs", "pairs_lost").rows()[1] == (8, 2, 12, 6)
    assert table["coverage"].to_list() == [1.0, 1.0]


def test_what_the_draws_say_goes_into_the_interval_of_each_method() -> None:
    rows, draws = [], []
    for year in (2004, 2005, 2006):
        for row, drawn in score_rows(TWO, returns(), horizon(returns()), SETTINGS):
            as_of = date(year, 12, 31)
            rows.append({"as_of": as_of, "left_out": 0, **row})
            draws += [{"as_of": as_of, **one} for one in draw_rows(row["method"], drawn)]
    waiting = {**rows[1], "as_of": date(2007, 12, 31), "finished": False, "lift": None}
    scores = schemas.CLUSTER_SCORES.frame([*rows, waiting])
    drawn = schemas.LIFT_DRAWS.frame(draws)
    assert schemas.LIFT_DRAWS.validate(drawn).num_rows == 2 * 3 * 200
    found = schemas.LIFT_INTERVALS.frame(interval_rows(scores, drawn, 12))
    assert schemas.LIFT_INTERVALS.validate(found).num_rows == 2
    assert found.select("method", "dates", "blocks").rows() == [("mixed", 3, 3), ("sae", 3, 3)]
    assert found["se_time"].to_list() == pytest.approx([0, 0], abs=1e-12)  # the same year, three times
    assert (found["se_firms"] > 0).all() and (found["low"] < found["lift"]).all()


def test_neighbours_are_asked_whether_they_share_the_major_group() -> None:
    known = returns()
    rows, matches = neighbour_rows(neighbours(), TWO, SIC_GROUPS, known, horizon(known))
    table = schemas.NEIGHBOUR_SCORES.frame({"as_of": AS_OF, **row} for row in rows)
    assert schemas.NEIGHBOUR_SCORES.validate(table).num_rows == 2
    own, chance = rows
    assert (own["method"], own["share"], own["companies"], own["forward_companies"]) == ("sae", 1.0, 8, 8)
    assert own["low"] < 1.0 == own["high"]
    assert chance["method"] == "random"
    assert chance["share"] == pytest.approx(3 / 7)
    assert own["forward_corr"] > 0.9 > chance["forward_corr"]
    dated = matches.with_columns(as_of=pl.lit(AS_OF)).select(schemas.NEAREST_MATCHES.empty().columns)
    assert schemas.NEAREST_MATCHES.validate(dated).num_rows == 16


@pytest.mark.parametrize("months", [1, 2, 11])
def test_before_the_horizon_is_over_neighbours_have_no_correlation(months: int) -> None:
    known = returns(months)
    rows, _ = neighbour_rows(neighbours(), TWO, SIC_GROUPS, known, horizon(known))
    assert [(row["forward_corr"], row["forward_companies"]) for row in rows] == [(None, None)] * 2
    assert rows[0]["share"] == 1.0


def test_without_any_code_nobody_is_asked() -> None:
    known = returns()
    rows, matches = neighbour_rows(
        neighbours(), TWO, SIC_GROUPS.with_columns(major_group=pl.lit(None, pl.String)), known, horizon(known)
    )
    assert matches.is_empty()
    table = schemas.NEIGHBOUR_SCORES.frame({"as_of": AS_OF, **row} for row in rows)
    assert schemas.NEIGHBOUR_SCORES.validate(table).num_rows == 2
    assert table["companies"].to_list() == [0, 0] and table["share"].null_count() == 2


def test_a_date_without_companies_has_no_rows() -> None:
    nobody, known = schemas.PEER_CLUSTERS.empty(), returns()
    assert list(score_rows(nobody, known, horizon(known), SETTINGS)) == []
    rows, matches = neighbour_rows(
        schemas.NEIGHBOURS.empty(), nobody, schemas.SIC_GROUPS.empty(), known, horizon(known)
    )
    assert [row["companies"] for row in rows] == [0] and matches.is_empty()


def test_a_company_that_is_alone_is_scored_by_nothing_and_counted() -> None:
    one, known = TWO.filter(company_id="0"), returns()
    ((row, draws), _) = score_rows(one, known, horizon(known), SETTINGS)
    assert (row["companies"], row["companies_lost"], row["pairs"], row.get("lift")) == (1, 0, 0, None)
    assert np.isnan(draws).all()
