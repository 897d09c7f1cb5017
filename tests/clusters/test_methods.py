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
    explained_by,
    group,
    known_companies,
    label_rows,
    similarity,
    tagged,
)
from assets.themes import told_themes
from resources.settings.clusters import Clusters

IDS = ["1", "2", "3", "4", "5"]
MONTHS = [date(2004, m, 28) for m in range(1, 9)]
AS_OF = date(2004, 12, 31)


def vectors() -> pl.DataFrame:
    """Companies 1 and 2 share latent 0, 3 and 4 latent 1, 5 has latent 2 alone; unit length."""
    cells = [("1", 0, 0.8), ("1", 3, 0.6), ("2", 0, 0.8), ("2", 4, 0.6), ("3", 1, 1.0), ("4", 1, 1.0), ("5", 2, 1.0)]
    rows = [
        {"company_id": c, "accession": f"a{c}", "entry": "e", "block": 2, "latent": latent, "weight": weight}
        for c, latent, weight in cells
    ]
    themes = pl.DataFrame(rows).with_columns(view=pl.lit("passages"), own_weight="weight")
    words = themes.with_columns(view=pl.lit("tokens"), entry=pl.lit("t"))
    return pl.concat(
        [
            themes.with_columns(weight=pl.col("weight") * 0.8**0.5),
            words.with_columns(weight=pl.col("weight") * 0.2**0.5),
        ]
    )


def known() -> Known:
    accessions = [f"a{c}" for c in reversed(IDS)]
    sectors = [None, None, "oil", "drinks", "drinks"]
    told = {"sector": sectors, "industry": sectors}
    filings = pl.DataFrame({"accession": accessions, "sic": [None, "2911", "2911", "2086", "2080"], **told})
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
    then = known_companies(
        vectors(), filings.with_columns(sic=pl.lit(None, pl.String), industry="sector"), others, others
    )
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


GROUPED = pl.DataFrame({"company_id": IDS, "cluster": [0, 0, 1, 1, 2]}, schema_overrides={"cluster": pl.Int32})


def shown(*latents: tuple[str, int, str]) -> pl.DataFrame:
    """Latents that may be shown, of an entry, with a label."""
    view = {"e": "passages", "t": "tokens"}
    rows = [
        {"view": view[entry], "entry": entry, "block": 2, "latent": latent, "label": label, "terms": [label]}
        for entry, latent, label in latents
    ]
    return pl.DataFrame(rows, schema_overrides={"block": pl.Int32, "latent": pl.Int32})


def labels_of(
    method: str, *latents: tuple[str, int, str], top: int = 5, known: pl.DataFrame | None = None
) -> list[tuple[object, ...]]:
    says = pl.DataFrame(
        [(entry, latent, [label]) for entry, latent, label in latents],
        schema={"entry": pl.String, "latent": pl.Int32, "words": pl.List(pl.String)},
        orient="row",
    )
    rows = (vectors() if known is None else known).join(says, on=["entry", "latent"], how="left", maintain_order="left")
    found = label_rows(GROUPED, rows, told_themes(rows, shown(*latents)), explained_by(method), top)
    rows = schemas.CLUSTER_LABELS.frame({"method": method, "as_of": AS_OF, **row} for row in found)
    schemas.CLUSTER_LABELS.validate(rows)
    return rows.select("cluster", "size", "rank", "view", "label", "share").rows()


def test_a_cluster_is_explained_by_its_strongest_shown_themes_and_a_singleton_is_not() -> None:
    oil = (1, 2, 1, "passages", "oil", pytest.approx(0.8))
    assert labels_of("sae", ("e", 0, "drinks"), ("e", 1, "oil"), ("t", 1, "wells"), ("e", 2, "hats")) == [
        (0, 2, 1, "passages", "drinks", pytest.approx(0.8)),
        oil,
        (1, 2, 2, "tokens", "wells", pytest.approx(0.2)),
    ]
    assert labels_of("sae", ("e", 1, "oil"), ("t", 1, "wells"), top=1) == [oil]


def test_a_cluster_that_shares_no_shown_theme_has_no_rows() -> None:
    assert {row[0] for row in labels_of("sae", ("e", 1, "oil"))} == {1}


def test_no_label_names_a_cluster_twice() -> None:
    assert [row[3:5] for row in labels_of("sae", ("t", 1, "oil"), ("e", 1, "oil"))] == [("passages", "oil")]


def test_groups_of_one_view_are_explained_by_it_and_groups_without_latents_by_all() -> None:
    both = ("e", 1, "oil"), ("t", 1, "wells")
    assert [row[3:] for row in labels_of("sae_passages", *both)] == [("passages", "oil", pytest.approx(1.0))]
    assert [row[3:] for row in labels_of("sae_tokens", *both)] == [("tokens", "wells", pytest.approx(1.0))]
    assert labels_of("sic4", *both) == labels_of("tfidf", *both) == labels_of("sae", *both)


def test_a_theme_names_a_group_where_two_members_tell_it_and_counts_over_them() -> None:
    three = pl.DataFrame(
        {"company_id": ["1", "2", "3"], "latent": 0, "weight": [0.8, 0.6, 0.5], "words": [["gold"], ["gold"], []]}
    )
    other = pl.DataFrame({"company_id": ["1", "2", "3"], "latent": 1, "weight": [0.6, 0.8, 0.75**0.5]})
    key = {"accession": "a", "view": "passages", "entry": "e", "block": 2}
    rows = pl.concat([three, other.with_columns(words=pl.lit([], pl.List(pl.String)))]).with_columns(
        own_weight="weight", **{name: pl.lit(value) for name, value in key.items()}
    )
    together = pl.DataFrame({"company_id": ["1", "2", "3"], "cluster": 0}, schema_overrides={"cluster": pl.Int32})
    told = told_themes(rows, shown(("e", 0, "gold"), ("e", 1, "banks")))
    (found,) = label_rows(together, rows, told, "sae", 5)
    pairs = 0.48 + 0.4 + 0.3 + 0.48 + 1.4 * 0.75**0.5
    assert (found["label"], found["share"]) == ("gold", pytest.approx(0.48 / pairs))


def without_passages(*companies: str) -> Known:
    everyone = known()
    lost = (pl.col("view") == "passages") & pl.col("company_id").is_in(companies)
    return Known(everyone.companies, everyone.vectors.filter(~lost))


@pytest.mark.filterwarnings("error")
def test_a_method_that_can_compare_nobody_leaves_everybody_alone() -> None:
    found = group("sae_passages", without_passages(*IDS), returns(), Clusters(thetas=[-3.0, 3.0]))
    assert found.clusters["company_id"].to_list() == IDS
    assert found.clusters["cluster"].n_unique() == len(IDS)
    assert found.thresholds == []
    assert found.neighbours is not None
    assert found.neighbours.is_empty()
    assert schemas.PEER_CLUSTERS.validate(tagged(found.clusters, "sae_passages", AS_OF)).num_rows == len(IDS)


def test_a_company_without_the_view_is_alone_and_nobody_is_its_neighbour() -> None:
    few = without_passages("2")
    found = group("sae_passages", few, returns(), Clusters(thetas=[3.0]))
    assert groups(found.clusters["cluster"].to_list()) == {frozenset("2"), frozenset("1345")}
    assert found.neighbours is not None
    assert not {"2"} & set(found.neighbours["company_id"]) | {"2"} & set(found.neighbours["peer_id"])
    assert labels_of("sae_passages", ("e", 0, "drinks")) != []
    assert labels_of("sae_passages", ("e", 0, "drinks"), known=few.vectors) == []
