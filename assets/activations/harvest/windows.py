"""How texts are cut for the model: windows of a text, batches of windows, parts of filings.

A window's length, and the length it is padded to, depend on its text and the settings alone, so what a filing's
activations are does not depend on what is read beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class WindowSettings:
    """How texts are cut into windows, and windows put into batches."""

    window_tokens: int
    """Longest window (tokens), a BOS token not counted."""
    overlap_tokens: int
    """Tokens that a window shares with the one before, at least; less than `window_tokens`."""
    batch_tokens: int
    """Tokens read at once, over all windows of a batch and with their padding; one window is always read."""
    length_multiple: int
    """Windows are padded to a multiple of this (tokens); 1 pads nothing."""


@dataclass(frozen=True)
class Window:
    """Tokens `[first, end)` of a text are read together; `[stored, end)` are stored, the others are context."""

    first: int
    end: int
    stored: int

    def __len__(self) -> int:
        return self.end - self.first


def windows(n_tokens: int, settings: WindowSettings) -> list[Window]:
    """Return the windows of a text, in order; every token is stored once, from the first window that has it.

    A text of at most `window_tokens` is one window, an empty one none. A longer one is read in as few windows as the
    overlap allows, all of one length and spread evenly; the length is one that needs no padding.
    """
    longest, overlap = settings.window_tokens, settings.overlap_tokens
    if n_tokens <= longest:
        return [Window(0, n_tokens, 0)] if n_tokens else []
    n = _ceil(n_tokens - overlap, longest - overlap)
    length = padded_length(_ceil(n_tokens + (n - 1) * overlap, n), settings)
    firsts = [i * (n_tokens - length) // (n - 1) for i in range(n)]
    stored = [0, *(first + length for first in firsts[:-1])]
    return [Window(first, first + length, start) for first, start in zip(firsts, stored, strict=True)]


def padded_length(n: int, settings: WindowSettings) -> int:
    """Return the tokens that a window of `n` takes in a batch: rounded up to the multiple, at most `window_tokens`."""
    return min(_ceil(n, settings.length_multiple) * settings.length_multiple, settings.window_tokens)


def batch_size(length: int, batch_tokens: int) -> int:
    """Return how many windows of one padded length are read at once, at least 1."""
    return max(1, batch_tokens // length)


def batches(lengths: Sequence[int], settings: WindowSettings) -> list[list[int]]:
    """Return the indices of the windows of each batch, the longest first.

    Only windows of one padded length share a batch: padded to another length, the last bits of a result change.

    Parameters
    ----------
    lengths : tokens of each window, at least 1 and at most `window_tokens`
    """
    padded = [padded_length(length, settings) for length in lengths]
    found = []
    for length, members in groupby(sorted(range(len(lengths)), key=lambda i: (-padded[i], i)), key=padded.__getitem__):
        same = list(members)
        size = batch_size(length, settings.batch_tokens)
        found += [same[first : first + size] for first in range(0, len(same), size)]
    return found


def padding_share(lengths: Sequence[int], settings: WindowSettings) -> float:
    """Return the share of the tokens read that are padding; 0 where there are no windows."""
    read = sum(padded_length(length, settings) for length in lengths)
    return 1 - sum(lengths) / read if read else 0.0


def parts(tokens_per_filing: Sequence[int], shard_tokens: int) -> list[list[int]]:
    """Return the indices of the filings of each part, the longest first.

    A part has at most `shard_tokens` tokens, unless it is one filing that alone has more.
    """
    found: list[list[int]] = []
    room = 0
    for i in sorted(range(len(tokens_per_filing)), key=lambda i: (-tokens_per_filing[i], i)):
        if not found or tokens_per_filing[i] > room:
            found.append([])
            room = shard_tokens
        found[-1].append(i)
        room -= tokens_per_filing[i]
    return found


def _ceil(a: int, b: int) -> int:
    return -(-a // b)
