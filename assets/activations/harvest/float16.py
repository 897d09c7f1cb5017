"""Sixteen bits a number: float16, or bfloat16 for a filing that at some block has a value beyond float16."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assets.activations.shards.part import DType, Filing, Part


def to_16_bit(filings: Sequence[Filing], streams: Mapping[int, Tensor]) -> list[Part]:
    """Return filings as parts of one type a block, so that how a filing is stored depends on no other.

    Parameters
    ----------
    streams : block -> [tokens of all filings, d_model]; float16 where every value is known to fit it, else float32

    Returns
    -------
    list of Part
        One, unless filings differ in the blocks at which a value is beyond float16.
    """
    ends = np.cumsum([0, *(len(filing.tokens) for filing in filings)]).tolist()
    beyond = {block: _beyond_float16(stream) for block, stream in streams.items() if stream.dtype == torch.float32}
    kinds: dict[frozenset[int], list[int]] = {}
    for i, (first, end) in enumerate(itertools.pairwise(ends)):
        wide = frozenset(block for block, rows in beyond.items() if bool(rows[first:end].any()))
        kinds.setdefault(wide, []).append(i)
    found = []
    for wide, members in (kinds or {frozenset[int](): []}).items():
        dtypes: dict[int, DType] = {block: "bfloat16" if block in wide else "float16" for block in streams}
        bits = {block: _bits(stream, dtypes[block]) for block, stream in streams.items()}
        if len(members) < len(filings):
            rows = [slice(ends[i], ends[i + 1]) for i in members]
            bits = {block: np.concatenate([whole[some] for some in rows]) for block, whole in bits.items()}
        found.append(Part(tuple(filings[i] for i in members), bits, dtypes))
    return found


def _beyond_float16(stream: Tensor) -> Tensor:
    """Return the mask [tokens] of those that have a value that float16 rounds to infinity."""
    return ~stream.to(torch.float16).isfinite().all(dim=1)


def _bits(stream: Tensor, dtype: DType) -> NDArray[np.uint16]:
    bits: NDArray[np.uint16] = stream.to(getattr(torch, dtype)).view(torch.uint16).numpy()
    return bits
