"""Planted moves, splits, merges, births and deaths are found for what they are."""

from datetime import date

import polars as pl

from assets.clusters.drift.changes import Drift, between, drifts

FIRST, SECOND, THIRD = date(2009, 12, 31), date(2010, 12, 31), date(2011, 12, 31)


def grouped(groups: dict[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"company_id": list(groups), "cluster": list(groups.values())},
        schema={"company_id": pl.String, "cluster": pl.Int32},
    )


def of(*groups: str) -> pl.DataFrame:
    """Groups as text: `of("abc", "d")` has a, b and c in cluster 0, d in cluster 1."""
    return grouped({company: number for number, group in enumerate(groups) for company in group})


def changes(drift: Drift) -> dict[str, str]:
    return dict(drift.companies.select("company_id", "change").iter_rows())


def groups(drift: Drift) -> list[tuple[object, ...]]:
    return drift.groups.select("change", "cluster_before", "cluster", "shared", "size_before", "size").rows()


def test_whoever_changes_the_group_moved_and_the_others_stayed() -> None:
    drift = between(of("abcd", "efg"), of("efgd", "abc"))
    assert changes(drift) == dict.fromkeys("abcefg", "stayed") | {"d": "moved"}
    assert groups(drift) == [("same", 0, 1, 3, 4, 3), ("same", 1, 0, 3, 3, 4)]
    index = dict(drift.companies.select("company_id", "jaccard").iter_rows())
    assert index == dict.fromkeys("abcefg", 3 / 4) | {"d": 1 / 7}


def test_of_a_split_the_larger_part_is_the_group_and_the_other_was_born_of_it() -> None:
    drift = between(of("abcde"), of("abc", "de"))
    assert changes(drift) == dict.fromkeys("abc", "stayed") | dict.fromkeys("de", "moved")
    assert groups(drift) == [("born", 0, 1, 2, 5, 2), ("same", 0, 0, 3, 5, 3)]


def test_of_a_merger_the_larger_group_stays_and_the_other_died_into_it() -> None:
    drift = between(of("abc", "de"), of("abcde"))
    assert changes(drift) == dict.fromkeys("abc", "stayed") | dict.fromkeys("de", "moved")
    assert groups(drift) == [("died", 1, 0, 2, 2, 5), ("same", 0, 0, 3, 3, 5)]


def test_of_two_equal_halves_one_is_the_group() -> None:
    drift = between(of("abcd"), of("ab", "cd"))
    assert sorted(changes(drift).values()) == ["moved"] * 2 + ["stayed"] * 2
    assert sorted(row[0] for row in groups(drift)) == ["born", "same"]


def test_who_comes_and_who_goes_has_no_index_and_does_not_count_in_that_of_others() -> None:
    drift = between(of("abx", "cd"), of("aby", "cd", "z"))
    assert changes(drift) == dict.fromkeys("abcd", "stayed") | {"x": "gone", "y": "new", "z": "new"}
    rows = {row["company_id"]: row for row in drift.companies.to_dicts()}
    assert [rows[i]["jaccard"] for i in "axyz"] == [1.0, None, None, None]
    assert (rows["x"]["cluster_before"], rows["x"]["cluster"]) == (0, None)
    assert (rows["z"]["cluster_before"], rows["z"]["cluster"]) == (None, 2)
    assert groups(drift)[0] == ("born", None, 2, 0, None, 1)


def test_other_companies_altogether_are_deaths_and_births() -> None:
    drift = between(of("ab"), of("cd"))
    assert changes(drift) == dict.fromkeys("ab", "gone") | dict.fromkeys("cd", "new")
    assert groups(drift) == [("born", None, 0, 0, None, 2), ("died", 0, None, 0, 2, None)]
    assert drift.companies["jaccard"].null_count() == 4


def test_the_same_groups_under_other_numbers_are_no_change() -> None:
    drift = between(of("abc", "de", "f"), grouped({"a": 9, "b": 9, "c": 9, "d": 4, "e": 4, "f": 7}))
    assert set(changes(drift).values()) == {"stayed"}
    assert drift.companies["jaccard"].to_list() == [1.0] * 6
    assert {row[0] for row in groups(drift)} == {"same"}


def dated(*formed: tuple[str, date, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(
        rows.with_columns(method=pl.lit(method), as_of=pl.lit(as_of, pl.Date)) for method, as_of, rows in formed
    )


def test_every_method_is_followed_from_date_to_date() -> None:
    found = list(
        drifts(
            dated(
                ("tfidf", THIRD, of("ab")),
                ("sae", FIRST, of("ab")),
                ("sae", THIRD, of("a", "b")),
                ("sae", SECOND, of("ab")),
                ("tfidf", FIRST, of("ab")),
            )
        )
    )
    seen = [drift.companies.select("method", "before", "as_of").row(0) for drift in found]
    assert seen == [("sae", FIRST, SECOND), ("sae", SECOND, THIRD), ("tfidf", FIRST, THIRD)]
    assert [drift.companies["change"].to_list() for drift in found] == [
        ["stayed"] * 2,
        ["stayed", "moved"],
        ["stayed"] * 2,
    ]


def test_one_date_or_none_has_no_drift() -> None:
    assert list(drifts(dated(("sae", FIRST, of("ab"))))) == []
    assert list(drifts(dated(("sae", FIRST, of("ab"))).clear())) == []
