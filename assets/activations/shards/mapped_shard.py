"""Shard files mapped into memory: checked against their part's record before a byte is used, read without a copy."""

import mmap
import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from assets.activations.shards.part_record import PartRecord, shard_file
from assets.schemas import activation_shard
from resources.lake.errors import DamagedFileError
from resources.lake.lake import set_aside

INDEX = ["accession", "position", "token_id", "char_start", "char_end"]
_OPEN_FILES = 256
_LONGEST_HEADER = 64  # a page of the payload has 20 to 30 bytes of it, two pages would have more

Identity = tuple[int, int, int]
"""Inode, size and time of the last change of a file."""


class MappedShard:
    """The shard of one block of a part.

    Parameters
    ----------
    checked : identity of the file when its bytes were last checked; they are not checked again if it is the same

    Raises
    ------
    DamagedFileError
        The file is missing, does not have the bytes that the record states, or its own metadata contradict the record.
    """

    def __init__(self, folder: Path, part: PartRecord, block: int, checked: Identity | None = None) -> None:
        self._file, self._part, self._block = shard_file(folder, block, part.number), part, block
        self.identity, self._bytes = self._mapped()
        if self.identity != checked and xxhash.xxh3_128_hexdigest(self._bytes) != part.shards[block].xxh3:
            raise part.damaged(self._file, "its bytes are not those that were written")
        self._parquet = self._opened()
        self._groups = self._payloads()
        self._starts = np.cumsum([0, *map(len, self._groups)])

    def bits(self, first: int, rows: int) -> list[NDArray[np.uint16]]:
        """Return rows of the part: views [n, d_model] into the mapped file, one for each row group that has some."""
        spans = zip(self._groups, self._starts.tolist(), strict=False)
        pieces = (group[max(0, first - start) : max(0, first + rows - start)] for group, start in spans)
        return [piece for piece in pieces if len(piece)]

    def gathered(self, rows: NDArray[np.int64]) -> list[NDArray[np.uint16]]:
        """Copy rows of the part, given in ascending order: one array for each row group that has some."""
        borders = np.searchsorted(rows, self._starts)
        spans = zip(self._groups, self._starts.tolist(), borders, borders[1:], strict=False)
        return [group[rows[low:high] - start] for group, start, low, high in spans if low < high]

    def index(self) -> pa.Table:
        """Read all rows without their payload."""
        return self._parquet.read(columns=INDEX)

    def _mapped(self) -> tuple[Identity, mmap.mmap]:
        try:
            with self._file.open("rb") as stream:
                about = os.fstat(stream.fileno())
                if about.st_size != self._part.shards[self._block].bytes or not about.st_size:
                    raise self._part.damaged(self._file, "its size is not the one that was written")
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise self._part.damaged(self._file, "missing") from error
        return (about.st_ino, about.st_size, about.st_mtime_ns), mapped

    def _opened(self) -> pq.ParquetFile:
        part, wrong = self._part, "it is not the shard that the record of its part describes"
        try:
            parquet = pq.ParquetFile(pa.BufferReader(pa.py_buffer(self._bytes)))
        except pa.ArrowException as error:
            raise part.damaged(self._file, wrong) from error
        schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
        stated = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        if (
            not schema.equals(activation_shard(part.d_model))
            or rows != part.rows
            or stated != shard_metadata(part, self._block)
        ):
            raise part.damaged(self._file, wrong)
        return parquet

    def _payloads(self) -> tuple[NDArray[np.uint16], ...]:
        """Return every row group's payload, which is one plain page: what follows its header."""
        views, d_model = [], self._part.d_model
        for number in range(self._parquet.metadata.num_row_groups):
            group = self._parquet.metadata.row_group(number)
            column = group.column(len(INDEX))
            size = 2 * d_model * group.num_rows
            header = column.total_compressed_size - size
            if column.compression != "UNCOMPRESSED" or not 0 < header < _LONGEST_HEADER:
                raise self._part.damaged(self._file, "its payload is not one plain page")
            at = column.data_page_offset + header
            values = np.frombuffer(self._bytes, dtype="<u2", count=size // 2, offset=at)
            views.append(values.reshape(group.num_rows, d_model))
        return tuple(views)


def file_hash(file: Path) -> str:
    """Return the xxh3-128 of a file that is not empty, hex."""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return xxhash.xxh3_128_hexdigest(content)


class OpenShards:
    """The shards of a folder, opened when they are first needed; each file is checked once.

    Only so many stay open, so that thousands can be read; a view keeps its file mapped for as long as it lives.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[tuple[int, int], MappedShard] = OrderedDict()
        self._checked: dict[tuple[int, int], Identity] = {}

    def shard(self, part: PartRecord, block: int) -> MappedShard:
        """Return the shard of a block of a part, opened.

        Raises
        ------
        DamagedFileError
            As `MappedShard`; the file has been set aside.
        """
        key = (part.number, block)
        if key not in self._open:
            self._open[key] = self._opened(part, block)
            if len(self._open) > _OPEN_FILES:
                self._open.popitem(last=False)
        self._open.move_to_end(key)
        return self._open[key]

    def has(self, part: PartRecord, block: int) -> bool:
        """Return whether a shard is open, and so is known to be intact."""
        return (part.number, block) in self._open

    def _opened(self, part: PartRecord, block: int) -> MappedShard:
        key = (part.number, block)
        try:
            shard = MappedShard(self._folder, part, block, self._checked.get(key))
        except DamagedFileError as error:
            set_aside(error.file)
            raise
        self._checked[key] = shard.identity
        return shard


def shard_metadata(part: PartRecord, block: int) -> dict[str, str]:
    """Return the metadata that the shard of a block carries."""
    own = {"block": str(block), "dtype": part.shards[block].dtype, "d_model": str(part.d_model)}
    return {**part.about, **own}
