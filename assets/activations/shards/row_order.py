"""One numbering for the rows of all parts: filing after filing, in any order, whichever part has them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assets.activations.shards.part_record import PartFiling, PartRecord, ShardMismatchError, ShardNotFoundError


@dataclass(frozen=True)
class Place:
    """Where a filing's rows are: first row over all parts, rows, number of its part; and their input digest."""

    first_row: int
    tokens: int
    part: int
    input_digest: str


@dataclass(frozen=True)
class _Run:
    """A filing's rows: its part, and the first of them inside it."""

    part: PartRecord
    filing: PartFiling
    first: int

    def continues(self, part: PartRecord, row: int) -> bool:
        """Whether this row of this part is one of the filing's, or it has none."""
        return (self.part is part and self.first <= row < self.first + self.filing.tokens) or not self.filing.tokens


class RowOrder:
    """Numbers the rows of `parts`.

    Parameters
    ----------
    order : filings, others are left out; None: as they are stored, part after part

    Raises
    ------
    ShardNotFoundError
        No part has a filing of the order.
    """

    def __init__(self, parts: Sequence[PartRecord], order: Sequence[str] | None) -> None:
        stored = {one.accession: _Run(part, one, first) for part in parts for one, first in part.placed()}
        if missing := sorted(set(order or ()) - set(stored)):
            raise ShardNotFoundError(f"no filing {missing[0]}")
        self._parts = parts
        self._runs = list(stored.values()) if order is None else [stored[accession] for accession in order]
        self._starts = np.cumsum([0, *(run.filing.tokens for run in self._runs)])

    @property
    def rows(self) -> int:
        """Rows of all filings."""
        return int(self._starts[-1])

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Where every filing is, in order of rows."""
        return {
            run.filing.accession: Place(start, run.filing.tokens, run.part.number, run.filing.input_digest)
            for run, start in zip(self._runs, self._starts.tolist(), strict=False)
        }

    def spans(self, first_row: int, rows: int | None) -> Iterator[tuple[PartRecord, int, int]]:
        """Yield the rows asked for as stretches stored together: a part, the first row inside it, and how many.

        Raises
        ------
        ShardMismatchError
            They are beyond the end.
        """
        end = self.rows if rows is None else first_row + rows
        if not 0 <= first_row <= end <= self.rows:
            raise ShardMismatchError(f"rows {first_row} to {end} of {self.rows} were asked for")
        position, row = int(np.searchsorted(self._starts, first_row, side="right")) - 1, first_row
        while row < end:
            run = self._runs[position]
            begin = stop = run.first + row - int(self._starts[position])
            while row < end and self._runs[position].continues(run.part, stop):
                count = min(end, int(self._starts[position + 1])) - row
                row, stop, position = row + count, stop + count, position + 1
            if begin < stop:
                yield run.part, begin, stop - begin
            else:
                position += 1

    def located(self, rows: NDArray[np.int64]) -> Iterator[tuple[PartRecord, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield rows with these numbers, part by part: their indices in `rows`, and their rows inside it, ascending."""
        position = np.searchsorted(self._starts, rows, side="right") - 1
        first = np.array([run.first for run in self._runs], dtype=np.int64)
        number = np.array([run.part.number for run in self._runs], dtype=np.int64)[position]
        inside = rows - self._starts[position] + first[position]
        for part in self._parts:
            here = np.flatnonzero(number == part.number)
            here = here[np.argsort(inside[here], kind="stable")]
            if len(here):
                yield part, here, inside[here]
