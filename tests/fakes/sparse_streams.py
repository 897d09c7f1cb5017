"""Activations that are sums of a few atoms of a dictionary, and batches of them straight from memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from assets.saes.corpus.batches import Batch, MemberDraw

D, ATOMS, ACTIVE = 32, 64, 3


def sparse_data(tokens: int = 8192, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Activations that are sums of 3 of 64 unit atoms, and the atoms."""
    random = np.random.default_rng(seed)
    atoms = random.normal(size=(ATOMS, D))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = np.zeros((tokens, ATOMS))
    for row in codes:
        row[random.choice(ATOMS, ACTIVE, replace=False)] = random.uniform(1, 2, ACTIVE)
    return (codes @ atoms).astype(np.float32), atoms


def scale_of(x: np.ndarray) -> float:
    """1 / mean norm."""
    return float(1 / np.linalg.norm(x.astype(np.float64), axis=1).mean())


def batches(
    streams: Mapping[int, np.ndarray],
    draws: Mapping[str, MemberDraw],
    blocks: Mapping[str, Sequence[int]],
    n: int,
    seed: int = 0,
) -> Iterator[Callable[[str], Batch]]:
    """Endless draws of `n` tokens of all streams, from which each entry takes its batch; no token is massive."""
    random, tokens = np.random.default_rng(seed), len(next(iter(streams.values())))
    while True:
        yield partial(_batch, streams, draws, blocks, random.permutation(tokens)[:n])


def _batch(
    streams: Mapping[int, np.ndarray],
    draws: Mapping[str, MemberDraw],
    blocks: Mapping[str, Sequence[int]],
    rows: np.ndarray,
    name: str,
) -> Batch:
    kept = np.ones((len(rows), len(blocks[name])), dtype=bool)
    return draws[name].batch(kept, lambda block, places: streams[block][rows[places]])
