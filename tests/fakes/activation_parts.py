"""Parts of random bits, among them every kind of float16 and bfloat16 there is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from assets.activations.shards.part import DType, Filing, Part
from assets.activations.shards.shard_files import write_part
from assets.activations.shards.shards import Shards
from resources.models.tokens import Tokens

D_MODEL = 6
ABOUT = {"model": "someone/model@abc", "tokenizer": "12ab", "context_length": "64"}


def part_of(
    sizes: Sequence[int],
    blocks: Sequence[int] = (2, 7),
    d_model: int = D_MODEL,
    first: int = 0,
    dtypes: Mapping[int, DType] | None = None,
) -> Part:
    """Filings `a-<first>`, `a-<first + 1>`, ... of these numbers of tokens; other bits for another `first`."""
    rng = np.random.default_rng(first)
    filings = []
    for number, n in enumerate(sizes, first):
        start = np.arange(n, dtype=np.int32) * 3
        tokens = Tokens(np.arange(n, dtype=np.int32) + 100 * number, start, start + 3)
        filings.append(Filing(f"a-{number}", f"{number:064x}", tokens))
    bits = {block: rng.integers(0, 2**16, size=(sum(sizes), d_model), dtype=np.uint16) for block in blocks}
    return Part(tuple(filings), bits, {block: (dtypes or {}).get(block, "float16") for block in blocks})


def write_streams(folder: Path, filings: Sequence[tuple[str, Tokens]], streams: Mapping[int, np.ndarray]) -> Shards:
    """Shards of these filings; `streams`: block -> float16 [tokens of all filings, d_model]."""
    bits = {block: np.ascontiguousarray(x, dtype=np.float16).view(np.uint16) for block, x in streams.items()}
    made = tuple(Filing(accession, "made", tokens) for accession, tokens in filings)
    write_part(folder, 0, Part(made, bits, dict.fromkeys(bits, "float16")), ABOUT)
    return Shards(folder)


def same_part(one: Part, other: Part) -> bool:
    """Whether two parts are equal bit for bit."""
    return (
        [_rows(filing) for filing in one.filings] == [_rows(filing) for filing in other.filings]
        and dict(one.dtypes) == dict(other.dtypes)
        and one.bits.keys() == other.bits.keys()
        and all(np.array_equal(one.bits[block], other.bits[block]) for block in one.bits)
    )


def _rows(filing: Filing) -> tuple[str, str, list[int], list[int], list[int]]:
    tokens = filing.tokens
    return (
        filing.accession,
        filing.input_digest,
        tokens.ids.tolist(),
        tokens.char_start.tolist(),
        tokens.char_end.tolist(),
    )
