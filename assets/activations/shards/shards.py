"""The reader of activation shards: all parts of a folder as one table, one row per token, one shard per block and part.

Payloads are views into the mapped files; a file is checked against the hash in its part's record before its first byte
is used, and set aside if it is not what was written.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from assets.activations.shards.mapped_shard import INDEX, OpenShards
from assets.activations.shards.part import Document, DType, Filing, Part, values
from assets.activations.shards.part_record import (
    PartRecord,
    ShardMismatchError,
    ShardNotFoundError,
    checked_record,
    record_numbers,
)
from assets.activations.shards.row_order import Place, RowOrder
from assets.activations.shards.token_stream import Sample, sample_tokens
from assets.schemas import activation_shard
from resources.models.tokens import Tokens

__all__ = ["ShardMismatchError", "ShardNotFoundError", "Shards", "massive_tokens"]

_INDICES = 64
_INDEX_SCHEMA = pa.schema([activation_shard(1).field(name) for name in INDEX])


class Shards:
    """Read the shards of one folder as one table whose rows are numbered from 0.

    Every method that reads a file raises DamagedFileError, after setting the file aside, if it is missing or not what
    was written.

    Parameters
    ----------
    expected : what `metadata` must state, or some of it; a part that states otherwise counts as damaged
    numbers : of the parts to be read; None: all
    order : filings in the order in which rows are numbered, others left out; None: as stored, part after part

    Raises
    ------
    ShardNotFoundError
        The folder holds no shards.
    ShardMismatchError
        Parts have different blocks, widths or metadata.
    DamagedFileError
        A record is not what was written, or states another model than expected.
    """

    def __init__(
        self,
        folder: Path,
        expected: Mapping[str, str] | None = None,
        order: Sequence[str] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> None:
        self._folder, self._opened = folder, OpenShards(folder)
        numbers = record_numbers(folder) if numbers is None else numbers
        self.parts = tuple(checked_record(folder, number, expected) for number in numbers)
        if not self.parts:
            raise ShardNotFoundError(f"{folder}: no part-*.json in it; materialise `activations` first")
        first = self.parts[0]
        for part in self.parts:
            if (part.blocks, part.d_model, part.about) != (first.blocks, first.d_model, first.about):
                raise ShardMismatchError(f"{folder}: parts {first.number} and {part.number} are not of one kind")
        self.blocks, self.d_model, self.metadata = first.blocks, first.d_model, dict(first.about)
        try:
            self._order = RowOrder(self.parts, order)
        except ShardNotFoundError as error:
            raise ShardNotFoundError(f"{folder}: {error}") from error
        self._indices: OrderedDict[int, pa.Table] = OrderedDict()

    @property
    def rows(self) -> int:
        """Tokens of all filings."""
        return self._order.rows

    @property
    def places(self) -> Mapping[str, Place]:
        """Where every filing is, in order of rows."""
        return self._order.places

    def dtypes(self, block: int) -> list[DType]:
        """Return how the block's payload is stored, part by part."""
        self._check_blocks([block])
        return [part.shards[block].dtype for part in self.parts]

    def activations(self, block: int, first_row: int = 0, rows: int | None = None) -> NDArray[np.floating[Any]]:
        """Return the residual stream after `block`, [rows, d_model]: float16, or float32 where a part stores bfloat16.

        A read-only view of the mapped file where one row group of float16 has all the rows, else a copy.

        Raises
        ------
        ShardNotFoundError
            There is no shard of this block.
        ShardMismatchError
            The rows asked for are beyond the end.
        """
        self._check_blocks([block])
        pieces = [
            values(bits, part.shards[block].dtype)
            for part, first, count in self._order.spans(first_row, rows)
            for bits in self._opened.shard(part, block).bits(first, count)
        ]
        return _one(pieces, np.empty((0, self.d_model), np.float16))

    def gathered(self, block: int, rows: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        """Copy the rows with these numbers: float16, or float32 where some part stores the block as bfloat16."""
        found = np.empty((len(rows), self.d_model), dtype=self._kind(block))
        for part, here, inside in self._order.located(rows):
            bits = np.concatenate(self._opened.shard(part, block).gathered(inside))
            found[here] = values(bits, part.shards[block].dtype)
        return found

    def tokens(self, first_row: int = 0, rows: int | None = None) -> pl.DataFrame:
        """Return rows without their payload: accession, position, token_id, char_start, char_end.

        Raises
        ------
        ShardMismatchError
            The rows asked for are beyond the end.
        """
        pieces = [
            self._index(part, self.blocks).slice(first, n) for part, first, n in self._order.spans(first_row, rows)
        ]
        return pl.DataFrame(pa.concat_tables([_INDEX_SCHEMA.empty_table(), *pieces]))

    def part(self, number: int, accessions: Collection[str] | None = None, blocks: Sequence[int] | None = None) -> Part:
        """Read a part as it was written, or only some of its filings or blocks; no shard of another block is read.

        Raises
        ------
        ShardNotFoundError
            There is no such part or block, or the part has no such filing.
        """
        part = next((part for part in self.parts if part.number == number), None)
        if part is None:
            raise ShardNotFoundError(f"{self._folder}: no part {number}")
        blocks = self._check_blocks(blocks)
        placed = part.placed(accessions)
        if missing := sorted(set(accessions or ()) - {filing.accession for filing, _ in placed}):
            raise ShardNotFoundError(f"{self._folder}: part {number} has no filing {missing[0]}")
        index = self._index(part, blocks)
        filings = [Filing(one.accession, one.input_digest, _tokens(index, row, one.tokens)) for one, row in placed]
        bits = {block: self._bits(part, block, part.runs(accessions)) for block in blocks}
        return Part(tuple(filings), bits, {block: part.shards[block].dtype for block in blocks})

    def iter_documents(
        self, blocks: Sequence[int] | None = None, accessions: Collection[str] | None = None
    ) -> Iterator[Document]:
        """Yield filings in order of rows with their residual streams: views where one float16 row group has them whole.

        Raises
        ------
        ShardNotFoundError
            There is no shard of a block, or a filing that was asked for is not there.
        """
        blocks = self._check_blocks(blocks)
        if missing := sorted(set(accessions or ()) - set(self.places)):
            raise ShardNotFoundError(f"{self._folder}: no filing {missing[0]}")
        requested = self.places if accessions is None else set(accessions)
        for accession, place in self.places.items():
            if accession in requested:
                part, first, rows = next(self._order.spans(place.first_row, place.tokens), (None, 0, 0))
                index = self._index(part, blocks) if part else _INDEX_SCHEMA.empty_table()
                streams = {block: self.activations(block, place.first_row, rows) for block in blocks}
                yield Document(accession, _tokens(index, first, rows), streams)

    def sample_tokens(
        self,
        n: int,
        seed: int,
        blocks: Sequence[int] | None = None,
        keep: NDArray[np.bool_] | None = None,
        max_bytes: int = 1 << 30,
        pool_rows: int | None = None,
    ) -> Iterator[Sample]:
        """Return an endless shuffled stream of batches of `n` rows (`keep`: [rows]); see `token_stream`."""
        kinds = {block: self._kind(block) for block in self._check_blocks(blocks)}
        kept = np.ones(self.rows, dtype=np.bool_) if keep is None else keep
        if kept.shape != (self.rows,):
            raise ShardMismatchError(f"{self._folder}: `keep` has shape {kept.shape}, not ({self.rows},)")
        return sample_tokens(self.gathered, kinds, self.d_model, kept, n, seed, max_bytes, pool_rows)

    def _kind(self, block: int) -> np.dtype[Any]:
        """Return the type that holds a block's numbers in every part."""
        return np.dtype(np.float32 if "bfloat16" in self.dtypes(block) else np.float16)

    def _check_blocks(self, blocks: Sequence[int] | None) -> tuple[int, ...]:
        """Return the blocks asked for, all if None; raise if one has no shard."""
        requested = self.blocks if blocks is None else tuple(blocks)
        if missing := sorted(set(requested) - set(self.blocks)):
            raise ShardNotFoundError(f"{self._folder}: no shard of block {missing[0]}; there are {list(self.blocks)}")
        return requested

    def _bits(self, part: PartRecord, block: int, runs: Sequence[tuple[int, int]]) -> NDArray[np.uint16]:
        shard = self._opened.shard(part, block)
        pieces = [piece for first, rows in runs for piece in shard.bits(first, rows)]
        return _one(pieces, np.empty((0, self.d_model), np.uint16))

    def _index(self, part: PartRecord, blocks: Sequence[int]) -> pa.Table:
        """Return the rows of a part without their payload, which are the same in the shards of all blocks."""
        if part.number not in self._indices:
            block = next((block for block in blocks if self._opened.has(part, block)), (*blocks, *self.blocks)[0])
            self._indices[part.number] = self._opened.shard(part, block).index()
            if len(self._indices) > _INDICES:
                self._indices.popitem(last=False)
        return self._indices[part.number]


def massive_tokens(norms: NDArray[np.floating], times: float) -> NDArray[np.bool_]:
    """Return the mask of tokens whose norm is above `times` medians of `norms` [rows].

    Source: docs/method.md.
    """
    if not len(norms):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(norms > times * np.median(norms))


def _one(pieces: Sequence[NDArray[Any]], none: NDArray[Any]) -> NDArray[Any]:
    """Return a single piece as it is, without a copy, and several one after another."""
    return pieces[0] if len(pieces) == 1 else np.concatenate([none, *pieces])


def _tokens(index: pa.Table, first: int, rows: int) -> Tokens:
    columns = (index.column(name).slice(first, rows) for name in ("token_id", "char_start", "char_end"))
    return Tokens(*(column.to_numpy() for column in columns))
