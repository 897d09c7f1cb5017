"""Residual streams of whole filings: read window by window in batches of one length, stored in half the bits."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assets.activations.harvest.float16 import to_16_bit
from assets.activations.harvest.windows import Window, WindowSettings, batch_size, batches, padded_length, windows
from assets.activations.shards.part import Filing, Part
from resources.models.language_model import LanguageModel

FLOAT16_ROUNDS_TO_INFINITY = 65_520.0
# torch raises a plain RuntimeError on the CPU and from cuBLAS, so only its message tells.
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")


class ActivationOverflowError(OverflowError):
    """The model's own output is infinite or not a number."""


class ReadingMemoryError(MemoryError):
    """There is not enough memory for a part, or to read one window alone."""


@dataclass(frozen=True)
class _PlacedWindow:
    """A window of a filing, and the row of the part at which its stored tokens begin."""

    filing: Filing
    window: Window
    row: int

    @property
    def ids(self) -> NDArray[np.int32]:
        return self.filing.tokens.ids[self.window.first : self.window.end]

    @property
    def stored(self) -> slice:
        """Positions within the window."""
        return slice(self.window.stored - self.window.first, len(self.window))

    @property
    def rows(self) -> slice:
        return slice(self.row, self.row + self.window.end - self.window.stored)


@dataclass
class _Pass:
    """One pass over a part: batches left, tokens read so far, and where rows go [tokens, d_model]."""

    places: list[_PlacedWindow]
    left: deque[list[int]]
    streams: dict[int, Tensor]
    tokens_read: int = 0


class Harvester:
    """Reads filings and keeps their residual streams after some blocks.

    The first token of a text carries a massive activation (docs/method.md); that of a later window
    does too, and is not stored where windows overlap. A filing with a value beyond float16 at a block is bfloat16
    there, cast from the model's own numbers: where one appears, the filings are read again, and the block's numbers are
    held in float32 from then on.

    Parameters
    ----------
    model : the language model; batches are shared out over its devices
    blocks : zero-based blocks
    settings : windows and batches
    progress : advanced by tokens stored, each counted once, from one thread at a time
    """

    def __init__(
        self,
        model: LanguageModel,
        blocks: Sequence[int],
        settings: WindowSettings,
        progress: Callable[[int], None] = lambda n: None,
    ) -> None:
        self._model, self._blocks, self._settings, self._progress = model, tuple(blocks), settings, progress
        self._batch_tokens = settings.batch_tokens
        self._overflowing: frozenset[int] = frozenset()
        self._counted = 0
        self._lock = Lock()

    @property
    def batch_tokens(self) -> int:
        """Tokens read at once: the setting, less where memory ran out."""
        return self._batch_tokens

    def parts(self, filings: Sequence[Filing]) -> list[Part]:
        """Read whole filings; their residual streams after the blocks depend on each filing alone.

        One part, unless only some of the filings have values beyond float16.

        Raises
        ------
        ActivationOverflowError
            The model's output is infinite or not a number; the message names block, filing and position.
        ReadingMemoryError
            Memory is too small for the part, or for one window.
        """
        self._counted = 0
        places = _places(filings, self._settings)
        rows = sum(len(filing.tokens) for filing in filings)
        lengths = [len(place.window) for place in places]
        while True:
            overflowing = self._overflowing
            work = _Pass(places, deque(batches(lengths, self._settings)), self._allocate(rows, overflowing))
            self._read(work)
            if overflowing == self._overflowing:
                return to_16_bit(filings, work.streams)

    def _allocate(self, rows: int, overflowing: frozenset[int]) -> dict[int, Tensor]:
        types = {block: torch.float32 if block in overflowing else torch.float16 for block in self._blocks}
        try:
            return {block: torch.empty(rows, self._model.d_model, dtype=kind) for block, kind in types.items()}
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            gigabytes = rows * self._model.d_model * sum(kind.itemsize for kind in types.values()) / 1e9
            raise ReadingMemoryError(
                f"{self._model.identity}: no memory for {rows:,} tokens at {len(types)} blocks ({gigabytes:.1f} GB); "
                "lower `activations.shard_tokens`, or name fewer blocks in `activations.blocks`"
            ) from error

    def _read(self, work: _Pass) -> None:
        """Read all batches of a pass; stop early where a block overflows float16."""
        devices = range(len(self._model.devices))
        if len(devices) == 1:
            return self._read_on(0, work)
        with ThreadPoolExecutor(len(devices)) as pool:
            try:
                for done in as_completed([pool.submit(self._read_on, device, work) for device in devices]):
                    done.result()
            except BaseException:
                work.left.clear()
                raise
        return None

    def _read_on(self, device: int, work: _Pass) -> None:
        """Read what is left, batch by batch, on one device."""
        while batch := self._next(work):
            if self._try_batch(batch, device, work):
                self._count(batch, work)
            else:
                work.left.appendleft(batch)

    def _next(self, work: _Pass) -> list[int]:
        """Take the next batch, as much of it as `batch_tokens` now allows; empty where nothing is left."""
        with self._lock:
            if not work.left:
                return []
            batch = work.left.popleft()
            size = batch_size(self._padded(batch, work), self._batch_tokens)
            if batch[size:]:
                work.left.appendleft(batch[size:])
            return batch[:size]

    def _padded(self, batch: Sequence[int], work: _Pass) -> int:
        return padded_length(len(work.places[batch[0]].window), self._settings)

    def _try_batch(self, batch: Sequence[int], device: int, work: _Pass) -> bool:
        """Read a batch; where memory runs out, halve `batch_tokens` and return False."""
        try:
            self._read_batch([work.places[i] for i in batch], self._padded(batch, work), device, work)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            tokens = len(batch) * self._padded(batch, work)
            if len(batch) == 1:
                where = f"{self._model.identity} on {self._model.devices[device].name}"
                raise ReadingMemoryError(
                    f"{where}: no memory to read {tokens:,} tokens at once; lower `model.context_length`, or use a "
                    "device with more memory"
                ) from error
            with self._lock:
                self._batch_tokens = min(self._batch_tokens, tokens // 2)
            return False
        return True

    def _read_batch(self, places: Sequence[_PlacedWindow], length: int, device: int, work: _Pass) -> None:
        ids = np.zeros((len(places), length), dtype=np.int32)
        for row, place in enumerate(places):
            ids[row, : len(place.window)] = place.ids
        largest: dict[int, Tensor] = {}

        def keep(block: int, stream: Tensor) -> None:
            largest[block] = stream.abs().amax(dim=-1)
            rows = work.streams[block]
            cast = stream.to(rows.dtype)
            for row, place in enumerate(places):
                rows[place.rows].copy_(cast[row, place.stored], non_blocking=True)  # `_check_values` waits for it

        self._model.read(ids, self._blocks, keep, device)
        self._check_values(places, torch.stack([largest[block] for block in self._blocks]).float().cpu().numpy(), work)

    def _check_values(self, places: Sequence[_PlacedWindow], largest: NDArray[np.float32], work: _Pass) -> None:
        """Check the largest absolute values [blocks, windows, positions]; remember blocks that overflow float16."""
        for row, place in enumerate(places):
            stored = largest[:, row, place.stored]
            if not np.isfinite(stored).all():
                axis, position = np.argwhere(~np.isfinite(stored))[0]
                raise ActivationOverflowError(
                    f"{place.filing.accession}: block {self._blocks[axis]}, position {place.window.stored + position}: "
                    f"the output of {self._model.identity} is infinite or not a number; leave this block out of "
                    "`activations.blocks`, or read in float32 (`model.dtype`)"
                )
            overflowing = {
                self._blocks[axis] for axis in np.flatnonzero((stored >= FLOAT16_ROUNDS_TO_INFINITY).any(axis=1))
            }
            if any(work.streams[block].dtype == torch.float16 for block in overflowing):
                with self._lock:  # this pass cannot be stored in float16: end it, `parts` starts another one in float32
                    self._overflowing |= overflowing
                    work.left.clear()

    def _count(self, batch: Sequence[int], work: _Pass) -> None:
        """Advance by the tokens that no earlier pass over this part has counted."""
        stored = (work.places[i].rows for i in batch)
        with self._lock:
            work.tokens_read += sum(rows.stop - rows.start for rows in stored)
            if work.tokens_read > self._counted:
                self._progress(work.tokens_read - self._counted)
                self._counted = work.tokens_read


def _places(filings: Sequence[Filing], settings: WindowSettings) -> list[_PlacedWindow]:
    places, row = [], 0
    for filing in filings:
        n = len(filing.tokens)
        places += [_PlacedWindow(filing, window, row + window.stored) for window in windows(n, settings)]
        row += n
    return places


def _is_out_of_memory(error: BaseException) -> bool:
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(words in str(error) for words in _OUT_OF_MEMORY)
