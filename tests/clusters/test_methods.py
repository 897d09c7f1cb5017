"""Companies are grouped by what they say or by a code, and a group says why it is one."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.clusters.methods import (
    SIMILARITIES,
    Known,
    classification,
    group,
    known_companies,
    label_rows,
    similarity,
    tagged,
)
from resources.settings.clusters import Clusters

IDS = ["1", "2", "3", "4", "5"]
MONTHS = [date(2004, m, 28) for m in range(1, 9)]
AS_OF = date(2004, 12, 31)
LABELS = pl.DataFrame({"entry": ["e"], "block": [2], "latent": [0], "label": ["drinks"]})


def vectors() -> pl.DataFrame:
    """Companies 1 and 2 share latent 0, 3 and 4 latent 1, 5 has latent 2 alone; unit length."""
    cells = [("1", 0, 0.8), ("1", 3, 0.6), ("2", 0, 0.8), ("2", 4, 0.6), ("3", 1, 1.0), ("4", 1, 1.0), ("5", 2, 1.0)]
    rows = [
        {"company_id": c, "accession": f"a{c}", "entry": "e", "block": 2, "latent": latent, "weight": weight}
        for c, latent, weight in cells
    ]
    return pl.DataFrame(rows)


def known() -> Known:
    accessions = [f"a{c}" for c in reversed(IDS)]
    sectors = [None, None, "oil", "drinks", "drinks"]
    filings = pl.DataFrame({"accession": accessions, "sic": [None, "2911", "2911", "2086", "2080"], "sector": sectors})
    texts = ["hats", "oil gas wells", "oil gas pipes", "cola syrup", "syrup cola"]
    descriptions = pl.DataFrame({"accession": accessions, "text": texts})
    points = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.1], [0.0, 1.0, 0.0], [1.0, 0.1, 0.0], [1.0, 0.0, 0.0]]
    embeddings = pl.DataFrame({"accession": accessions, "embedding": points})
    return known_companies(vectors(), filings, descriptions, embeddings)


def returns() -> pl.DataFrame:
    """1 and 2 move together, 3 and 4 together, 5 alone."""
    random = np.random.default_rng(0)
    a, b, c = random.normal(size=(3, len(MONTHS)))
    series = {"1": a, "2": a + 0.01 * b, "3": b, "4": b + 0.01 * c, "5": c}
    rows = [(i, m, float(v), []) for i, values in series.items() for m, v in zip(MONTHS, values, strict=True)]
    return schemas.MONTHLY_RETURNS.frame(
        dict(zip(("company_id", "month", "log_return", "flags"), row, strict=True)) for row in rows
    )


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("method", SIMILARITIES)
def test_too_few_companies_to_choose_a_cut_stand_alone(method: str, count: int) -> None:
    """At an early date few companies have filed, and fewer have all the returns."""
    everyone = known()
    few = Known(everyone.companies.head(count), everyone.vectors.filter(pl.col("company_id").is_in(IDS[:count])))
    found = group(method, few, returns().filter(pl.col("company_id") == "1"), Clusters())
    assert found.clusters.schema == {"company_id": pl.String, "cluster": pl.Int32}
    assert found.clusters["company_id"].to_list() == IDS[:count]
    assert found.clusters["cluster"].n_unique() == count
    assert found.thresholds == []
    assert found.neighbours is not None
    assert found.neighbours.height == (2 if count == 2 else 0)


def groups(labels: list[int]) -> set[frozenset[str]]:
    return {frozenset(i for i, own in zip(IDS, labels, strict=True) if own == label) for label in labels}


PAIRS = {frozenset("12"), frozenset("34"), frozenset("5")}


def test_what_is_known_is_one_row_for_each_company_with_a_vector() -> None:
    assert known().ids == IDS
    assert known().companies["sic"].to_list() == ["2080", "2086", "2911", "2911", None]
    assert known().companies["text"][0] == "syrup cola"


@pytest.mark.parametrize("method", SIMILARITIES)
def test_a_similarity_is_symmetric_and_highest_inside_the_pairs(method: str) -> None:
    cosine = similarity(method, known())
    np.testing.assert_allclose(cosine, cosine.T)
    np.testing.assert_allclose(np.diag(cosine), 1.0)
    assert min(cosine[0, 1], cosine[2, 3]) > max(cosine[0, 2], cosine[1, 3], cosine[0, 4])


def test_the_sae_similarity_is_the_dot_product_of_the_vectors() -> None:
    assert similarity("sae", known())[0, 1] == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("sic4", {frozenset("1"), frozenset("2"), frozenset("34"), frozenset("5")}),
        ("major_group", PAIRS),
        ("division", {frozenset("1234"), frozenset("5")}),
        ("sector", {frozenset("12"), frozenset("3"), frozenset("4"), frozenset("5")}),
    ],
)
def test_a_classification_groups_by_code_and_leaves_those_without_alone(
    method: str, expected: set[frozenset[str]]
) -> None:
    labels = classification(method, known())
    assert groups(labels.tolist()) == expected
    assert np.bincount(labels).argmax() == 0


def test_a_later_filing_moves_no_company_to_another_sector_at_an_older_date() -> None:
    filings = pl.DataFrame({"accession": ["a1", "a2", "a3", "a4", "a5", "later"], "sector": ["oil"] * 5 + ["banks"]})
    others = pl.DataFrame({"accession": ["a1"], "text": ["x"], "embedding": [[1.0]]})
    then = known_companies(vectors(), filings.with_columns(sic=pl.lit(None, pl.String)), others, others)
    assert then.companies["sector"].to_list() == ["oil"] * 5
    assert groups(classification("sector", then).tolist()) == {frozenset(IDS)}


@pytest.mark.parametrize("method", SIMILARITIES)
def test_a_grouping_has_rows_for_all_its_tables(method: str) -> None:
    settings = Clusters(thetas=[-3.0, -1.0, -0.5, 3.0], neighbours=2)
    found = group(method, known(), returns(), settings)
    assert groups(found.clusters["cluster"].to_list()) == PAIRS
    clusters = tagged(found.clusters, method, AS_OF)
    assert schemas.PEER_CLUSTERS.validate(clusters).num_rows == 5
    rows = [{"method": method, "as_of": AS_OF, **row} for row in found.thresholds]
    assert schemas.CLUSTER_THRESHOLDS.validate(schemas.CLUSTER_THRESHOLDS.frame(rows)).num_rows == 1
    assert (rows[0]["first_month"], rows[0]["last_month"]) == (MONTHS[0], MONTHS[-1])
    assert found.neighbours is not None
    near = schemas.NEIGHBOURS.validate(tagged(found.neighbours, method, AS_OF))
    assert near.num_rows == 10
    assert pl.DataFrame(near).filter(pl.col("rank") == 1)["peer_id"].to_list()[:4] == ["2", "1", "4", "3"]


def test_a_classification_has_no_threshold_and_no_neighbours() -> None:
    found = group("sic4", known(), returns(), Clusters())
    assert (found.thresholds, found.neighbours) == ([], None)


def test_a_cluster_is_explained_by_its_strongest_shared_latents_and_a_singleton_is_not() -> None:
    clusters = pl.DataFrame({"company_id": IDS, "cluster": [0, 0, 1, 1, 2]}, schema_overrides={"cluster": pl.Int32})
    rows = [{"method": "sae", "as_of": AS_OF, **row} for row in label_rows(clusters, vectors(), LABELS, top=3)]
    assert schemas.CLUSTER_LABELS.validate(schemas.CLUSTER_LABELS.frame(rows)).num_rows == 2
    assert [(r["cluster"], r["size"], r["rank"], r["label"], r["share"]) for r in rows] == [
        (0, 2, 1, "drinks", pytest.approx(1.0)),
        (1, 2, 1, "latent 1 of e", pytest.approx(1.0)),
    ]
