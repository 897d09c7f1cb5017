"""One vector a passage and block: the mean residual stream over its content words, massive activations left out.

Function words and punctuation make up half of the tokens and say much the same in every passage: without them
passages on one subject lie closer together (docs/method.md).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets import schemas
from assets.activations.shards.part import Document
from assets.activations.shards.shards import massive_tokens
from assets.passages.content_words import content_tokens
from assets.passages.token_ranges import token_ranges


class PassageOverflowError(OverflowError):
    """A passage's vector has a value that 16 bits cannot hold."""


class PlacedPassage(NamedTuple):
    """Number of a passage in its filing, and its characters `[start, end)`."""

    passage: int
    start: int
    end: int


def passage_vector_rows(
    documents: Iterable[Document],
    passages: pl.DataFrame,
    texts: Mapping[str, str],
    blocks: Sequence[int],
    massive_norm: float,
    progress: Callable[[int], None] = lambda n: None,
) -> pl.DataFrame:
    """Return rows of `passage_vectors`.

    Parameters
    ----------
    documents : iterable of Document
        Filings with their residual streams at all the blocks.
    passages : DataFrame
        Rows of `passages` of those filings; only those of kind text have a vector.
    texts : mapping
        Text by accession, at least as far as it was read.
    blocks : sequence of int
        Zero-based blocks.
    massive_norm : float
        Tokens above so many medians of their filing are left out.
    progress : callable
        Advances by filings.

    Raises
    ------
    PassageOverflowError
        A value is beyond float16; the message names filing, passage and block.
    """
    prose = passages.filter(pl.col("kind") == "text").sort("accession", "passage")
    filings = prose.partition_by("accession", as_dict=True)
    found = [schemas.PASSAGE_VECTORS.empty()]
    for document in documents:
        rows = filings.get((document.accession,))
        if rows is not None:
            placed = [PlacedPassage(*row) for row in rows.select("passage", "start", "end").iter_rows()]
            filing = rows.select("accession", "company_id", "filed_at").row(0, named=True)
            is_content = content_tokens(texts[document.accession], document.tokens.char_end)
            found += (_rows(filing, document, placed, block, massive_norm, is_content) for block in blocks)
        progress(1)
    return pl.concat(found)


def places_of(prose: pl.DataFrame) -> dict[str, list[list[int]]]:
    """Return accession -> passage, start and end of each of its passages, given rows of `passages` in order."""
    places: dict[str, list[list[int]]] = {}
    for accession, *place in prose.select("accession", "passage", "start", "end").iter_rows():
        places.setdefault(accession, []).append(place)
    return places


def passage_means(
    stream: NDArray[np.floating[Any]],
    ranges: Sequence[tuple[int, int]],
    keep: NDArray[np.bool_],
    is_content: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the mean over the kept content tokens of each range [ranges, d_model], and which ranges have a kept token.

    A range without a content token, as of another script, is the mean of all its kept tokens.

    Parameters
    ----------
    stream : [tokens, d_model]
    ranges : tokens `[first, end)` of each passage
    keep : [tokens], False for massive activations
    is_content : [tokens], False for function words and punctuation
    """
    means = np.zeros((len(ranges), stream.shape[1]), dtype=np.float32)
    has_tokens = np.array([bool(keep[first:end].any()) for first, end in ranges], dtype=np.bool_)
    for row in np.flatnonzero(has_tokens).tolist():
        own = slice(*ranges[row])
        content = keep[own] & is_content[own]
        means[row] = stream[own][content if content.any() else keep[own]].mean(axis=0, dtype=np.float32)
    return means, has_tokens


def _rows(
    filing: dict[str, Any],
    document: Document,
    placed: Sequence[PlacedPassage],
    block: int,
    massive_norm: float,
    is_content: NDArray[np.bool_],
) -> pl.DataFrame:
    stream, tokens = document.streams[block], document.tokens
    keep = ~massive_tokens(np.linalg.norm(stream.astype(np.float32), axis=1), massive_norm)
    ranges = token_ranges(placed, tokens.char_start, tokens.char_end)
    means, has_tokens = passage_means(stream, ranges, keep, is_content)
    numbers = [place.passage for place in placed]
    payload = _payload(means, numbers, document.accession, block)
    rows = pl.DataFrame(
        {"passage": pl.Series(numbers, dtype=pl.Int32), "vector": pl.Series(payload, dtype=pl.Binary)}
    ).with_columns(*(pl.lit(value).alias(name) for name, value in filing.items()), block=pl.lit(block, pl.Int32))
    return rows.filter(pl.Series(has_tokens)).select(schemas.PASSAGE_VECTORS.empty().columns)


def _payload(means: NDArray[np.float32], numbers: Sequence[int], accession: str, block: int) -> list[bytes]:
    """Return each vector as raw little-endian float16."""
    with np.errstate(over="ignore"):
        halves = means.astype("<f2")
    beyond = ~np.isfinite(halves).all(axis=1)
    if beyond.any():
        raise PassageOverflowError(
            f"{accession}: passage {numbers[int(beyond.argmax())]}, block {block}: the mean residual stream has a "
            f"value beyond float16 ({np.abs(means[beyond]).max():.3g}); leave this block out of `passages.blocks`"
        )
    return [half.tobytes() for half in halves]
