"""How firmly a company is in its group: how often it stays when groups are formed again of a bootstrap sample."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array

from assets.features.attribution import cosines

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Regroup = Callable[[Floats], Labels]
"""Groups of a similarity [m, m], formed as the ones in question were."""
Draw = tuple[NDArray[np.int64], Labels]
"""Companies of a draw, and the groups they are in."""
KEPT_SHARE = 0.8
"""Share of the companies in a draw, where a similarity is no sum that could be drawn from."""


def membership_stability(labels: Labels, draws: Iterable[Draw]) -> Floats:
    """Return the share of draws in which each company is with the majority of its group: [n], NaN where it is alone.

    The majority of a group is in a draw's group that holds most of its members, at least two of them; of several that
    hold as many, in the largest. A draw that holds fewer than two members of a group says nothing of it.
    """
    asked, stayed = np.zeros(len(labels)), np.zeros(len(labels))
    for rows, groups in draws:
        own = labels[rows]
        together, place = np.unique(np.stack([own, groups]), axis=1, return_inverse=True)
        counts = np.bincount(place.ravel())
        majority = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int64)
        np.maximum.at(majority, together[0], counts)
        # Groups are numbered by size, so the first of the largest parts is in the largest group.
        largest = np.flatnonzero(counts == majority[together[0]])
        chosen = dict(zip(together[0][largest][::-1].tolist(), largest[::-1].tolist(), strict=True))
        stays = place.ravel() == np.array([chosen[group] for group in own.tolist()], dtype=np.int64)
        present = np.bincount(own, minlength=len(majority))[own] > 1
        asked[rows] += present
        stayed[rows] += present & stays & (majority[own] > 1)
    return np.where(asked > 0, stayed / np.maximum(asked, 1), np.nan)


def latent_draws(vectors: csr_matrix, regroup: Regroup, draws: int, seed: int) -> Iterator[Draw]:
    """Yield groups by latents drawn with replacement, where a similarity is a sum over them.

    Parameters
    ----------
    vectors : [n, latents]
        Rows whose products are the similarity.
    """
    random, (n, latents) = np.random.default_rng(seed), vectors.shape
    for _ in range(draws):
        counts = random.multinomial(latents, np.full(latents, 1 / latents))
        drawn = csr_matrix(vectors @ diags_array(np.sqrt(counts)))
        lengths = np.sqrt(np.asarray(drawn.multiply(drawn).sum(axis=1)).ravel())
        # A company none of whose latents is drawn is near nobody.
        units = csr_matrix(diags_array(1 / np.where(lengths > 0, lengths, 1.0)) @ drawn)
        yield np.arange(n), regroup(cosines(units))


def company_draws(similarity: Floats, regroup: Regroup, draws: int, seed: int) -> Iterator[Draw]:
    """Yield groups of four fifths of the companies, drawn without replacement."""
    random, n = np.random.default_rng(seed), len(similarity)
    for _ in range(draws):
        rows = np.sort(random.choice(n, size=max(round(KEPT_SHARE * n), 1), replace=False))
        yield rows, regroup(similarity[np.ix_(rows, rows)])


def suggested_groups(similarity: Floats, labels: Labels) -> Labels:
    """Return the nearest group of every company that is alone, by mean similarity to its members: [n], else -1.

    Of groups equally near the largest. None where no group is, or where the mean similarity is 0: a method says nothing
    of such companies.

    Parameters
    ----------
    similarity : [n, n] float64
        An unknown one (NaN) counts as the lowest known.
    labels : [n] int
        Groups, numbered by size.
    """
    sizes = np.bincount(labels, minlength=1)
    groups, alone = int((sizes > 1).sum()), np.flatnonzero(sizes[labels] == 1)
    found = np.full(len(labels), -1, dtype=np.int64)
    if groups == 0 or len(alone) == 0:
        return found
    members = csr_matrix((np.ones(len(labels)), (np.arange(len(labels)), labels)))[:, :groups]
    near = similarity[alone]
    near = np.where(np.isnan(near), np.nanmin(similarity), near)
    means = np.round(np.asarray((members.T @ near.T).T) / sizes[:groups], 12)
    found[alone] = np.where(means.max(axis=1) != 0, means.argmax(axis=1), -1)
    return found
