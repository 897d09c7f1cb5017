"""The windows of text by which labels are made, chosen and scored, and which of them wake a latent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHARES = (0.40, 0.65)
"""Companies up to the first share make labels, those up to the second choose among them, the others score."""
WINDOWS = 100
"""Active windows that one set looks at, at most, ten of each tenth of the activations; and as many inactive ones."""


@dataclass(frozen=True)
class Windows:
    """Passages of several companies, and how strongly every latent is active in each.

    A window is a passage for latents of tokens, too: their activation there is the largest over its tokens.
    """

    texts: Sequence[str]
    """[windows]"""
    owners: Sequence[str]
    """[windows] the company; all its passages are in one of the three sets."""
    documents: Sequence[str]
    """[windows] the filing."""
    values: NDArray[np.float32]
    """[windows, latents] activation, 0 where the latent is not active."""
    nearness: NDArray[np.float32]
    """[windows, latents] how near an inactive window is to waking the latent: its pre-activation."""

    @classmethod
    def joined(cls, parts: "Sequence[Windows]") -> "Windows":
        """Return the windows of several parts, at least one, as one."""
        texts, owners, documents = (
            [one for part in parts for one in getattr(part, name)] for name in ("texts", "owners", "documents")
        )
        values, nearness = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "nearness"))
        return cls(texts, owners, documents, values, nearness)

    @cached_property
    def sets(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Windows of the companies that make labels, that choose among them, and that score them.

        A company's set is by a hash of its id: it stays where it is when others come or go.
        """
        shares = {owner: _share(owner) for owner in set(self.owners)}
        which = np.searchsorted(SHARES, [shares[owner] for owner in self.owners], side="right")
        made, chosen, scored = (np.flatnonzero(which == i) for i in range(3))
        return made, chosen, scored

    @cached_property
    def companies(self) -> NDArray[np.int64]:
        """[windows] number of the company."""
        return np.unique(np.asarray(self.owners), return_inverse=True)[1].astype(np.int64)

    @cached_property
    def filings(self) -> NDArray[np.int64]:
        """[windows] number of the filing."""
        return np.unique(np.asarray(self.documents), return_inverse=True)[1].astype(np.int64)


class Drawn(NamedTuple):
    """Windows drawn from one set for one latent: `active`, and as many inactive ones, half of them the nearest."""

    active: NDArray[np.int64]
    inactive: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Windows of both kinds."""
        return len(self.active) + len(self.inactive)


def draw(
    values: NDArray[np.float32], nearness: NDArray[np.float32], rows: NDArray[np.int64], level: float, seed: int
) -> Drawn:
    """Draw the windows of a set for one latent.

    Active are windows with an activation of at least `level`, evenly over their ranks, so that each tenth of the
    activations has as many; inactive are those with none at all: half are the nearest, half any.

    Parameters
    ----------
    values, nearness : [windows]
        Of one latent.
    rows : [n]
        Windows of the set.
    """
    own = values[rows]
    awake, asleep = rows[(own > 0) & (own >= level)], rows[own <= 0]
    ordered = awake[np.argsort(-values[awake], kind="stable")]
    count = min(WINDOWS, len(ordered), len(asleep))
    active = ordered[np.linspace(0, len(ordered) - 1, count).round().astype(np.int64)] if count else ordered[:0]
    by_nearness = asleep[np.argsort(-nearness[asleep], kind="stable")]
    near, rest = by_nearness[: count // 2], by_nearness[count // 2 :]
    others = np.random.default_rng(seed).choice(rest, count - len(near), replace=False)
    return Drawn(active, np.concatenate([near, np.sort(others)]))


def _share(owner: str) -> float:
    return int.from_bytes(hashlib.sha256(owner.encode()).digest()[:6], "big") / 2**48
