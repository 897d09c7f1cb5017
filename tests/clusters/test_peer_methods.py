"""Methods of naming peers: each says of made-up companies what a reader would, and nothing where nothing is known."""

from math import sqrt

import numpy as np
import polars as pl
import pytest

from assets.clusters.methods import Known
from assets.clusters.peer_methods.nearness import Evidence, Given, Nearness, classified
from assets.clusters.peer_methods.nouns import nouns_of
from assets.clusters.peer_methods.past_returns import paired_correlations
from assets.clusters.peer_methods.registry import METHODS, PLACEBO, nearness
from assets.clusters.peer_methods.tnic import PAIR_SHARE, network
from assets.clusters.scoreboard.peers import draw_peers

IDS = ["1", "2", "3", "4", "5", "6", "7", "8"]
SIC = ["1311", "1311", "1381", "2086", "2082", "2011", None, "5812"]
TEXTS = [
    "crude gas wells",
    "crude gas pipelines",
    "drilling rigs gas wells",
    "cola syrup bottles",
    "beer hops bottles",
    "beef pork slaughter",
    "hats gloves",
    "burgers fries",
]


PAIRS = pl.DataFrame(
    {"company_id": ["1", "2", "4", "1"], "peer_id": ["2", "1", "5", "9"], "score": [0.3, 0.25, 0.2, 0.9]}
)
"""As published: 9 is none of the companies."""


def evidence(count: int = 8, months: int = 60) -> Evidence:
    """Return the first companies, with the latents of their texts' first words, and returns that pair 1 with 2."""
    random = np.random.default_rng(0)
    points = random.normal(size=(8, 4))
    points[1] = points[0] + 0.01
    history = random.normal(size=(months, 8))
    history[:, 1] = history[:, 0] + 0.1 * history[:, 1]
    companies = pl.DataFrame(
        {
            "company_id": IDS,
            "accession": [f"a{i}" for i in IDS],
            "sic": SIC,
            "text": TEXTS,
            "embedding": points.tolist(),
            "lm_mean": points.tolist(),
            "bert_cls": points.tolist(),
            "industry": ["wells", "wells", "rigs", "soda", "beer", "meat", None, "meals"],
            "sector": ["oil", "oil", "oil", "drinks", "drinks", "food", None, "food"],
        }
    ).head(count)
    known = Known(companies, latents().filter(pl.col("company_id").is_in(IDS[:count])))
    return Evidence(known, history[:, :count], Given(PAIRS))


def latents() -> pl.DataFrame:
    """Companies 1, 2 and 3 share a theme and 4 and 5 another; 6 to 8 have one each; only 1 to 4 have words."""
    themes = {"1": 0, "2": 0, "3": 0, "4": 1, "5": 1, "6": 2, "7": 3, "8": 4}
    shared = {"entry": "e", "block": 2, "peak": 3.0}
    rows = [{"company_id": c, "latent": t, "view": "passages", "weight": 1.0, **shared} for c, t in themes.items()]
    rows += [{"company_id": c, "latent": 9, "view": "tokens", "weight": 0.5, **shared} for c in "1234"]
    both = pl.DataFrame(rows).with_columns(accession=pl.format("a{}", "company_id"))
    length = (pl.col("weight") ** 2).sum().over("company_id").sqrt()
    own = (pl.col("weight") ** 2).sum().over("company_id", "view").sqrt()
    return both.with_columns(weight=pl.col("weight") / length, own_weight=pl.col("weight") / own)


def peers_of(found: Nearness, k: int) -> list[set[int]]:
    """Return the companies, numbered from 1, that may be drawn as peers of the first."""
    return [{int(j) + 1 for j in row} for row in draw_peers(found.similarity, k)[:, 0]]


@pytest.mark.parametrize("method", sorted(set(METHODS) - {PLACEBO}))
def test_oil_producers_are_peers_by_every_method(method: str) -> None:
    assert all(found <= {2, 3, 4} for found in peers_of(nearness(method, evidence()), 1))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_companies_are_nobody_s_peers(method: str, count: int) -> None:
    found = nearness(method, evidence(count))
    assert found.similarity.shape == (count, count)
    assert not found.placed.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_method_speaks_of_every_company_once(method: str) -> None:
    found = nearness(method, evidence())
    assert found.similarity.shape == (8, 8)
    assert found.placed.shape == (8,) and found.placed.dtype == bool
    assert found.groups is None or found.groups.shape == (8,)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_companies_changes_nothing(method: str) -> None:
    """Companies are sorted by id, so another order is other ids: turned round, the similarity turns with them."""
    plain = evidence()
    new = dict(zip(IDS, reversed(IDS), strict=True))
    turned = Evidence(
        Known(
            plain.known.companies.with_columns(pl.col("company_id").replace(new)).sort("company_id"),
            plain.known.vectors.with_columns(pl.col("company_id").replace(new)),
        ),
        plain.history[:, ::-1],
        Given(PAIRS.with_columns(pl.col("company_id", "peer_id").replace(new))),
    )
    np.testing.assert_allclose(
        nearness(method, turned).similarity[::-1, ::-1], nearness(method, plain).similarity, atol=1e-12
    )


def test_a_classification_is_filled_from_the_next_coarser_level() -> None:
    assert peers_of(nearness("sic4", evidence()), 1) == [{2}] * len(peers_of(nearness("sic4", evidence()), 1))
    assert all(found == {2, 3} for found in peers_of(nearness("sic4", evidence()), 2))
    wide = peers_of(nearness("sic4", evidence()), 3)
    assert all({2, 3} < found for found in wide) and len({frozenset(found) for found in wide}) > 1


def test_only_whoever_shares_its_own_group_is_placed_by_a_classification() -> None:
    assert nearness("sic4", evidence()).placed.tolist() == [True, True] + [False] * 6
    assert nearness("sic3", evidence()).placed.tolist() == [True, True, False, True, True] + [False] * 3
    assert nearness("major_group", evidence()).placed.tolist() == [True] * 6 + [False] * 2
    assert nearness("fama_french_48", evidence()).placed.tolist() == [True] * 3 + [False] * 5
    assert nearness("industry", evidence()).placed.tolist() == [True] * 2 + [False] * 6
    assert nearness("sector", evidence()).placed.tolist() == [True] * 6 + [False, True]


def test_an_industry_is_filled_from_its_sector() -> None:
    assert all(found == {2, 3} for found in peers_of(nearness("industry", evidence()), 2))


def test_published_pairs_are_peers_in_the_direction_in_which_they_stand() -> None:
    found = nearness("hoberg_phillips", evidence())
    assert (found.similarity[0, 1], found.similarity[1, 0], found.similarity[3, 4]) == (0.3, 0.25, 0.2)
    assert np.count_nonzero(found.similarity) == 3
    assert found.placed.tolist() == [True, True, False, True] + [False] * 4
    without = Evidence(evidence().known, evidence().history)
    assert not nearness("hoberg_phillips", without).placed.any()


def test_the_model_s_mean_is_compared_without_what_all_share() -> None:
    plain = evidence()
    shared = plain.known.companies.with_columns(lm_mean=pl.col("lm_mean").list.eval(pl.element() + 1000.0))
    moved = Evidence(Known(shared, plain.known.vectors), plain.history)
    np.testing.assert_allclose(nearness("lm_mean", moved).similarity, nearness("lm_mean", plain).similarity, atol=1e-9)
    rows = np.array(plain.known.companies["lm_mean"].to_list())
    units = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    cosine = units[0] @ units[5] / np.linalg.norm(units[0]) / np.linalg.norm(units[5])
    assert nearness("lm_mean", plain).similarity[0, 5] == pytest.approx(cosine)


def test_cls_vectors_are_compared_as_they_are_and_without_an_encoder_nobody_is_placed() -> None:
    plain = evidence()
    rows = np.array(plain.known.companies["bert_cls"].to_list())
    cosine = rows[0] @ rows[5] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[5])
    assert nearness("bert_cls", plain).similarity[0, 5] == pytest.approx(cosine)
    none = plain.known.companies.with_columns(bert_cls=pl.lit(None, pl.List(pl.Float32)))
    without = nearness("bert_cls", Evidence(Known(none, plain.known.vectors), plain.history))
    assert not without.placed.any() and np.isnan(without.similarity).all()


def test_whoever_has_no_mean_and_who_is_the_mean_itself_is_not_known() -> None:
    plain = evidence(3)
    means = pl.Series([[0.0, 2.0], [2.0, 0.0], None])
    some = Evidence(Known(plain.known.companies.with_columns(lm_mean=means), plain.known.vectors), plain.history)
    assert nearness("lm_mean", some).similarity[0, 1] == pytest.approx(-1)
    assert nearness("lm_mean", some).placed.tolist() == [True, True, False]
    alike = plain.known.companies.with_columns(lm_mean=pl.Series([[1.0, 2.0]] * 3))
    assert not nearness("lm_mean", Evidence(Known(alike, plain.known.vectors), plain.history)).placed.any()


def test_a_company_without_a_code_is_near_nobody() -> None:
    near = nearness("division", evidence()).similarity
    assert near[6, 6] > 0 and not near[6, :6].any() and not near[6, 7]


def test_whoever_has_no_latents_of_a_view_is_not_known_to_it() -> None:
    found = nearness("sae_tokens", evidence())
    assert found.placed.tolist() == [True] * 4 + [False] * 4
    assert np.isnan(found.similarity[4:]).all() and np.isnan(found.similarity[:, 4:]).all()


def test_the_same_code_comes_first_and_words_decide_inside_it() -> None:
    near = nearness("sic_then_text", evidence()).similarity
    assert near[0, 1] > near[0, 2] > near[0, 3]
    assert near[3, 4] > near[3, 5] > near[3, 7]


def test_random_peers_are_everybody_s_and_anybody() -> None:
    found = nearness(PLACEBO, evidence())
    assert found.placed.all()
    assert set.union(*peers_of(found, 2)) == {2, 3, 4, 5, 6, 7, 8}


def test_the_network_is_of_words_that_few_use_less_the_company_s_median() -> None:
    """Of eight companies two may share a word: `gas`, of three, counts for nobody."""
    scores = network(TEXTS)
    links = {(int(i), int(j)) for i, j in zip(*np.nonzero(scores), strict=True)}
    # 2.05 % of 56 ordered pairs is one; those that are tied with it stay.
    assert links == {(0, 1), (1, 0)}
    assert scores[0, 1] == pytest.approx(1 / sqrt(2 * 2))
    assert round(PAIR_SHARE * 56) == 1


def test_with_an_index_of_nouns_other_words_make_no_link() -> None:
    texts = ["drilling quickly", "drilling quickly", "wells Permian", "wells Permian", *TEXTS[3:]]
    assert network(texts)[0, 1] > 0
    nouns = nouns_of(texts, frozenset({"well", "cola"}))
    assert nouns == {"wells", "cola", "permian"}
    scores = network(texts, nouns)
    assert scores[0, 1] == 0 and scores[2, 3] == pytest.approx(1)
    plain = evidence()
    given = Evidence(plain.known, plain.history, Given(nouns=frozenset({"well"})))
    assert nearness("tnic", given).placed.tolist() == [True, False, True] + [False] * 5


@pytest.mark.parametrize(
    ("plural", "noun"),
    [("wells", "well"), ("boxes", "box"), ("churches", "church"), ("salesmen", "salesman"), ("supplies", "supply")],
)
def test_a_plural_is_a_noun_by_its_singular(plural: str, noun: str) -> None:
    assert nouns_of([plural], frozenset({noun})) == {plural}
    assert nouns_of([plural], frozenset({"another"})) == frozenset()


def test_a_word_that_is_mostly_written_with_a_capital_is_a_proper_noun() -> None:
    assert nouns_of(["Permian " * 9 + "permian"], frozenset({"x"})) == {"permian"}
    assert nouns_of(["Permian " * 8 + "permian"], frozenset({"x"})) == frozenset()


def test_texts_that_share_no_rare_word_have_no_link() -> None:
    assert not network(["gas oil", "gas oil", "gas oil"]).any()
    assert not classified(np.arange(3)).placed.any()


def test_past_correlations_are_over_the_months_that_both_have() -> None:
    returns = np.random.default_rng(1).normal(size=(60, 4))
    returns[:30, 1], returns[:40, 2], returns[:, 3] = np.nan, np.nan, 0.25
    found = paired_correlations(returns)
    assert found[0, 1] == pytest.approx(np.corrcoef(returns[30:, 0], returns[30:, 1])[0, 1])
    assert np.isnan(found[2]).all() and np.isnan(found[3]).all() and np.isnan(found[:, 2:]).all()
    assert not nearness("past_corr", evidence(months=0)).placed.any()
