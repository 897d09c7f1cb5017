"""Digests of rows: of the values themselves, whatever library holds them and whatever file they came from."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DIGEST_LETTERS = 32
"""128 bits: two of a billion slices are alike by chance once in 10^20 lakes."""

Bytes = Callable[[int, int], Iterator[memoryview]]
"""Yields the values of the rows from one number up to another."""


def rows_digests(rows: pa.Table, spans: Iterable[tuple[int, int]]) -> list[str]:
    """Return the digest of each span of rows, which depends on column names, types and values in this order.

    The bytes hashed are little-endian values, lengths of texts and lists, and a byte a row for null or not.

    Parameters
    ----------
    rows : pa.Table
        Validated rows: no NaN, and columns of the types of `Column`.
    spans : iterable of (start, stop)
        Rows of each digest.
    """
    head = hashlib.sha256("\n".join(f"{field.name} {field.type}" for field in rows.schema).encode())
    columns = [_bytes(column.combine_chunks()) for column in rows.columns]
    return [_digest(head.copy(), columns, start, stop) for start, stop in spans]


def spans_of(values: Sequence[Any]) -> list[tuple[int, int]]:
    """Return where each run of equal values starts and stops."""
    starts = [i for i, value in enumerate(values) if i == 0 or value != values[i - 1]]
    return list(pairwise([*starts, len(values)])) if starts else []


def _digest(hashed: Any, columns: Sequence[Bytes], start: int, stop: int) -> str:
    hashed.update((stop - start).to_bytes(8, "little"))
    for column in columns:
        for part in column(start, stop):
            hashed.update(part)
    return str(hashed.hexdigest()[:DIGEST_LETTERS])


def _bytes(column: pa.Array | pa.ChunkedArray) -> Bytes:
    """Return what yields the bytes of some rows of a column."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    valid = np.asarray(array.is_valid(), dtype=np.uint8)
    values = _list_bytes(array) if pa.types.is_list(array.type) else _value_bytes(array)

    def take(start: int, stop: int) -> Iterator[memoryview]:
        yield valid[start:stop].data
        yield from values(start, stop)

    return take


def _value_bytes(array: pa.Array) -> Bytes:
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return _text_bytes(array.cast(pa.large_string()).fill_null(""))
    if pa.types.is_large_binary(array.type):
        return _text_bytes(array.fill_null(b""))
    # A null's own bytes are whatever was in memory: zero stands for it.
    plain = array.cast(pa.int32()) if pa.types.is_date32(array.type) else array
    numbers = plain.fill_null(False if pa.types.is_boolean(plain.type) else 0).to_numpy(zero_copy_only=False)
    if numbers.dtype.kind == "f":
        numbers = numbers + 0.0  # -0.0 equals 0.0, so it must not look different
    flat = _flat(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False))
    width = numbers.dtype.itemsize
    return lambda start, stop: iter([flat[start * width : stop * width].data])


def _text_bytes(whole: pa.Array) -> Bytes:
    offsets = np.frombuffer(whole.buffers()[1], dtype="<i8")[whole.offset : whole.offset + len(whole) + 1]
    letters = np.frombuffer(whole.buffers()[2] or b"", dtype=np.uint8)
    lengths = np.diff(offsets)

    def take(start: int, stop: int) -> Iterator[memoryview]:
        yield _flat(lengths[start:stop]).data
        yield letters[offsets[start] : offsets[stop]].data

    return take


def _list_bytes(array: pa.Array) -> Bytes:
    lengths = np.asarray(pc.list_value_length(array).fill_null(0), dtype="<i8")
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = _bytes(array.flatten())  # leaves out what lies under a null

    def take(start: int, stop: int) -> Iterator[memoryview]:
        yield _flat(lengths[start:stop]).data
        yield from values(int(offsets[start]), int(offsets[stop]))

    return take


def _flat(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values).view(np.uint8)
