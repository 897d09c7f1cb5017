"""Where a tree is cut: never above a stated share of pairs, and as near to it as the tree goes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.clusters.cuts import inside_clusters, merges_within, most_pairs, pairs_inside, theta_after
from assets.clusters.linkage import Tree, cut_tree, labels_after, linkage_tree, z_scored_distances
from assets.clusters.scores import mean_corr, pair_count, pair_weighted

LINKAGES = ["single", "average", "complete"]


def random_tree(seed: int, n: int, linkage: str, distinct: int = 1000) -> Tree:
    """Return a tree of distances of which so many values are possible: few make ties."""
    distances = np.random.default_rng(seed).integers(0, distinct, size=n * (n - 1) // 2) / distinct
    return linkage_tree(distances, linkage)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 14),
    st.sampled_from(LINKAGES),
    st.sampled_from([3, 1000]),
    st.floats(0, 1),
)
def test_a_pair_share_is_never_exceeded_and_no_larger_cut_keeps_within_it(seed, n, linkage, distinct, share):
    tree = random_tree(seed, n, linkage, distinct)
    granted = most_pairs(share, n)
    labels = labels_after(tree, merges_within(tree, granted))
    assert pair_count(labels) <= granted
    larger = [pair_count(cut_tree(tree, height + 1e-6)) for height in tree.heights]
    assert not [pairs for pairs in larger if pair_count(labels) < pairs <= granted]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 14), st.sampled_from(LINKAGES), st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_share_refines_a_larger_one(seed, n, linkage, one, other):
    tree = random_tree(seed, n, linkage)
    fine, coarse = (labels_after(tree, merges_within(tree, most_pairs(s, n))) for s in sorted((one, other)))
    assert all(len(set(coarse[fine == group])) == 1 for group in fine)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.sampled_from([3, 1000]), st.integers(0, 100))
def test_the_theta_of_a_cut_makes_the_same_groups(seed, n, distinct, pairs):
    tree = random_tree(seed, n, "complete", distinct)
    merges = merges_within(tree, pairs)
    assert cut_tree(tree, theta_after(tree, merges)).tolist() == labels_after(tree, merges).tolist()


def test_tied_merges_are_applied_together_or_not_at_all():
    near = np.full((6, 6), 0.1)
    for pair in ((0, 1), (2, 3), (4, 5)):
        near[pair] = near[pair[::-1]] = 0.8
    near[4, 5] = near[5, 4] = 0.8 + 1e-15  # as another order of adding up leaves it
    tree = linkage_tree(z_scored_distances(near), "complete")
    assert [merges_within(tree, pairs) for pairs in (0, 2, 3, 14, 15)] == [0, 0, 3, 3, 5]


def test_a_share_counts_whole_pairs():
    assert [most_pairs(share, 3) for share in (0.0, 0.33, 1 / 3, 0.5, 1.0)] == [0, 0, 1, 1, 3]
    assert most_pairs(0.0205, 162) == 267
    assert most_pairs(1.0, 1) == 0


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("kept", [30, 17, 2, 1, 0])
def test_scores_along_the_tree_are_those_of_every_cut_by_itself(linkage, kept):
    random = np.random.default_rng(3)
    tree, corr = random_tree(3, 30, linkage, 10**9), np.corrcoef(random.normal(size=(30, 12)))
    rows = np.sort(random.choice(30, size=kept, replace=False))
    inside = inside_clusters(tree, rows, corr[np.ix_(rows, rows)])
    everyone = inside_clusters(tree, np.arange(30), corr)
    for merges in range(30):
        labels = labels_after(tree, merges)
        own, part = labels[rows], corr[np.ix_(rows, rows)]
        assert pairs_inside(tree)[merges] == everyone.pairs[merges] == pair_count(labels)
        assert inside.pairs[merges] == pair_count(own)
        assert inside.mean_corr[merges] == pytest.approx(mean_corr(own, part) or 0.0)
        lift = (pair_weighted(own, part) - 0.2) * np.sqrt(pair_count(own)) if pair_count(own) else 0.0
        assert inside.pair_lift(0.2)[merges] == pytest.approx(lift)
