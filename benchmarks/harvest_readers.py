"""Who reads in harvest.py: ours, from texts to shards, and the plain decoder, which is the limit."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from storage import BLOCKS, D_MODEL, flush
from tqdm import tqdm

from resources.compute.devices import Device  # before torch: the package says how idle threads wait
from resources.settings.profile import Profile

# isort: split
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from assets.activations.cache import fill
from assets.activations.harvest.reader import Reader, Text


@dataclass(frozen=True)
class Work:
    """What all read: texts, the batches of token ids that ours makes of them, and the tokens in these."""

    texts: list[Text]
    batches: list[Tensor]
    tokens: int


@dataclass(frozen=True)
class Load:
    """What a token costs the plain decoder at the least."""

    flop: float
    """Operations."""
    bytes: float
    """Moved in memory: the weights once a batch, and the residual stream into and out of each block."""


class Ours:
    """The reader of texts, as the product has it.

    Parameters
    ----------
    profile : its settings `model` and `activations`
    models : folder of converted models
    bar : of tokens
    """

    def __init__(self, profile: Profile, models: Path, bar: tqdm) -> None:
        self._bar = bar
        self._reader = Reader(profile, models, self._progress, lambda sentence: None)
        self.device: Device = self._reader.model.devices[0]

    def work(self, descriptions: Sequence[str]) -> Work:
        """Return texts, and the batches in which the model gets them, as taken down in its place."""
        texts = [Text(f"{number:05d}", text, "") for number, text in enumerate(descriptions)]
        batches: list[Tensor] = []

        def take_down(ids: Any, blocks: Any, keep: Callable[[int, Tensor], None], device: int = 0) -> None:
            batches.append(torch.as_tensor(ids, dtype=torch.long))
            for block in blocks:
                keep(block, torch.zeros(1).expand(*batches[-1].shape, D_MODEL))

        with patch.object(self._reader.model, "read", take_down):
            tokens = sum(part.rows for parts in self._reader.read(self._reader.groups(texts, BLOCKS)) for part in parts)
        return Work(texts, batches, tokens)

    def seconds(self, work: Work, blocks: range) -> tuple[float, float]:
        """Return the seconds from texts to shards: before fsync, and after it."""
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            fill(Path(folder), work.texts, blocks, [], self._reader)
            written = time.perf_counter()
            flush(Path(folder))
            return written - started, time.perf_counter() - started

    @contextmanager
    def _progress(self, total: int, unit: str) -> Iterator[Callable[[int], object]]:
        yield self._bar.update


class Decoder:
    """The plain model of transformers, without its head."""

    def __init__(self, folder: Path, device: Device, bar: tqdm) -> None:
        disable_progress_bar()
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, device.dtype), local_files_only=True)
        self._model, self._device, self._bar = model.model.eval().to(device.name), device.name, bar

    def seconds(self, work: Work) -> float:
        """Read all batches and keep nothing; return the seconds."""
        started = time.perf_counter()
        with torch.inference_mode():
            for ids in work.batches:
                self._model(input_ids=ids.to(self._device), use_cache=False)
                self._bar.update(ids.numel())
            if self._device != "cpu":
                torch.cuda.synchronize()
        return time.perf_counter() - started

    def load(self, work: Work) -> Load:
        """Return what a token of the work costs, operations counted while it is read once more."""
        with FlopCounterMode(display=False) as counter:
            self.seconds(work)
        weights = sum(one.nbytes for one in self._model.parameters())
        streams = 2 * len(BLOCKS) * D_MODEL * self._model.dtype.itemsize
        return Load(counter.get_total_flops() / work.tokens, len(work.batches) * weights / work.tokens + streams)
