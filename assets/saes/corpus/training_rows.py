"""Rows that autoencoders are trained on: tokens in shards, or vectors in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assets.activations.shards.token_stream import Sample, sample_tokens


class TrainingRows(Protocol):
    """One table of residual streams, whose rows are numbered from 0: what training needs to know of it."""

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    @property
    def d_model(self) -> int:
        """Width of a row."""
        ...

    @property
    def blocks(self) -> Sequence[int]:
        """Blocks that have a row for each number."""
        ...

    def dtypes(self, block: int) -> Sequence[str]:
        """Return the number types of a block."""
        ...

    def sample_tokens(
        self, n: int, seed: int, blocks: Sequence[int] | None = None, *, max_bytes: int, pool_rows: int | None
    ) -> Iterator[Sample]:
        """Return an endless shuffled stream of batches of `n` rows; see `token_stream`."""
        ...


@dataclass(frozen=True)
class VectorRows:
    """Rows in memory; each of the vectors is a row."""

    vectors: Mapping[int, NDArray[np.float32]]
    """Per block `[rows, d_model]`, all of one shape."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self._first)

    @property
    def d_model(self) -> int:
        """Width of a row."""
        return int(self._first.shape[1])

    @property
    def blocks(self) -> tuple[int, ...]:
        """Blocks that have a row for each number."""
        return tuple(self.vectors)

    @property
    def _first(self) -> NDArray[np.float32]:
        return next(iter(self.vectors.values()))

    def dtypes(self, block: int) -> list[str]:
        """Return the number types of a block."""
        return [self.vectors[block].dtype.name]

    def sample_tokens(
        self, n: int, seed: int, blocks: Sequence[int] | None = None, *, max_bytes: int, pool_rows: int | None
    ) -> Iterator[Sample]:
        """Return an endless shuffled stream of batches of `n` rows; see `token_stream`."""
        kinds = {block: self.vectors[block].dtype for block in (self.blocks if blocks is None else blocks)}
        keep = np.ones(self.rows, dtype=np.bool_)
        return sample_tokens(self._gathered, kinds, self.d_model, keep, n, seed, max_bytes, pool_rows)

    def _gathered(self, block: int, rows: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        return self.vectors[block][rows]
