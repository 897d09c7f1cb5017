"""Companies are grouped by any method of the registry, and a group says how firm it is."""

from typing import get_args

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.clusters.methods import Known, known_companies, tagged
from assets.clusters.peer_groups import Grouping, group
from assets.clusters.peer_methods.registry import METHODS, PLACEBO, nearness
from resources.settings.clusters import Classification, Clusters, Method, SimilarityMethod
from tests.clusters.five_companies import AS_OF, IDS, MONTHS, evidence, known, returns, vectors, without_passages

SIMILARITIES = get_args(SimilarityMethod)
COSINES = ["sae", "sae_passages", "sae_tokens", "embedding", "tfidf"]
"""Methods that find the pairs; of five companies `tnic` finds no word rare enough, and 8 months say nothing."""
PAIRS = {frozenset("12"), frozenset("34"), frozenset("5")}
TWO_PAIRS = {"pair_share": 0.2, "stability_draws": 0}
BY_THETA = {"cut": "theta", "linkage": "average", "thetas": [-3.0, -1.0, -0.5, 3.0]}


def grouped(method: str, who: Known | None = None, rows: pl.DataFrame | None = None, **settings: object) -> Grouping:
    seen = returns() if rows is None else rows
    return group(method, evidence(known() if who is None else who, seen), MONTHS, Clusters(**settings))


def groups(labels: list[int]) -> set[frozenset[str]]:
    return {frozenset(i for i, own in zip(IDS, labels, strict=True) if own == label) for label in labels}


def test_the_settings_name_every_method_of_the_registry_but_the_placebo() -> None:
    assert set(get_args(Method)) == set(METHODS) - {PLACEBO}


@pytest.mark.parametrize("method", get_args(Method))
def test_a_method_is_named_as_what_it_is(method: str) -> None:
    found = nearness(method, evidence(known(), returns()))
    assert (found.groups is None) == (method in SIMILARITIES) == (method not in get_args(Classification))


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("cut", ["pair_share", "theta"])
@pytest.mark.parametrize("method", SIMILARITIES)
def test_too_few_companies_to_group_stand_alone(method: str, cut: str, count: int) -> None:
    """At an early date few companies have filed, and fewer have all the returns."""
    everyone = known()
    few = Known(everyone.companies.head(count), everyone.vectors.filter(pl.col("company_id").is_in(IDS[:count])))
    found = grouped(method, few, returns().filter(pl.col("company_id") == "1"), cut=cut)
    assert found.clusters["company_id"].to_list() == IDS[:count]
    assert found.clusters["cluster"].n_unique() == count
    assert found.clusters["stability"].null_count() == found.clusters["suggested"].null_count() == count
    assert found.neighbours is not None
    assert found.neighbours.height == (2 if count == 2 and method != "past_corr" else 0)


@pytest.mark.parametrize("method", COSINES)
def test_a_similarity_is_symmetric_and_highest_inside_the_pairs(method: str) -> None:
    cosine = nearness(method, evidence(known(), returns())).similarity
    np.testing.assert_allclose(cosine, cosine.T)
    np.testing.assert_allclose(np.diag(cosine), 1.0)
    assert min(cosine[0, 1], cosine[2, 3]) > max(cosine[0, 2], cosine[1, 3], cosine[0, 4])


def test_the_sae_similarity_is_the_dot_product_of_the_vectors() -> None:
    assert nearness("sae", evidence(known(), returns())).similarity[0, 1] == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("sic4", {frozenset("1"), frozenset("2"), frozenset("34"), frozenset("5")}),
        ("sic3", PAIRS),
        ("major_group", PAIRS),
        ("division", {frozenset("1234"), frozenset("5")}),
        ("sector", {frozenset("12"), frozenset("3"), frozenset("4"), frozenset("5")}),
    ],
)
def test_a_classification_groups_by_code_and_leaves_those_without_alone(
    method: str, expected: set[frozenset[str]]
) -> None:
    found = grouped(method)
    labels = found.clusters["cluster"].to_numpy()
    assert groups(labels.tolist()) == expected
    assert np.bincount(labels).argmax() == 0
    assert (found.thresholds, found.neighbours) == ([], None)
    assert found.clusters["suggested"].null_count() == len(IDS)


def test_a_later_filing_moves_no_company_to_another_sector_at_an_older_date() -> None:
    filings = pl.DataFrame({"accession": ["a1", "a2", "a3", "a4", "a5", "later"], "sector": ["oil"] * 5 + ["banks"]})
    others = pl.DataFrame({"accession": ["a1"], "text": ["x"], "embedding": [[1.0]]})
    then = known_companies(
        vectors(), filings.with_columns(sic=pl.lit(None, pl.String), industry="sector"), others, others
    )
    assert then.companies["sector"].to_list() == ["oil"] * 5
    assert groups(grouped("sector", then).clusters["cluster"].to_list()) == {frozenset(IDS)}


@pytest.mark.parametrize("settings", [TWO_PAIRS, BY_THETA])
@pytest.mark.parametrize("method", COSINES)
def test_a_grouping_has_rows_for_all_its_tables(method: str, settings: dict[str, object]) -> None:
    found = grouped(method, neighbours=2, **settings)
    assert groups(found.clusters["cluster"].to_list()) == PAIRS
    assert schemas.PEER_CLUSTERS.validate(tagged(found.clusters, method, AS_OF)).num_rows == 5
    rows = [{"method": method, "as_of": AS_OF, **row} for row in found.thresholds]
    assert schemas.CLUSTER_THRESHOLDS.validate(schemas.CLUSTER_THRESHOLDS.frame(rows)).num_rows == 1
    assert found.neighbours is not None
    near = schemas.NEIGHBOURS.validate(tagged(found.neighbours, method, AS_OF))
    assert near.num_rows == 10
    assert pl.DataFrame(near).filter(pl.col("rank") == 1)["peer_id"].to_list()[:4] == ["2", "1", "4", "3"]


def test_a_cut_says_the_share_of_pairs_it_reaches_or_the_months_it_was_chosen_on() -> None:
    (by_share,), (by_theta,) = (grouped("sae", **settings).thresholds for settings in (TWO_PAIRS, BY_THETA))
    assert (by_share["objective"], by_share["score"]) == ("pair_share", 0.2)
    assert "first_month" not in by_share
    assert (by_theta["first_month"], by_theta["last_month"]) == (MONTHS[0], MONTHS[-1])


def test_a_share_below_the_first_pair_leaves_everybody_alone_without_a_suggestion() -> None:
    found = grouped("sae", pair_share=0.09)
    assert found.clusters["cluster"].n_unique() == len(IDS)
    assert found.clusters["suggested"].null_count() == len(IDS)
    assert found.thresholds[0]["score"] == 0


@pytest.mark.parametrize("method", ["tnic", "tfidf"])
def test_where_all_are_equally_alike_nobody_is_grouped_before_everybody_is(method: str) -> None:
    alike = Known(known().companies.with_columns(text=pl.lit("oil gas")), vectors())
    assert grouped(method, alike, pair_share=0.5).clusters["cluster"].n_unique() == len(IDS)
    assert grouped(method, alike, pair_share=1.0).clusters["cluster"].n_unique() == 1


@pytest.mark.parametrize("cut", ["pair_share", "theta"])
@pytest.mark.filterwarnings("error")
def test_a_method_that_can_compare_nobody_leaves_everybody_alone(cut: str) -> None:
    for method, who in (("sae_passages", without_passages(*IDS)), ("past_corr", known())):
        found = grouped(method, who, cut=cut, stability_methods=[method])
        assert found.clusters["company_id"].to_list() == IDS
        assert found.clusters["cluster"].n_unique() == len(IDS)
        assert found.thresholds == []
        assert found.neighbours is not None
        assert found.neighbours.is_empty()
        assert schemas.PEER_CLUSTERS.validate(tagged(found.clusters, method, AS_OF)).num_rows == len(IDS)


def test_a_company_without_the_view_is_alone_and_nobody_is_its_neighbour() -> None:
    found = grouped("sae_passages", without_passages("2"), **BY_THETA | {"thetas": [3.0]})
    assert groups(found.clusters["cluster"].to_list()) == {frozenset("2"), frozenset("1345")}
    assert found.clusters.filter(company_id="2")["suggested"].to_list() == [None]
    assert found.neighbours is not None
    assert not {"2"} & set(found.neighbours["company_id"]) | {"2"} & set(found.neighbours["peer_id"])


def test_a_method_that_compares_fewer_companies_is_granted_pairs_of_all() -> None:
    assert groups(grouped("sae_passages", without_passages("5"), **TWO_PAIRS).clusters["cluster"].to_list()) == PAIRS
    assert grouped("sae_passages", without_passages("5"), **TWO_PAIRS).thresholds[0]["score"] == 0.2


def test_a_company_alone_is_told_its_nearest_group_where_it_is_like_any() -> None:
    found = grouped("embedding", **TWO_PAIRS).clusters
    assert found["cluster"].to_list() == [0, 0, 1, 1, 2]
    assert found["suggested"].to_list() == [None] * 4 + [1]
    assert grouped("tfidf", **TWO_PAIRS).clusters["suggested"].null_count() == len(IDS)


@pytest.mark.parametrize("method", ["sae", "embedding"])
def test_stability_is_of_those_in_groups_and_only_where_it_is_asked_for(method: str) -> None:
    found = grouped(method, pair_share=0.2, stability_methods=[method]).clusters["stability"]
    assert found.null_count() == 1 and found[4] is None
    assert found.drop_nulls().is_between(0, 1).all()
    assert grouped(method, pair_share=0.2, stability_methods=[]).clusters["stability"].null_count() == 5


def test_the_order_of_companies_changes_no_group() -> None:
    new = dict(zip(IDS, reversed(IDS), strict=True))
    turned = Known(
        known().companies.with_columns(pl.col("company_id").replace(new)).sort("company_id"),
        known().vectors.with_columns(pl.col("company_id").replace(new)),
    )
    for method in COSINES:
        plain, other = (grouped(method, who, **TWO_PAIRS).clusters["cluster"].to_list() for who in (known(), turned))
        assert groups(plain) == {frozenset(new[i] for i in part) for part in groups(other)}
