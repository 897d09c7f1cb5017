"""Next-token losses of windows: as the model reads them, and with the residual stream after a block replaced."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from resources.models.block_hooks import (
    StopPass,
    check_blocks,
    replace_output,
    start_after,
    stream_of,
    watch_blocks,
    with_stream,
)

if TYPE_CHECKING:
    from torch import Tensor

TOKENS_AT_ONCE = 1024
"""In one pass, padding included: wide products are faster, but a token's logits are as many as the vocabulary."""

PROBE_TOKENS = 16
"""Read to find out whether blocks take anything but the residual stream."""


@dataclass
class _Batch:
    """Windows that are read together, and how far they have been read."""

    ids: "Tensor"
    """[windows, longest] int64; shorter windows repeat their last token, which no token before it can see."""
    lengths: list[int]
    """Tokens per window, without the padding."""
    block: int = -1
    """The block that was read last; -1: none."""
    output: Any = None
    """What it gave out."""


class WindowLosses:
    """Cross-entropy of each next token of some windows, in nats; one tensor, float32 [n - 1], per window in order.

    The first token of a window is never predicted, whether a BOS token is in front of it or not.

    A replaced stream costs only the blocks after it. The streams themselves are read up to the block that is asked for
    and no further: asking for blocks in ascending order reads the windows once, and one stream is held, not all.
    Where blocks take more than the stream, all of them run every time.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal model.
    layers : its decoder blocks
    lock : held while the model runs
    windows : [1, n] int64 each, on the model's device, with the BOS token where there is one
    front : tokens in front of a window's own: 1 for a BOS token, else 0
    """

    def __init__(self, model: Any, layers: Any, lock: Lock, windows: "Sequence[Tensor]", front: int) -> None:
        self._model, self._layers, self._lock, self._front = model, layers, lock, front
        self._batches = [_batch(group) for group in _groups(windows)]

    def plain(self) -> "Iterator[Tensor]":
        """Yield the losses of the model as it is."""
        for batch in self._batches:
            yield from self._losses(self._logits(batch.ids, -1, None), batch)

    def replaced(self, block: int, replace: "Callable[[Tensor], Tensor]") -> "Iterator[Tensor]":
        """Yield the losses where `replace` rewrites the residual stream after `block`.

        Parameters
        ----------
        block : zero-based
        replace : maps the stream of one window, float32 [n, d_model] without the BOS token, to its replacement of the
            same shape, whatever type the model computes in

        Raises
        ------
        WindowError
            The model has no such block.
        """
        for batch in self._batches:
            output = self._output(batch, block)
            changed = with_stream(output, self._rewritten(stream_of(output), batch.lengths, replace))
            yield from self._losses(self._logits(batch.ids, block, changed), batch)

    def ablated(self, block: int) -> "Iterator[Tensor]":
        """Yield the losses where the residual stream after `block` is zero, but for the BOS token's.

        Nothing of the text is left then, so the model predicts the same in every window, and reads only the longest.

        Raises
        ------
        WindowError
            The model has no such block.
        """
        import torch

        if not self._only_stream:
            yield from self.replaced(block, torch.zeros_like)
            return
        longest = max(self._batches, key=lambda batch: max(batch.lengths))
        row = longest.lengths.index(max(longest.lengths))
        output = self._output(longest, block)
        zero = self._rewritten(stream_of(output)[row : row + 1], [max(longest.lengths)], torch.zeros_like)
        logits = self._logits(longest.ids[row : row + 1], block, with_stream(output, zero))
        for batch in self._batches:
            yield from self._losses(logits.expand(len(batch.lengths), -1, -1), batch)

    @cached_property
    def _only_stream(self) -> bool:
        """Whether the last block takes nothing but the stream: neither keys of earlier blocks nor the tokens.

        Tried, not looked up: started before the last block, among other tokens, it must predict the same.
        """
        import torch

        ids, before_last = self._batches[0].ids[:1, :PROBE_TOKENS], len(self._layers) - 2
        if before_last < 0:
            return True
        probe = _Batch(ids, [ids.shape[1]])
        self._read(probe, before_last)
        try:
            resumed = self._pass(ids.flip(1), start_after(self._layers, before_last, probe.output))
        except KeyError:  # transformers raises it where keys of an earlier block are missing
            return False
        return torch.allclose(resumed, self._logits(ids, -1, None), rtol=1e-3, atol=1e-3)

    def _output(self, batch: _Batch, block: int) -> Any:
        """Return what `block` gives out, reading on from where the batch stands; from the start if that is behind."""
        check_blocks([block], len(self._layers))
        if block < batch.block or not self._only_stream:
            batch.block, batch.output = -1, None
        if block > batch.block:
            self._read(batch, block)
        return batch.output

    def _read(self, batch: _Batch, block: int) -> None:
        import torch

        def stop(block: int, output: Any) -> None:
            batch.block, batch.output = block, output
            raise StopPass

        start = start_after(self._layers, batch.block, batch.output)
        with self._lock, torch.inference_mode(), start, watch_blocks(self._layers, [block], stop):
            self._model.base_model(batch.ids, use_cache=False)

    def _rewritten(self, stream: "Tensor", lengths: Sequence[int], replace: "Callable[[Tensor], Tensor]") -> "Tensor":
        import torch

        with torch.inference_mode():
            changed = stream.clone()
            for row, length in enumerate(lengths):
                window = stream[row, self._front : length]
                changed[row, self._front : length] = replace(window.float()).to(stream.dtype)
        return changed

    def _logits(self, ids: "Tensor", block: int, output: Any) -> "Tensor":
        """Return `[windows, n, vocabulary]` where `block` gives out `output`; -1: of the model as it is."""
        changed = start_after if block < 0 or self._only_stream else replace_output
        return self._pass(ids, changed(self._layers, block, output))

    def _pass(self, ids: "Tensor", changed: AbstractContextManager[None]) -> "Tensor":
        import torch

        with self._lock, torch.inference_mode(), changed:
            logits: Tensor = self._model(ids, use_cache=False).logits
        return logits

    def _losses(self, logits: "Tensor", batch: _Batch) -> "Iterator[Tensor]":
        from torch.nn.functional import cross_entropy

        for row, length in enumerate(batch.lengths):
            predicted = logits[row, self._front : length - 1].float()
            yield cross_entropy(predicted, batch.ids[row, self._front + 1 : length], reduction="none")


def _groups(windows: "Sequence[Tensor]") -> "Iterator[list[Tensor]]":
    """Yield windows that follow each other, as many as TOKENS_AT_ONCE allows and at least one."""
    group: list[Tensor] = []
    for window in windows:
        longest = max(one.shape[1] for one in (*group, window))
        if group and longest * (len(group) + 1) > TOKENS_AT_ONCE:
            yield group
            group = []
        group.append(window)
    if group:
        yield group


def _batch(windows: "Sequence[Tensor]") -> _Batch:
    import torch

    lengths = [window.shape[1] for window in windows]
    padded = [torch.cat([one, one[:, -1:].expand(1, max(lengths) - one.shape[1])], dim=1) for one in windows]
    return _Batch(torch.cat(padded), lengths)
