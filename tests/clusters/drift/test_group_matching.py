"""Groups are matched as the best of all assignments would, whatever their numbers are."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.clusters.drift.matching import overlaps


def both(before: list[int], after: list[int]) -> pl.DataFrame:
    """Companies present at both dates, named by where they stand."""
    ids = [f"c{i:02}" for i in range(len(before))]
    columns = {"company_id": ids, "cluster_before": before, "cluster": after}
    return pl.DataFrame(columns, schema={"company_id": pl.String, "cluster_before": pl.Int32, "cluster": pl.Int32})


def same(before: list[int], after: list[int]) -> dict[int, int]:
    return dict(overlaps(both(before, after)).filter("same").select("cluster_before", "cluster").iter_rows())


def best_of_all(before: list[int], after: list[int]) -> float:
    """The largest total Jaccard index of any assignment, tried one by one."""
    old = [{i for i, g in enumerate(before) if g == group} for group in sorted(set(before))]
    new = [{i for i, g in enumerate(after) if g == group} for group in sorted(set(after))]
    few, many = sorted((old, new), key=len)
    return max(
        sum(len(a & b) / len(a | b) for a, b in zip(few, some, strict=True)) for some in permutations(many, len(few))
    )


LABELS = st.integers(0, 4)


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=12))
def test_no_assignment_is_better(pairs: list[tuple[int, int]]) -> None:
    before, after = (list(labels) for labels in zip(*pairs, strict=True))
    found = overlaps(both(before, after))
    matched = found.filter("same")
    assert matched["cluster_before"].is_unique().all() and matched["cluster"].is_unique().all()
    assert matched["jaccard"].sum() == pytest.approx(best_of_all(before, after))
    assert found["shared"].sum() == len(pairs)


@given(
    st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=12), st.permutations(range(5)), st.permutations(range(5))
)
def test_other_numbers_change_nothing_even_where_matchings_tie(
    pairs: list[tuple[int, int]], old: list[int], new: list[int]
) -> None:
    before, after = (list(labels) for labels in zip(*pairs, strict=True))
    renamed = same([old[g] for g in before], [new[g] for g in after])
    assert renamed == {old[a]: new[b] for a, b in same(before, after).items()}


def test_the_index_is_of_companies_in_both_over_companies_in_either() -> None:
    found = overlaps(both([0, 0, 0, 1], [0, 0, 1, 1]))
    rows = {(a, b): (shared, jaccard) for a, b, shared, jaccard, _ in found.iter_rows()}
    assert rows == {(0, 0): (2, 2 / 3), (0, 1): (1, 1 / 4), (1, 1): (1, 1 / 2)}


def test_the_largest_sum_wins_over_the_largest_single_index() -> None:
    """Group 0 is more like 0 (3/7) than like 1 (2/6), and all the same it is 1, as 1 has nothing but 0 to be."""
    before, after = [0] * 5 + [1] * 2, [0] * 3 + [1] * 2 + [0] * 2
    found = {(a, b): j for a, b, _, j, _ in overlaps(both(before, after)).iter_rows()}
    assert found[0, 0] == 3 / 7 and found[0, 1] == 2 / 5 and found[1, 0] == 2 / 5
    assert same(before, after) == {0: 1, 1: 0}


def test_nobody_at_both_dates_is_no_match() -> None:
    assert overlaps(both([], [])).rows() == []


def test_groups_apart_are_matched_apart_however_many() -> None:
    """As many parts as groups: each problem is of its own, and the whole is the dense assignment's."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(5)
    before = rng.integers(0, 40, 200)
    after = np.where(rng.random(200) < 0.8, before, rng.integers(0, 40, 200))
    found = overlaps(both(before.tolist(), after.tolist()))
    dense = np.zeros((40, 40))
    for a, b, _, jaccard, _ in found.iter_rows():
        dense[a, b] = jaccard
    chosen = linear_sum_assignment(dense, maximize=True)
    assert found.filter("same")["jaccard"].sum() == pytest.approx(dense[chosen].sum())
