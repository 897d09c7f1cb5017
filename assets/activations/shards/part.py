"""The unit that is read, stored and read again: whole filings and their residual streams after some blocks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resources.models.tokens import Tokens

DType = Literal["float16", "bfloat16"]


@dataclass(frozen=True)
class Filing:
    """A tokenised filing; `input_digest` is the digest of all that its activations depend on."""

    accession: str
    input_digest: str
    tokens: Tokens


@dataclass(frozen=True)
class Document:
    """One filing, and per block its residual stream [tokens, d_model]: float16, or float32 if stored as bfloat16."""

    accession: str
    tokens: Tokens
    streams: Mapping[int, NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Part:
    """Filings one after another, and per block the bits [tokens, d_model] of their residual streams, in one type."""

    filings: tuple[Filing, ...]
    bits: Mapping[int, NDArray[np.uint16]]
    dtypes: Mapping[int, DType]

    @property
    def rows(self) -> int:
        """Tokens of all filings."""
        return sum(len(filing.tokens) for filing in self.filings)

    def documents(self) -> Iterator[Document]:
        """Yield the filings in order; float16 streams are views."""
        first = 0
        for filing in self.filings:
            end = first + len(filing.tokens)
            streams = {block: values(bits[first:end], self.dtypes[block]) for block, bits in self.bits.items()}
            yield Document(filing.accession, filing.tokens, streams)
            first = end


def values(bits: NDArray[np.uint16], dtype: DType) -> NDArray[np.floating[Any]]:
    """Return the numbers of 16-bit patterns: a view of float16, or bfloat16 as float32, which loses nothing."""
    if dtype == "float16":
        return bits.view(np.float16)
    return (bits.astype(np.uint32) << 16).view(np.float32)
