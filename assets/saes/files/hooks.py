"""Which stream a name says: blocks are written in many ways, in metadata and in the names of folders.

`blocks.7.hook_resid_post` (TransformerLens), `model.layers.7` (transformers), `layers.7` (sparsify), `layer_7`, `L7`,
`resid_post_layer_7` (dictionary_learning) are the residual stream after block 7; with `pre` they are the one before it,
which is the one after block 6.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

_PIECES = re.compile(r"[a-z]+|[0-9]+")
_BLOCK = {"layer", "layers", "block", "blocks", "blk", "h", "l"}
_SIDE = {"pre", "post"}
_BEFORE = {"pre", "in", "input"}
_RESIDUAL = {"resid", "residual", "res", "stream", "hook", "in", "out", "input", "output", "hidden", "states"}
_MODEL = {"model", "language", "transformer", "gpt", "neox", "decoder", "lm", "text"}
_EMBEDDING = {"embed", "embeds", "embedding", "embeddings", "wte", "wpe", "unembed"}
_PART = {
    "mlp",
    "attn",
    "attention",
    "mid",
    "z",
    "q",
    "k",
    "v",
    "ln",
    "norm",
    "vision",
    "tower",
    "encoder",
    "transcoder",
}
_MOST_DIGITS = 6


@dataclass(frozen=True)
class Stream:
    """What a name says about a stream."""

    block: int | None
    """Block whose residual stream is meant, -1 for what goes into the first; None for a stream of another kind."""


def stream_of_hook(hook: str) -> Stream:
    """Return the stream that the name of a hook or module means; what is not known is of another kind."""
    pieces = _PIECES.findall(hook.lower())
    words = {piece for piece in pieces if piece.isalpha()}
    block = _block(pieces)
    return Stream(block if words <= _BLOCK | _SIDE | _RESIDUAL | _MODEL else None)


def stream_of_folder(name: str) -> Stream | None:
    """Return the stream that the name of a folder means; None where it names none, as `my-sae` or `k3-c1`."""
    pieces = _PIECES.findall(name.lower())
    block = _block(pieces)
    if block is None:
        return Stream(None) if _EMBEDDING & set(pieces) else None
    return Stream(None if (_EMBEDDING | _PART) & set(pieces) else block)


def _block(pieces: list[str]) -> int | None:
    """Return the block of the first number that stands after a word for one; None where there is none."""
    for place, (word, number) in enumerate(pairwise(pieces)):
        if not number.isdigit() or len(number) > _MOST_DIGITS or word not in _BLOCK | _SIDE:
            continue
        # `average_l0_71` is about sparsity; a lone L or h means a block where nothing stands before it but a model.
        if word in {"l", "h"} and not set(pieces[:place]) <= _MODEL | _SIDE | _RESIDUAL:
            continue
        return int(number) - bool(_BEFORE & set(pieces))
    return None
