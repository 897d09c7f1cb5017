"""Scores of every method side by side, on months after the as-of date."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.clusters.evaluation import neighbour_rows, score_rows
from assets.clusters.scores import nearest_neighbours
from resources.settings.clusters import Clusters

IDS = [str(i) for i in range(8)]
AS_OF = date(2004, 12, 31)
MONTHS = [date(2005, m, 28) for m in range(1, 13)]
SIC_GROUPS = pl.DataFrame({"company_id": IDS, "major_group": ["20"] * 4 + ["29"] * 4})


def returns(months: int = 12) -> pl.DataFrame:
    """The first four companies move together, and so do the last four."""
    random = np.random.default_rng(1)
    factors = random.normal(size=(2, 12))
    values = np.repeat(factors, 4, axis=0) + 0.1 * random.normal(size=(8, 12))
    rows = [
        (i, m, v, [], True)
        for i, own in zip(IDS, values.tolist(), strict=True)
        for m, v in zip(MONTHS, own, strict=True)
    ]
    frame = pl.DataFrame(rows, schema=schemas.MONTHLY_RETURNS.empty().schema, orient="row")
    return frame.filter(pl.col("month") <= MONTHS[months - 1]) if months else frame.clear()


def clusters(**labels: list[int]) -> pl.DataFrame:
    parts = [
        pl.DataFrame({"method": m, "as_of": AS_OF, "company_id": IDS, "cluster": own}) for m, own in labels.items()
    ]
    return pl.concat(parts)


TWO = clusters(mixed=[0, 1] * 4, sae=[0] * 4 + [1] * 4)


def neighbours() -> pl.DataFrame:
    similarity = np.kron(np.eye(2), np.ones((4, 4))) + np.eye(8)
    near = nearest_neighbours(similarity, IDS, 2)
    return near.with_columns(method=pl.lit("sae"), as_of=pl.lit(AS_OF))


def test_every_method_has_a_row_and_the_true_groups_score_higher() -> None:
    rows = score_rows(TWO, returns(), Clusters(placebo_draws=20), left_out=0)
    table = schemas.CLUSTER_SCORES.frame({"as_of": AS_OF, **row} for row in rows)
    assert schemas.CLUSTER_SCORES.validate(table).num_rows == 2
    assert [row["method"] for row in rows] == ["mixed", "sae"]
    assert rows[1]["pair_weighted"] > 0.9 > rows[0]["pair_weighted"]
    assert rows[1]["months"] == 12
    assert rows == score_rows(TWO.reverse(), returns().reverse(), Clusters(placebo_draws=20), left_out=0)


@pytest.mark.parametrize(("months", "rows"), [(0, 0), (1, 0), (2, 2)])
def test_fewer_than_two_months_give_no_scores(months: int, rows: int) -> None:
    assert len(score_rows(TWO, returns(months), Clusters(placebo_draws=20), left_out=0)) == rows


def test_neighbours_are_asked_whether_they_share_the_major_group() -> None:
    rows = neighbour_rows(neighbours(), TWO, SIC_GROUPS, returns())
    table = schemas.NEIGHBOUR_SCORES.frame({"as_of": AS_OF, **row} for row in rows)
    assert schemas.NEIGHBOUR_SCORES.validate(table).num_rows == 2
    own, chance = rows
    assert (own["method"], own["same_major_group"], own["companies"]) == ("sae", 1.0, 8)
    assert chance["method"] == "random"
    assert chance["same_major_group"] == pytest.approx(3 / 7)
    assert own["forward_corr"] > 0.9 > chance["forward_corr"]


def test_without_later_months_neighbours_have_no_correlation() -> None:
    rows = neighbour_rows(neighbours(), TWO, SIC_GROUPS, returns(1))
    assert [row["forward_corr"] for row in rows] == [None, None]
