"""The shard format: one Parquet file per block, one row per token, the residual stream as raw float16 bytes.

A fixed-size binary payload without compression, dictionary or statistics reads and writes at memory speed and becomes
a NumPy array without a copy; a list of float16 is fifty times slower. Every block's file has the same rows.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from assets.schemas import activation_shard
from resources.tokens import Tokens

_INDEX = ["accession", "position", "token_id", "char_start", "char_end"]
_INDEX_SCHEMA = pa.schema([activation_shard(1).field(name) for name in _INDEX])
_OWN = ("block", "dtype", "d_model")
_COPIED_AT_ONCE = 4096


class ShardNotFoundError(FileNotFoundError):
    """A folder holds no shards, or not the block that was asked for."""


class ShardMismatchError(ValueError):
    """Rows do not fit a shard: wrong blocks, width, type or length, or rows beyond its end."""


class ShardWriter:
    """Write the shards of some blocks side by side; a context manager.

    The files depend on the rows alone, not on how they were split over calls of `append`. At most `row_group_rows`
    rows and one filing are held in memory. After an exception inside the `with` block no file is left.

    Parameters
    ----------
    folder : receives `block-07.parquet` and so on
    blocks : zero-based blocks, in the order of the first axis of what is appended
    d_model : width of the residual stream
    metadata : what produced the rows, such as model identity and context length; stored in every file
    row_group_rows : rows per row group
    """

    def __init__(
        self,
        folder: Path,
        blocks: Sequence[int],
        d_model: int,
        metadata: dict[str, str],
        row_group_rows: int = 4096,
    ) -> None:
        self.rows = 0
        self._folder, self.blocks, self._d_model = folder, tuple(blocks), d_model
        self._metadata, self._group = metadata, row_group_rows
        self._index: list[pa.Table] = []
        self._payload: list[NDArray[np.float16]] = []
        self._waiting = 0
        self._files: list[pq.ParquetWriter] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files = [self._open(block) for block in self.blocks]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush(self._waiting)
        for file in self._files:
            file.close()
        if kind is not None:
            for block in self.blocks:
                _file(self._folder, block).unlink()

    def append(self, accession: str, tokens: Tokens, activations: NDArray[np.float16]) -> None:
        """Add one filing: its tokens, and float16 [blocks, tokens, d_model].

        Raises
        ------
        ShardMismatchError
            The activations have another shape or type.
        """
        n = len(tokens)
        columns = [pa.repeat(accession, n), pa.array(np.arange(n, dtype=np.int32))]
        columns += [pa.array(column) for column in (tokens.ids, tokens.char_start, tokens.char_end)]
        self.append_rows(pa.Table.from_arrays(columns, schema=_INDEX_SCHEMA), activations)

    def append_rows(self, index: pa.Table, activations: NDArray[np.float16]) -> None:
        """Add rows of any filings: the columns of a shard without its payload, and float16 [blocks, rows, d_model].

        Raises
        ------
        ShardMismatchError
            The activations have another shape or type.
        """
        expected = (len(self.blocks), index.num_rows, self._d_model)
        if activations.shape != expected or activations.dtype != np.float16:
            got = f"{activations.dtype} {activations.shape}"
            raise ShardMismatchError(
                f"{self._folder}: expected float16 {expected} (blocks, tokens, d_model), got {got}"
            )
        self._index.append(index)
        self._payload.append(activations)
        self.rows += index.num_rows
        self._waiting += index.num_rows
        if self._waiting >= self._group:
            self._flush(self._waiting - self._waiting % self._group)

    def _flush(self, rows: int) -> None:
        """Write the first `rows` waiting rows in row groups; keep the rest."""
        if not rows:
            return
        index, payload = pa.concat_tables(self._index), np.concatenate(self._payload, axis=1)
        for first in range(0, rows, self._group):
            end = min(first + self._group, rows)
            part = index.slice(first, end - first).combine_chunks()
            for file, block in zip(self._files, payload, strict=True):
                file.write_table(self._with_payload(part, block[first:end], file.schema))
        self._index, self._payload = [index.slice(rows)], [payload[:, rows:].copy()]
        self._waiting -= rows

    def _with_payload(self, index: pa.Table, activations: NDArray[np.float16], schema: pa.Schema) -> pa.Table:
        little = np.ascontiguousarray(activations, dtype="<f2")
        kind = pa.binary(2 * self._d_model)
        column = pa.FixedSizeBinaryArray.from_buffers(kind, len(little), [None, pa.py_buffer(little)])
        return pa.Table.from_arrays([*index.columns, column], schema=schema)

    def _open(self, block: int) -> pq.ParquetWriter:
        own = dict(zip(_OWN, (str(block), "float16", str(self._d_model)), strict=True))
        return pq.ParquetWriter(
            _file(self._folder, block),
            activation_shard(self._d_model).with_metadata({**self._metadata, **own}),
            compression="none",
            use_dictionary=["accession"],
            write_statistics=_INDEX,
        )


class Shards:
    """Read the shards of one folder.

    Raises
    ------
    ShardNotFoundError
        The folder holds no shards.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.blocks = tuple(sorted(int(file.stem.removeprefix("block-")) for file in folder.glob("block-*.parquet")))
        if not self.blocks:
            raise ShardNotFoundError(f"{folder}: no block-*.parquet in it; materialise `activations` first")
        self._open: dict[int, pq.ParquetFile] = {}

    @cached_property
    def metadata(self) -> dict[str, str]:
        """What the writer was told about the rows."""
        return {key: value for key, value in self._stored.items() if key not in _OWN}

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return int(self._stored["d_model"])

    @property
    def rows(self) -> int:
        """Rows of every shard: tokens of all filings together."""
        return int(self._parquet(self.blocks[0]).metadata.num_rows)

    def activations(self, block: int, first_row: int = 0, rows: int | None = None) -> NDArray[np.float16]:
        """Residual stream after `block`, float16 [rows, d_model], read-only; a view if one row group has them.

        Raises
        ------
        ShardNotFoundError
            There is no shard of this block.
        ShardMismatchError
            The rows asked for are beyond the end.
        """
        parts = [_view(part, self.d_model) for part in self._read(block, ["activation"], first_row, rows)]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.empty((0, self.d_model), dtype=np.float16), *parts])

    def tokens(self, first_row: int = 0, rows: int | None = None) -> pl.DataFrame:
        """Rows without their payload: accession, position, token_id, char_start, char_end.

        Raises
        ------
        ShardMismatchError
            The rows asked for are beyond the end.
        """
        return pl.DataFrame(self.index(first_row, rows))

    def index(self, first_row: int = 0, rows: int | None = None) -> pa.Table:
        """The same as `tokens`, as an Arrow table."""
        return pa.concat_tables([_INDEX_SCHEMA.empty_table(), *self._read(self.blocks[0], _INDEX, first_row, rows)])

    @cached_property
    def _stored(self) -> dict[str, str]:
        stored = self._parquet(self.blocks[0]).schema_arrow.metadata
        return {key.decode(): value.decode() for key, value in stored.items()}

    def _parquet(self, block: int) -> pq.ParquetFile:
        if block not in self.blocks:
            raise ShardNotFoundError(f"{self._folder}: no shard of block {block}; there are {list(self.blocks)}")
        if block not in self._open:
            self._open[block] = pq.ParquetFile(_file(self._folder, block), memory_map=True)
        return self._open[block]

    def _read(self, block: int, columns: list[str], first_row: int, rows: int | None) -> Iterator[pa.Table]:
        """The part of each row group that lies in the rows asked for."""
        file = self._parquet(block)
        end = self.rows if rows is None else first_row + rows
        if not 0 <= first_row <= end <= self.rows:
            raise ShardMismatchError(f"{self._folder}: rows {first_row} to {end} of {self.rows} were asked for")
        start = 0
        for group in range(file.metadata.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            low, high = max(first_row - start, 0), min(end - start, size)
            if low < high:
                yield file.read_row_group(group, columns=columns).slice(low, high - low)
            start += size


def copy_rows(
    source: Shards,
    writer: ShardWriter,
    first_row: int,
    rows: int,
    progress: Callable[[int], None] = lambda n: None,
) -> None:
    """Carry rows of one folder of shards over to another, bit for bit, a few thousand rows at a time.

    Raises
    ------
    ShardNotFoundError
        The source lacks a block that the writer writes.
    ShardMismatchError
        The rows are beyond the source's end, or the widths differ.
    """
    for first in range(first_row, first_row + rows, _COPIED_AT_ONCE):
        count = min(_COPIED_AT_ONCE, first_row + rows - first)
        blocks = np.stack([source.activations(block, first, count) for block in writer.blocks])
        writer.append_rows(source.index(first, count), blocks)
        progress(count)


def massive_tokens(norms: NDArray[np.floating], times: float) -> NDArray[np.bool_]:
    """Mask of the tokens whose norm is above `times` medians of `norms` [rows] (METHOD.md, "Massive activations")."""
    if not len(norms):
        return np.zeros(0, dtype=np.bool_)
    mask: NDArray[np.bool_] = norms > times * np.median(norms)
    return mask


def _file(folder: Path, block: int) -> Path:
    return folder / f"block-{block:02d}.parquet"


def _view(part: pa.Table, d_model: int) -> NDArray[np.float16]:
    """The payload as an array over the buffer that Arrow read, from the slice's own first row."""
    column = part.column("activation")
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    skipped = array.offset * d_model
    values = np.frombuffer(array.buffers()[1], dtype="<f2", count=len(array) * d_model, offset=2 * skipped)
    return values.reshape(len(array), d_model)
