"""Rows of the shards in random order, as training needs them, from a pool whose size in bytes is bounded."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RowNumbers = NDArray[np.int64]
Gather = Callable[[int, RowNumbers], NDArray[np.floating[Any]]]
"""Copies of the rows of a block with these numbers, ascending."""

_LONGEST_RUN_BYTES = 256 << 10
_RUNS_IN_A_POOL = 256
_ROWS_AT_ONCE, _WIDEST = 4096, 4
"""Rows read at a time, and bytes of a number, where the order must not depend on which blocks are read."""


class SampleSizeError(ValueError):
    """Batches of the size asked for cannot be drawn."""


@dataclass(frozen=True)
class Sample:
    """Numbers of rows [n]. Their activations can be copied until the next sample is drawn."""

    rows: RowNumbers
    _slots: RowNumbers
    _pool: "_Pool"

    @property
    def streams(self) -> Mapping[int, NDArray[np.floating[Any]]]:
        """The rows of every block: copies [n, d_model], float16 or float32."""
        return {block: self.take(block, np.arange(len(self.rows))) for block in self._pool.blocks}

    def take(self, block: int, places: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        """Copy some rows of one block, by their places in the sample: [len(places), d_model]."""
        return self._pool.stream(block)[self._slots[places]]


def sample_tokens(
    gather: Gather,
    kinds: Mapping[int, np.dtype[Any]],
    d_model: int,
    keep: NDArray[np.bool_],
    n: int,
    seed: int,
    max_bytes: int,
    pool_rows: int | None = None,
) -> Iterator[Sample]:
    """Return an endless stream of batches of `n` rows; an epoch has every kept row once, in an order fixed by the seed.

    A pool is filled with short runs of neighbouring rows from random places of all shards and emptied in random order;
    rows left over when it holds less than a batch stay for the next pool. If all kept rows fit, they are read once,
    and every epoch is a uniform shuffle. A batch may end one epoch and begin the next. Samples whose activations nobody
    asks for cost no reading, so an interrupted training skips quickly to where it was.

    Parameters
    ----------
    kinds : blocks, and the type in which each is handed out
    keep : [rows], whether a row takes part
    max_bytes : payload held, of the pool and of the batch being handed out; a batch already handed out is the caller's
    pool_rows : rows in the pool, where the order must not depend on how many blocks are read; None: what fits

    Raises
    ------
    SampleSizeError
        `n` is more than the kept rows, or two batches are more than `max_bytes`.
    """
    kept = int(keep.sum())
    row_bytes = d_model * sum(kind.itemsize for kind in kinds.values())
    if not 0 < n <= kept:
        raise SampleSizeError(f"batches of {n} rows were asked for, and {kept} rows are kept")
    capacity = min(kept, pool_rows or kept, max_bytes // max(row_bytes, 1) - n)
    if capacity < n:
        needed = f"a pool and a batch of {n} rows at {len(kinds)} blocks need {2 * n * row_bytes:,}"
        raise SampleSizeError(f"max_bytes is {max_bytes:,}; {needed}")
    widest = max((kind.itemsize for kind in kinds.values()), default=2)
    at_once, widest = (max(1, n // 4), widest) if pool_rows is None else (_ROWS_AT_ONCE, _WIDEST)
    pool, rng = _Pool(gather, kinds, d_model, capacity, at_once), np.random.default_rng(seed)
    if capacity == kept:
        return _resident(pool, keep, n, rng)
    return _pooled(pool, keep, n, rng, max(1, _LONGEST_RUN_BYTES // max(1, widest * d_model)))


class _Pool:
    """Slots for rows, read when a sample is first looked at.

    Parameters
    ----------
    at_once : rows of a block that are read at a time; a quarter of a batch leaves room for widening bfloat16 where
        bytes are counted
    """

    def __init__(
        self, gather: Gather, kinds: Mapping[int, np.dtype[Any]], d_model: int, slots: int, at_once: int
    ) -> None:
        self.rows = np.empty(slots, dtype=np.int64)
        self._gather, self._at_once = gather, at_once
        self._kinds, self._d_model = kinds, d_model
        self._streams: dict[int, NDArray[np.floating[Any]]] = {}
        self._unread = np.zeros(slots, dtype=np.bool_)

    @property
    def blocks(self) -> list[int]:
        """Blocks that are read."""
        return list(self._kinds)

    def assign(self, slots: RowNumbers, rows: RowNumbers) -> None:
        """Assign rows, in any order, to these slots; what was in them is lost."""
        self.rows[slots] = np.sort(rows)
        self._unread[slots] = True

    def sample(self, slots: RowNumbers) -> Sample:
        """Return the rows in these slots."""
        return Sample(self.rows[slots], slots, self)

    def stream(self, block: int) -> NDArray[np.floating[Any]]:
        """Return the rows of a block [slots, d_model]; those not read yet are read first."""
        if not self._streams:
            shape = (len(self.rows), self._d_model)
            self._streams = {block: np.empty(shape, dtype=kind) for block, kind in self._kinds.items()}
        slots = np.flatnonzero(self._unread)
        slots = slots[np.argsort(self.rows[slots])]
        for name, stream in self._streams.items():
            for first in range(0, len(slots), self._at_once):
                chunk = slots[first : first + self._at_once]
                stream[chunk] = self._gather(name, self.rows[chunk])
        self._unread[slots] = False
        return self._streams[block]


def _resident(pool: _Pool, keep: NDArray[np.bool_], n: int, rng: np.random.Generator) -> Iterator[Sample]:
    """Yield samples where all kept rows fit: they are read once, and shuffled anew for every epoch."""
    slots = np.arange(len(pool.rows))
    pool.assign(slots, np.flatnonzero(keep))
    queue = np.empty(0, dtype=np.int64)
    while True:
        queue = np.concatenate([queue, rng.permutation(slots)])
        while len(queue) >= n:
            yield pool.sample(queue[:n])
            queue = queue[n:]


def _pooled(pool: _Pool, keep: NDArray[np.bool_], n: int, rng: np.random.Generator, longest: int) -> Iterator[Sample]:
    """Yield samples while the pool is filled and emptied; what an epoch leaves over comes before the next one."""
    slots, queue = np.arange(len(pool.rows)), np.empty(0, dtype=np.int64)
    run_rows = min(longest, max(1, len(slots) // _RUNS_IN_A_POOL))
    while True:
        runs, loaded = _Runs(keep, run_rows, rng), 0
        while loaded < runs.rows:
            free = np.setdiff1d(slots, queue, assume_unique=True)
            rows = runs.numbers(loaded, loaded + len(free))
            fresh = free[: len(rows)]
            pool.assign(fresh, rows)
            if loaded:
                queue = rng.permutation(np.concatenate([queue, fresh]))
            else:
                queue = np.concatenate([queue, rng.permutation(fresh)])
            loaded += len(rows)
            while len(queue) >= n:
                yield pool.sample(queue[:n])
                queue = queue[n:]


class _Runs:
    """The kept rows as runs of neighbours in random order, cut at a random phase; `rows` is how many there are."""

    def __init__(self, keep: NDArray[np.bool_], run_rows: int, rng: np.random.Generator) -> None:
        self._keep = keep
        cuts = np.arange(int(rng.integers(1, run_rows + 1)), len(keep), run_rows)
        firsts, ends = np.concatenate([[0], cuts]), np.concatenate([cuts, [len(keep)]])
        order = rng.permutation(len(firsts))
        self._firsts, self._ends = firsts[order], ends[order]
        self._before = np.concatenate([[0], np.cumsum(np.add.reduceat(keep, firsts, dtype=np.int64)[order])])
        self.rows = int(self._before[-1])

    def numbers(self, first: int, end: int) -> RowNumbers:
        """Return the numbers of the first-th to end-th kept row in this order, fewer where the epoch ends."""
        low = int(np.searchsorted(self._before, first, side="right")) - 1
        high = int(np.searchsorted(self._before, end, side="left"))
        runs = zip(self._firsts[low:high].tolist(), self._ends[low:high].tolist(), strict=True)
        numbers = np.concatenate([a + np.flatnonzero(self._keep[a:b]) for a, b in runs])
        skipped = first - int(self._before[low])
        return numbers[skipped : skipped + end - first]
