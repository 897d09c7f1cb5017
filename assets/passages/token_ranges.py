"""Which tokens belong to which passage: each to one at the most."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Place(Protocol):
    """Characters `[start, end)` of a text."""

    @property
    def start(self) -> int:
        """First character."""

    @property
    def end(self) -> int:
        """End."""


def token_ranges(
    places: Sequence[Place], token_starts: NDArray[np.integer], token_ends: NDArray[np.integer]
) -> list[tuple[int, int]]:
    """Return the tokens `[first, end)` of each of these places, which are in order and do not overlap.

    A token of a byte-level tokenizer begins with the blank before its word, so it belongs to the passage that it ends
    in: one that reaches over a border is the later passage's, and no token is counted twice.

    Parameters
    ----------
    places : sequence
        Spans with `start` and `end`, in characters.
    token_starts, token_ends : [tokens]
        Characters of each token, ascending.
    """
    starts, ends = np.array([place.start for place in places]), np.array([place.end for place in places])
    first = np.searchsorted(token_ends, starts, side="right")
    until = np.append(first[1:], len(token_ends))
    end = np.minimum(np.searchsorted(token_starts, ends, side="left"), until)
    return [(int(a), int(b)) for a, b in zip(first, np.maximum(first, end), strict=True)]
