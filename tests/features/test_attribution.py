"""Company vectors and what latents contribute to a similarity."""

from datetime import date
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
    of_method,
    theme_shares,
    view_shares,
)
from assets.known_at import newest_filings
from resources.settings.features import Views

SHARES = {"passages": 0.8, "tokens": 0.2}
METHODS = ["sae", "sae_passages", "sae_tokens"]


def features(values, block=24, entry="blocks-24-27", view="tokens"):
    """Rows of company_features from a matrix [companies, latents]; companies are A, B, C, ..."""
    rows = [
        ("ABCDEFGHIJ"[company], entry, block, latent, float(values[company][latent]))
        for company in range(len(values))
        for latent in range(len(values[0]))
    ]
    frame = pl.DataFrame(rows, schema=["company_id", "entry", "block", "latent", "value"], orient="row")
    return frame.with_columns(
        accession=pl.col("company_id") + "-2003",
        view=pl.lit(view),
        pooling=pl.lit("mean"),
        peak_start=0,
        peak_end=pl.col("latent"),
        peak=3 * pl.col("value"),
        words=pl.when(pl.col("value") >= 1.0).then(pl.lit(["rum"])).otherwise(pl.lit([], pl.List(pl.String))),
    )


def of_tokens(rows, weighting):
    return company_vectors(rows, weighting, {"tokens": 1.0})


def random_features(seed, companies=6, latents=12):
    rng = np.random.default_rng(seed)

    def matrix():
        values = np.maximum(rng.normal(size=(companies, latents)), 0)
        values[:, 0] += 0.1
        return values

    return pl.concat([features(matrix(), block=24), features(matrix(), block=25)])


def test_vectors_match_values_computed_by_hand():
    vectors = of_tokens(features([[3.0, 4.0], [0.0, 2.0]]), "none")
    assert vectors["company_id"].to_list() == ["A", "A", "B"]
    assert vectors["weight"].to_list() == pytest.approx([0.6, 0.8, 1.0])
    assert vectors["own_weight"].to_list() == pytest.approx([0.6, 0.8, 1.0])
    assert contributions(vectors, "A", "B").rows() == [("blocks-24-27", 24, 1, pytest.approx(0.8))]


def test_idf_equals_scikit_learn_on_the_companies_given():
    values = np.maximum(np.random.default_rng(0).normal(size=(7, 9)), 0)
    expected = TfidfTransformer(smooth_idf=True).fit_transform(values).toarray()
    _, matrix = dense(of_tokens(features(values), "idf"))
    np.testing.assert_allclose(matrix.toarray(), expected[:, (values > 0).any(axis=0)], atol=1e-14)


def test_excess_is_the_positive_part_of_the_z_score():
    values = np.maximum(np.random.default_rng(1).normal(size=(9, 7)), 0)
    expected = normalize(np.maximum(zscore(values, axis=0), 0))
    _, matrix = dense(of_tokens(features(values), "excess"))
    np.testing.assert_allclose(matrix.toarray(), expected[:, (expected > 0).any(axis=0)], atol=1e-12)


def test_a_latent_that_every_company_has_alike_weighs_nothing():
    vectors = of_tokens(features([[0.3, 1.0], [0.3, 2.0], [0.3, 6.0]]), "excess")
    assert vectors.select("company_id", "latent", "weight").rows() == [("C", 1, 1.0)]


def test_idf_uses_only_given_companies():
    rows = features([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    two = rows.filter(pl.col("company_id") != "C")
    known = of_tokens(two, "idf").filter(pl.col("company_id") == "A")["weight"].to_list()
    idf = np.array([1.0, np.log(3 / 2) + 1])
    assert known == pytest.approx(idf / np.linalg.norm(idf))
    later = of_tokens(rows, "idf").filter(pl.col("company_id") == "A")["weight"].to_list()
    assert later != pytest.approx(known)


def test_every_block_counts_alike():
    one, hundred = features([[1.0, 2.0], [2.0, 1.0]], block=24), features([[100.0, 0.0], [100.0, 1.0]], block=25)
    _, matrix = dense(of_tokens(pl.concat([one, hundred]), "none"))
    parts = [cosine_similarity(np.array(part))[0, 1] for part in ([[1, 2], [2, 1]], [[100.0, 0.0], [100.0, 1.0]])]
    assert cosines(matrix)[0, 1] == pytest.approx(np.mean(parts))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["excess", "idf", "none"]))
def test_contributions_sum_to_the_dense_cosine(seed, weighting):
    vectors = of_tokens(random_features(seed), weighting)
    ids, matrix = dense(vectors)
    expected = cosine_similarity(matrix.toarray())
    np.testing.assert_allclose(cosines(matrix), expected, atol=1e-12)
    for a, b in combinations(range(len(ids)), 2):
        parts = contributions(vectors, ids[a], ids[b])["contribution"]
        assert parts.is_sorted(descending=True)
        assert abs(parts.sum() - expected[a, b]) < 1e-12


def test_cosines_are_symmetric_with_ones_on_the_diagonal():
    similarity = cosines(dense(of_tokens(random_features(1), "idf"))[1])
    assert (similarity == similarity.T).all()
    assert (np.diag(similarity) == 1.0).all()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_mean_contributions_agree_with_a_loop_over_pairs(seed):
    vectors = of_tokens(random_features(seed), "idf")
    members = ["A", "C", "D", "F"]
    pairs = [contributions(vectors, a, b) for a, b in combinations(members, 2)]
    summed = pl.concat(pairs).group_by("entry", "block", "latent").agg(pl.col("contribution").sum())
    expected = summed.with_columns(share=pl.col("contribution") / pl.col("contribution").sum())
    both = mean_contributions(vectors, members).join(expected, on=["entry", "block", "latent"], how="full")
    np.testing.assert_allclose(both["share"].to_numpy(), both["share_right"].to_numpy(), atol=1e-12)
    assert both["share"].sum() == pytest.approx(1.0)


def test_group_that_shares_nothing_has_no_rows():
    vectors = of_tokens(features([[1.0, 0.0], [0.0, 1.0]]), "none")
    assert mean_contributions(vectors, ["A", "B"]).is_empty()


def test_vectors_do_not_depend_on_the_order_of_rows():
    rows = random_features(3)
    assert of_tokens(rows.sample(fraction=1, shuffle=True, seed=1), "idf").equals(of_tokens(rows, "idf"))


def test_several_filings_or_poolings_of_a_company_are_refused():
    rows = features([[1.0, 2.0]])
    with pytest.raises(AmbiguousFeaturesError, match="A has several filings"):
        of_tokens(pl.concat([rows, rows.with_columns(accession=pl.lit("A-2004"))]), "idf")
    with pytest.raises(AmbiguousFeaturesError, match="A has a latent twice"):
        of_tokens(pl.concat([rows, rows.with_columns(pooling=pl.lit("max"))]), "idf")


def test_company_without_a_vector_and_group_without_a_pair_are_named():
    vectors = of_tokens(features([[1.0, 2.0], [1.0, 1.0]]), "idf")
    with pytest.raises(UnknownCompanyError, match="Z has no feature vector"):
        contributions(vectors, "A", "Z")
    with pytest.raises(UnknownCompanyError, match="Z has no feature vector"):
        mean_contributions(vectors, ["A", "B", "Z"])
    with pytest.raises(GroupTooSmallError):
        mean_contributions(vectors, ["A", "A"])


def two_views(seed, only_passages=(), only_tokens=()):
    """Features of two views; some companies have one of them alone."""
    rng = np.random.default_rng(seed)
    themes = features(np.maximum(rng.normal(size=(6, 5)), 0) + np.eye(6, 5), entry="passages-24", view="passages")
    return pl.concat(
        [
            themes.filter(~pl.col("company_id").is_in(only_tokens)),
            random_features(seed).filter(~pl.col("company_id").is_in(only_passages)),
        ]
    )


def one_sided(seed):
    return two_views(seed, only_passages=["B"], only_tokens=["C"])


def labels(*latents, score=0.7, level=2.0, label="gold, mines"):
    """Rows of latent_labels: each entry and block with a latent."""
    view = {"passages-24": "passages", "blocks-24-27": "tokens"}
    rows = [(view[entry], entry, block, latent, label, score, level) for (entry, block), latent in latents]
    types = {"view": pl.String, "entry": pl.String, "block": pl.Int64, "latent": pl.Int64, "label": pl.String}
    return pl.DataFrame(rows, schema={**types, "detection_score": pl.Float64, "level": pl.Float64}, orient="row")


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    weighting=st.sampled_from(["excess", "idf", "sqrt_idf", "log_idf", "none"]),
    share=st.sampled_from([0.01, 0.2, 0.5, 0.8, 1.0]),
)
@pytest.mark.parametrize("method", METHODS)
def test_contributions_of_every_method_sum_to_its_cosine(method, seed, weighting, share):
    check_sums(company_vectors(one_sided(seed), weighting, {"passages": share, "tokens": 0.2}), method)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    weighting=st.sampled_from(["excess", "idf", "sqrt_idf", "log_idf", "none"]),
    told=st.lists(st.tuples(st.sampled_from([("passages-24", 24), ("blocks-24-27", 25)]), st.integers(0, 4))),
    told_weight=st.sampled_from([1.0, 1.5, 2.0, 10.0]),
)
@pytest.mark.parametrize("method", METHODS)
def test_contributions_sum_to_the_cosine_where_told_latents_count_more(method, seed, weighting, told, told_weight):
    check_sums(company_vectors(one_sided(seed), weighting, SHARES, labels(*set(told)), told_weight), method)


def check_sums(vectors, method):
    ids, matrix = dense(vectors, method)
    exact = matrix.toarray() @ matrix.toarray().T
    found = cosines(matrix)
    assert ids == list("ABCDEF")
    assert ((found >= 0) & (found <= 1)).all()
    for a, b in combinations(range(len(ids)), 2):
        parts = contributions(vectors, ids[a], ids[b], method)["contribution"]
        assert abs(parts.sum() - exact[a, b]) < 1e-12
        assert abs(parts.sum() - found[a, b]) < 1e-12


def test_the_cosine_of_both_views_is_the_mean_of_theirs_weighted_by_share():
    vectors = company_vectors(two_views(0), "sqrt_idf", SHARES)
    joint, themes, words = (cosines(dense(vectors, method)[1]) for method in METHODS)
    np.testing.assert_allclose(joint, 0.8 * themes + 0.2 * words, atol=1e-12)


def test_a_vector_has_unit_length_in_all_its_views_and_in_each():
    vectors = company_vectors(two_views(0, only_passages=["B"], only_tokens=["C"]), "sqrt_idf", SHARES)
    joint = vectors.group_by("company_id").agg((pl.col("weight") ** 2).sum())["weight"]
    own = vectors.group_by("company_id", "view").agg((pl.col("own_weight") ** 2).sum())["own_weight"]
    assert joint.to_list() == pytest.approx([1.0] * 6)
    assert own.to_list() == pytest.approx([1.0] * 10)


def test_a_company_with_one_view_is_compared_by_it_alone():
    vectors = company_vectors(two_views(0, only_passages=["B"], only_tokens=["C"]), "sqrt_idf", SHARES)
    own = vectors.filter(pl.col("company_id").is_in(["B", "C"]))
    assert own["weight"].to_list() == pytest.approx(own["own_weight"].to_list())
    assert contributions(vectors, "B", "C").is_empty()
    assert contributions(vectors, "A", "B", "sae_tokens").is_empty()
    ids, words = dense(vectors, "sae_tokens")
    assert words[ids.index("B")].nnz == 0
    assert mean_contributions(vectors, ["A", "B", "D"], "sae_tokens")["share"].sum() == pytest.approx(1.0)


def test_a_view_without_a_share_is_in_no_vector():
    vectors = company_vectors(two_views(0), "sqrt_idf", view_shares(Views(passages=1, tokens=0)))
    assert vectors["view"].unique().to_list() == ["passages"]
    assert vectors["weight"].to_list() == pytest.approx(vectors["own_weight"].to_list())
    assert dense(vectors, "sae_tokens")[1].shape == (6, 0)


@pytest.mark.parametrize(("weighting", "function"), [("sqrt_idf", np.sqrt), ("log_idf", np.log1p)])
def test_damped_values_times_idf_match_values_computed_by_hand(weighting, function):
    vectors = of_tokens(features([[4.0, 9.0], [0.0, 2.0]]), weighting)
    first = function(np.array([4.0, 9.0])) * np.array([np.log(3 / 2) + 1, 1.0])
    assert vectors["weight"].to_list() == pytest.approx([*(first / np.linalg.norm(first)), 1.0])


def test_passages_are_weighted_by_their_mean_and_idf_whatever_tokens_are():
    rows = features([[4.0, 9.0], [0.0, 2.0]], view="passages")
    vectors = company_vectors(rows, "excess", SHARES)
    assert vectors["own_weight"].to_list() == of_tokens(features([[4.0, 9.0], [0.0, 2.0]]), "idf")["weight"].to_list()


def test_one_company_has_a_vector_and_shares_every_theme():
    rows = two_views(0).filter(company_id="A")
    vectors = company_vectors(rows, "sqrt_idf", SHARES)
    assert (vectors["weight"] ** 2).sum() == pytest.approx(1.0)
    assert theme_shares(rows, vectors)["share"].unique().to_list() == [1.0]


@pytest.mark.parametrize("method", METHODS)
def test_companies_with_one_text_have_cosine_1(method):
    rows = two_views(0).filter(company_id="A")
    same = pl.concat([rows, rows.with_columns(company_id=pl.lit("Z"), accession=pl.lit("Z-2003"))])
    vectors = company_vectors(same, "sqrt_idf", SHARES)
    assert contributions(vectors, "A", "Z", method)["contribution"].sum() == pytest.approx(1.0, abs=1e-12)


def test_nobody_at_all_gives_no_vectors_and_no_themes():
    none = two_views(0).clear()
    vectors = company_vectors(none, "sqrt_idf", SHARES)
    assert vectors.is_empty()
    assert theme_shares(none, vectors).is_empty()


def test_themes_count_the_companies_that_have_them_over_all_with_a_vector():
    rows = pl.concat(
        [
            features([[1.0, 1.0], [1.0, 0.0], [1.0, 2.0]], entry="passages-24", view="passages"),
            features([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 3.0]]),
        ]
    )
    themes = theme_shares(rows, company_vectors(rows, "excess", SHARES))
    counted = {(view, latent): (n, share) for view, _, _, latent, n, share in themes.rows()}
    assert counted == {
        ("passages", 0): (3, 0.75),
        ("passages", 1): (2, 0.5),
        ("tokens", 0): (2, 0.5),
        ("tokens", 1): (1, 0.25),
    }


def test_a_latent_that_all_have_alike_is_counted_though_it_weighs_nothing():
    rows = features([[0.3, 1.0], [0.3, 2.0], [0.3, 6.0]])
    vectors = of_tokens(rows, "excess")
    assert vectors["company_id"].unique().to_list() == ["C"]
    themes = theme_shares(rows, vectors)
    assert themes.rows() == [("tokens", "blocks-24-27", 24, 0, 1, 1.0), ("tokens", "blocks-24-27", 24, 1, 1, 1.0)]


def test_a_told_latent_counts_more_before_the_vector_is_normalised():
    rows = features([[3.0, 4.0], [0.0, 2.0]], entry="passages-24", view="passages")
    told = labels((("passages-24", 24), 0))
    plain = company_vectors(rows, "log_idf", SHARES)["own_weight"].to_list()
    vectors = company_vectors(rows, "log_idf", SHARES, told, 2.0)
    expected = np.array([2 * plain[0], plain[1]])
    assert vectors["own_weight"].to_list() == pytest.approx([*(expected / np.linalg.norm(expected)), 1.0])
    assert company_vectors(rows, "log_idf", SHARES, told, 1.0)["own_weight"].to_list() == plain


def test_a_latent_of_tokens_counts_as_ever_however_well_a_label_tells_it():
    rows, told = two_views(0), labels((("blocks-24-27", 24), 0), (("blocks-24-27", 25), 0), score=1.0)
    assert company_vectors(rows, "sqrt_idf", SHARES, told, 2.0).equals(company_vectors(rows, "sqrt_idf", SHARES))


@pytest.mark.parametrize("change", [{"score": 0.69}, {"score": None}, {"label": None}, {"label": ""}])
def test_a_latent_that_no_label_tells_counts_as_ever(change):
    rows = two_views(0)
    told = labels((("passages-24", 24), 0), **change)
    assert company_vectors(rows, "sqrt_idf", SHARES, told, 2.0).equals(company_vectors(rows, "sqrt_idf", SHARES))


def test_a_vector_says_how_strong_a_latent_is_at_its_peak():
    vectors = of_tokens(features([[3.0, 4.0], [0.0, 2.0]]), "none")
    assert vectors["peak"].to_list() == [9.0, 12.0, 6.0]


def test_told_themes_count_the_companies_whose_text_says_them():
    rows = features([[1.0, 1.0, 0.3], [2.0, 0.0, 0.0], [0.5, 2.0, 0.2]])
    first, third = (("blocks-24-27", 24), 0), (("blocks-24-27", 24), 2)
    known = pl.concat([labels(first, third), labels((("blocks-24-27", 24), 1), label=None)])
    rows, known = (one.with_columns(view=pl.lit("passages")) for one in (rows, known))
    themes = theme_shares(rows, company_vectors(rows, "none", {"passages": 1.0}), known)
    assert themes.select("latent", "companies", "share").rows() == [(0, 2, 2 / 3), (1, 2, 2 / 3)]


def test_a_method_reads_the_rows_of_its_view():
    vectors = company_vectors(two_views(0), "sqrt_idf", SHARES)
    assert of_method(vectors, "sae").equals(vectors)
    assert of_method(vectors, "sae_passages")["view"].unique().to_list() == ["passages"]
    assert of_method(vectors, "sae_tokens")["weight"].equals(
        vectors.filter(view="tokens")["own_weight"], check_names=False
    )


def test_the_newest_filing_describes_a_company_even_if_an_older_one_has_more_views():
    """Every passage of the newer one is boilerplate."""
    older = two_views(0).filter(company_id="A").with_columns(filed_at=date(2003, 3, 1))
    newer = older.filter(view="tokens").with_columns(accession=pl.lit("A-2004"), filed_at=date(2004, 3, 1))
    vectors = company_vectors(newest_filings(pl.concat([older, newer])), "sqrt_idf", SHARES)
    assert vectors.select("accession", "view").unique().rows() == [("A-2004", "tokens")]
    assert (vectors["weight"] ** 2).sum() == pytest.approx(1.0)
