"""Parts on disk: `block-07/part-00003.parquet` for every block, and `part-00003.json`, the record, written last."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from assets.activations.shards.mapped_shard import INDEX, MappedShard, file_hash, shard_metadata
from assets.activations.shards.part import Part
from assets.activations.shards.part_record import (
    PartFiling,
    PartRecord,
    PartShard,
    ShardMismatchError,
    checked_record,
    part_records,
    record_file,
    shard_file,
    write_record,
)
from assets.schemas import activation_shard
from resources.lake.errors import DamagedFileError

_NO_LIMIT = 1 << 30
ROW_GROUP_BYTES = 16 << 20
"""A row group's payload is one page, which readers map into memory as it is; larger pages are slower to write."""


def write_part(
    folder: Path, number: int, part: Part, about: Mapping[str, str], row_group_bytes: int = ROW_GROUP_BYTES
) -> None:
    """Write the shards of a part, then its record; the files depend on the arguments alone.

    Whatever had this number is replaced; files linked to it elsewhere stay as they are. Nothing is synced to the disk:
    a reader checks the hash of every file.

    Raises
    ------
    ShardMismatchError
        A block has another shape than [tokens of all filings, d_model].
    """
    d_model = _width(part)
    remove_part(folder, number)
    index, group = _index(part), max(1, row_group_bytes // (2 * d_model))
    filings = tuple(PartFiling(one.accession, len(one.tokens), one.input_digest) for one in part.filings)
    planned = {block: PartShard("", 0, part.dtypes[block]) for block in sorted(part.bits)}
    draft = PartRecord(number, d_model, dict(about), filings, planned)
    shards = {}
    for block in draft.blocks:
        file = shard_file(folder, block, number)
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, index, part.bits[block], shard_metadata(draft, block), group)
        shards[block] = PartShard(file_hash(file), file.stat().st_size, part.dtypes[block])
    write_record(folder, replace(draft, shards=shards))


def damaged_blocks(folder: Path, number: int) -> list[int]:
    """Return the blocks of a part whose shard is missing or not what was written; every file is read.

    Raises
    ------
    DamagedFileError
        The part has no readable record.
    """
    part = checked_record(folder, number)
    return [block for block in part.blocks if not _is_whole(folder, part, block)]


def link_part(source: Path, number_there: int, folder: Path, number: int) -> None:
    """Link a part of another folder into this one: hard links, or copies where the file system has no links.

    Its bytes are not checked: `damaged_blocks` tells whether they are those that were written.

    Raises
    ------
    DamagedFileError
        The part has no readable record.
    """
    part = checked_record(source, number_there)
    remove_part(folder, number)
    for block in part.blocks:
        _link(shard_file(source, block, number_there), shard_file(folder, block, number))
    _link(record_file(source, number_there), record_file(folder, number))


def remove_part(folder: Path, number: int) -> None:
    """Remove the files of a part, its record first, also where it was never finished."""
    record_file(folder, number).unlink(missing_ok=True)
    for file in folder.glob(f"block-*/{shard_file(folder, 0, number).name}"):
        file.unlink()


def remove_leftovers(folder: Path) -> None:
    """Remove every file that belongs to no recorded part: what an interrupted attempt left behind."""
    recorded = {file for number, part in part_records(folder) for file in _files(folder, part)}
    for file in [*folder.glob("part-*"), *folder.glob("block-*/part-*")]:
        if file not in recorded:
            file.unlink()


def _files(folder: Path, part: PartRecord) -> list[Path]:
    return [record_file(folder, part.number), *(shard_file(folder, block, part.number) for block in part.blocks)]


def _width(part: Part) -> int:
    shapes = sorted({bits.shape for bits in part.bits.values()})
    if len(shapes) != 1 or shapes[0][:-1] != (part.rows,):
        raise ShardMismatchError(f"blocks of a part of {part.rows} tokens must be [tokens, d_model], not {shapes}")
    return int(shapes[0][1])


def _index(part: Part) -> list[pa.Array]:
    """Return the columns of a shard but the payload, which are the same for every block."""
    tokens = [filing.tokens for filing in part.filings]
    columns = [
        [np.arange(len(one), dtype=np.int32) for one in tokens],
        [one.ids for one in tokens],
        [one.char_start for one in tokens],
        [one.char_end for one in tokens],
    ]
    lengths = np.array([len(one) for one in tokens], dtype=np.int64)
    names = pa.array([filing.accession for filing in part.filings], pa.string())
    accessions = names.take(pa.array(np.repeat(np.arange(len(tokens)), lengths)))
    return [accessions, *(pa.array(np.concatenate([np.empty(0, np.int32), *arrays])) for arrays in columns)]


def _write(
    file: Path, index: list[pa.Array], bits: NDArray[np.uint16], metadata: Mapping[str, str], group_rows: int
) -> None:
    """Write one shard; without compression, dictionary and statistics its payload has the bytes it has in memory."""
    little = np.ascontiguousarray(bits, dtype="<u2")
    payload = pa.binary(2 * little.shape[1])
    column = pa.FixedSizeBinaryArray.from_buffers(payload, len(little), [None, pa.py_buffer(little)])
    schema = activation_shard(little.shape[1]).with_metadata(dict(sorted(metadata.items())))
    with pq.ParquetWriter(
        file,
        schema,
        compression="none",
        use_dictionary=["accession"],
        write_statistics=INDEX,
        data_page_size=_NO_LIMIT,
        max_rows_per_page=group_rows,
        write_batch_size=group_rows,
    ) as writer:
        if len(little):
            writer.write_table(pa.Table.from_arrays([*index, column], schema=schema), row_group_size=group_rows)


def _is_whole(folder: Path, part: PartRecord, block: int) -> bool:
    try:
        MappedShard(folder, part, block)
    except DamagedFileError:
        return False
    return True


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)
