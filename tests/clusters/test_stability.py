"""Groups that are there stay when a sample is drawn again; groups of noise do not; whoever is alone gets a hint."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from assets.clusters.cuts import merges_within, most_pairs
from assets.clusters.linkage import labels_after, linkage_tree, z_scored_distances
from assets.clusters.stability import company_draws, latent_draws, membership_stability, suggested_groups
from assets.features.attribution import cosines

BLOCKS, MEMBERS, LATENTS = 6, 5, 120


def units(planted: float) -> csr_matrix:
    """Return 30 unit vectors of noise, and of a theme of 20 latents that five companies each have, so strong."""
    random = np.random.default_rng(0)
    vectors = random.gamma(0.5, size=(BLOCKS * MEMBERS, LATENTS))
    vectors += planted * np.kron(np.eye(BLOCKS), np.ones((MEMBERS, LATENTS // BLOCKS)))
    return csr_matrix(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def regroup(similarity):
    tree = linkage_tree(z_scored_distances(similarity), "complete")
    return labels_after(tree, merges_within(tree, most_pairs(0.14, len(similarity))))


def draws_of(kind, vectors):
    if kind == "latents":
        return latent_draws(vectors, regroup, 20, 0)
    return company_draws(cosines(vectors), regroup, 20, 0)


# Without a fifth of the companies the others are as near as before, so draws of companies tell less.
@pytest.mark.parametrize(("kind", "of_noise"), [("latents", 0.7), ("companies", 0.9)])
def test_planted_groups_are_stable_and_groups_of_noise_are_not(kind, of_noise):
    found = {}
    for planted in (2.0, 0.0):
        vectors = units(planted)
        labels = regroup(cosines(vectors))
        found[planted] = np.nanmean(membership_stability(labels, draws_of(kind, vectors)))
    assert found[2.0] > 0.95
    assert found[0.0] < of_noise


def test_stability_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    everyone = np.arange(6)
    draws = [
        (everyone, np.array([0, 0, 1, 1, 1, 2])),  # 2 leaves
        (everyone, np.array([0, 1, 2, 3, 4, 5])),  # all apart: nobody is with anybody
        (np.array([0, 1, 3]), np.array([0, 0, 1])),  # of group 1 one member is there, which says nothing
    ]
    np.testing.assert_allclose(membership_stability(labels, draws), [2 / 3, 2 / 3, 0, 1 / 2, 1 / 2, np.nan])


def test_of_equal_parts_the_one_in_the_largest_group_is_the_majority():
    labels = np.array([0, 0, 0, 0, 1, 2])
    draw = (np.arange(6), np.array([1, 1, 0, 0, 0, 0]))
    assert membership_stability(labels, [draw])[:4].tolist() == [0, 0, 1, 1]


def test_without_draws_and_without_companies_nothing_is_said():
    assert np.isnan(membership_stability(np.array([0, 0]), [])).all()
    assert membership_stability(np.zeros(0, dtype=int), []).tolist() == []


def test_a_seed_draws_the_same_again():
    one, same, other = (list(latent_draws(units(0.0), regroup, 3, seed)) for seed in (0, 0, 1))
    assert all((a[1] == b[1]).all() for a, b in zip(one, same, strict=True))
    assert not all((a[1] == b[1]).all() for a, b in zip(one, other, strict=True))


def test_a_company_without_a_drawn_latent_is_near_nobody():
    lone = csr_matrix(np.eye(3, 40))
    for _, labels in latent_draws(lone, regroup, 5, 0):
        assert sorted(labels.tolist()) == [0, 1, 2]


def test_whoever_is_alone_is_suggested_the_group_nearest_on_average():
    near = np.full((7, 7), 0.1)
    near[4, [0, 1]] = 0.4  # mean .4 over group 0, .5 over group 1
    near[4, [2, 3]] = [0.9, 0.1]
    near[5, :] = 0.2  # as near to both: the largest
    near[6, [0, 1]] = np.nan  # counts as the lowest
    near[6, [2, 3]] = 0.1 + 1e-3
    labels = np.array([0, 0, 1, 1, 2, 3, 4])
    assert suggested_groups(near, labels).tolist() == [-1, -1, -1, -1, 1, 0, 1]


def test_nothing_is_suggested_without_a_group_or_to_whom_a_method_says_nothing():
    assert suggested_groups(np.full((3, 3), 0.5), np.arange(3)).tolist() == [-1, -1, -1]
    assert suggested_groups(np.zeros((3, 3)), np.array([0, 0, 1])).tolist() == [-1, -1, -1]
    assert suggested_groups(np.zeros((0, 0)), np.zeros(0, dtype=int)).tolist() == []
