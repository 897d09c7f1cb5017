"""Company vectors and what latents contribute to a similarity."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import zscore
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize

from assets.features.attribution import (
    AmbiguousFeaturesError,
    GroupTooSmallError,
    UnknownCompanyError,
    company_vectors,
    contributions,
    cosines,
    dense,
    mean_contributions,
)


def features(values, block=24, entry="blocks-24-27"):
    """Rows of company_features from a matrix [companies, latents]; companies are A, B, C, ..."""
    rows = [
        ("ABCDEFGHIJ"[company], entry, block, latent, float(values[company][latent]))
        for company in range(len(values))
        for latent in range(len(values[0]))
    ]
    frame = pl.DataFrame(rows, schema=["company_id", "entry", "block", "latent", "value"], orient="row")
    return frame.with_columns(
        accession=pl.col("company_id") + "-2003", pooling=pl.lit("mean"), peak_start=0, peak_end=pl.col("latent")
    )


def random_features(seed, companies=6, latents=12):
    rng = np.random.default_rng(seed)

    def matrix():
        values = np.maximum(rng.normal(size=(companies, latents)), 0)
        values[:, 0] += 0.1
        return values

    return pl.concat([features(matrix(), block=24), features(matrix(), block=25)])


def test_vectors_match_values_computed_by_hand():
    vectors = company_vectors(features([[3.0, 4.0], [0.0, 2.0]]), "none")
    assert vectors["company_id"].to_list() == ["A", "A", "B"]
    assert vectors["weight"].to_list() == pytest.approx([0.6, 0.8, 1.0])
    assert contributions(vectors, "A", "B").rows() == [("blocks-24-27", 24, 1, pytest.approx(0.8))]


def test_idf_equals_scikit_learn_on_the_companies_given():
    values = np.maximum(np.random.default_rng(0).normal(size=(7, 9)), 0)
    expected = TfidfTransformer(smooth_idf=True).fit_transform(values).toarray()
    _, matrix = dense(company_vectors(features(values), "idf"))
    np.testing.assert_allclose(matrix.toarray(), expected[:, (values > 0).any(axis=0)], atol=1e-14)


def test_excess_is_the_positive_part_of_the_z_score():
    values = np.maximum(np.random.default_rng(1).normal(size=(9, 7)), 0)
    expected = normalize(np.maximum(zscore(values, axis=0), 0))
    _, matrix = dense(company_vectors(features(values), "excess"))
    np.testing.assert_allclose(matrix.toarray(), expected[:, (expected > 0).any(axis=0)], atol=1e-12)


def test_a_latent_that_every_company_has_alike_weighs_nothing():
    vectors = company_vectors(features([[0.3, 1.0], [0.3, 2.0], [0.3, 6.0]]), "excess")
    assert vectors.select("company_id", "latent", "weight").rows() == [("C", 1, 1.0)]


def test_idf_uses_only_given_companies():
    rows = features([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    two = rows.filter(pl.col("company_id") != "C")
    known = company_vectors(two, "idf").filter(pl.col("company_id") == "A")["weight"].to_list()
    idf = np.array([1.0, np.log(3 / 2) + 1])
    assert known == pytest.approx(idf / np.linalg.norm(idf))
    later = company_vectors(rows, "idf").filter(pl.col("company_id") == "A")["weight"].to_list()
    assert later != pytest.approx(known)


def test_every_block_counts_alike():
    one, hundred = features([[1.0, 2.0], [2.0, 1.0]], block=24), features([[100.0, 0.0], [100.0, 1.0]], block=25)
    _, matrix = dense(company_vectors(pl.concat([one, hundred]), "none"))
    parts = [cosine_similarity(np.array(part))[0, 1] for part in ([[1, 2], [2, 1]], [[100.0, 0.0], [100.0, 1.0]])]
    assert cosines(matrix)[0, 1] == pytest.approx(np.mean(parts))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["excess", "idf", "none"]))
def test_contributions_sum_to_the_dense_cosine(seed, weighting):
    vectors = company_vectors(random_features(seed), weighting)
    ids, matrix = dense(vectors)
    expected = cosine_similarity(matrix.toarray())
    np.testing.assert_allclose(cosines(matrix), expected, atol=1e-12)
    for a, b in combinations(range(len(ids)), 2):
        parts = contributions(vectors, ids[a], ids[b])["contribution"]
        assert parts.is_sorted(descending=True)
        assert abs(parts.sum() - expected[a, b]) < 1e-12


def test_cosines_are_symmetric_with_ones_on_the_diagonal():
    similarity = cosines(dense(company_vectors(random_features(1), "idf"))[1])
    assert (similarity == similarity.T).all()
    assert (np.diag(similarity) == 1.0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_mean_contributions_agree_with_a_loop_over_pairs(seed):
    vectors = company_vectors(random_features(seed), "idf")
    members = ["A", "C", "D", "F"]
    pairs = [contributions(vectors, a, b) for a, b in combinations(members, 2)]
    summed = pl.concat(pairs).group_by("entry", "block", "latent").agg(pl.col("contribution").sum())
    expected = summed.with_columns(share=pl.col("contribution") / pl.col("contribution").sum())
    both = mean_contributions(vectors, members).join(expected, on=["entry", "block", "latent"], how="full")
    np.testing.assert_allclose(both["share"].to_numpy(), both["share_right"].to_numpy(), atol=1e-12)
    assert both["share"].sum() == pytest.approx(1.0)


def test_group_that_shares_nothing_has_no_rows():
    vectors = company_vectors(features([[1.0, 0.0], [0.0, 1.0]]), "none")
    assert mean_contributions(vectors, ["A", "B"]).is_empty()


def test_vectors_do_not_depend_on_the_order_of_rows():
    rows = random_features(3)
    assert company_vectors(rows.sample(fraction=1, shuffle=True, seed=1), "idf").equals(company_vectors(rows, "idf"))


def test_several_filings_or_poolings_of_a_company_are_refused():
    rows = features([[1.0, 2.0]])
    with pytest.raises(AmbiguousFeaturesError, match="A has several filings"):
        company_vectors(pl.concat([rows, rows.with_columns(accession=pl.lit("A-2004"))]), "idf")
    with pytest.raises(AmbiguousFeaturesError, match="A has a latent twice"):
        company_vectors(pl.concat([rows, rows.with_columns(pooling=pl.lit("max"))]), "idf")


def test_company_without_a_vector_and_group_without_a_pair_are_named():
    vectors = company_vectors(features([[1.0, 2.0], [1.0, 1.0]]), "idf")
    with pytest.raises(UnknownCompanyError, match="Z has no feature vector"):
        contributions(vectors, "A", "Z")
    with pytest.raises(UnknownCompanyError, match="Z has no feature vector"):
        mean_contributions(vectors, ["A", "B", "Z"])
    with pytest.raises(GroupTooSmallError):
        mean_contributions(vectors, ["A", "A"])
