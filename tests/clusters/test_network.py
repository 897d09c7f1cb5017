"""A network holds the most similar pairs, as many as a share of all, both ways round."""

import numpy as np
import polars as pl
import pytest
from test_peer_methods import evidence

from assets.clusters.network import links, networks
from assets.clusters.peer_methods.registry import METHODS, PLACEBO, nearness

IDS = list("abcd")


def cosines() -> np.ndarray:
    near = np.eye(4)
    for i, j, score in [(0, 1, 0.9), (2, 3, 0.8), (0, 2, 0.3), (1, 3, 0.0), (0, 3, -0.4), (1, 2, np.nan)]:
        near[i, j] = near[j, i] = score
    return near


def pairs(found: pl.DataFrame) -> list[tuple[str, str, float]]:
    return found.select("company1", "company2", "score").rows()


def test_a_share_of_the_pairs_is_linked_both_ways_round_and_nobody_with_itself() -> None:
    assert pairs(links(cosines(), IDS, 2 / 6)) == [("a", "b", 0.9), ("b", "a", 0.9), ("c", "d", 0.8), ("d", "c", 0.8)]
    assert pairs(links(cosines(), IDS, 0.001)) == [("a", "b", 0.9), ("b", "a", 0.9)]


def test_what_is_not_alike_or_not_known_is_no_link_however_large_the_share() -> None:
    everything = links(cosines(), IDS, 1.0)
    assert everything["score"].to_list() == [0.9, 0.3, 0.9, 0.3, 0.8, 0.8]
    assert links(np.full((3, 3), np.nan), IDS[:3], 1.0).is_empty()


def test_pairs_tied_with_the_last_are_linked_too() -> None:
    ring = np.array([[1, 0.5, 0, 0.5], [0.5, 1, 0.5, 0], [0, 0.5, 1, 0.5], [0.5, 0, 0.5, 1]])
    assert links(ring, IDS, 0.1).height == 8


def test_each_way_round_is_a_pair_of_its_own_where_a_method_is_not_symmetric() -> None:
    lopsided = np.array([[0, 0.9, 0.1], [0.2, 0, 0.8], [0.1, 0.1, 0]])
    assert pairs(links(lopsided, IDS[:3], 2 / 6)) == [("a", "b", 0.9), ("b", "c", 0.8)]


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_companies_have_no_links(count: int) -> None:
    assert links(np.zeros((count, count)), IDS[:count], 0.5).is_empty()
    assert all(found.is_empty() for found in networks(evidence(count), 0.5))


def test_every_similarity_of_the_registry_has_a_network_and_no_classification() -> None:
    found = {part["method"][0]: part for part in networks(evidence(), 0.0205)}
    compares = {m for m in METHODS if m != PLACEBO and nearness(m, evidence()).groups is None}
    assert set(found) == compares and {"sae", "tfidf", "tnic", "past_corr"} <= compares
    assert all(("1", "2") in part.select("company1", "company2").rows() for part in found.values())


def test_the_network_of_tnic_is_its_own_cut() -> None:
    (tnic,) = (part for part in networks(evidence(), 1.0) if "tnic" in part["method"])
    near = nearness("tnic", evidence()).similarity
    assert tnic["score"].to_list() == near[near > 0].tolist()


def test_a_similarity_is_left_as_it_is() -> None:
    near = cosines()
    links(near, IDS, 0.5)
    assert np.array_equal(near, cosines(), equal_nan=True)
