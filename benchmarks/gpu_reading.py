"""Checks of reading: residual streams of a device against float64, and what the harvester stores of them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from gpu_findings import UNIT, Check, Finding, largest_row_error
from gpu_llama import OVERFLOWS_AFTER, SMALL, Float64Llama, save_llama
from torch import Tensor

from assets.activations.harvest.harvester import Harvester
from assets.activations.harvest.windows import WindowSettings, windows
from assets.activations.shards.part import Filing, Part
from resources.compute.devices import Device
from resources.models.language_model import LanguageModel, open_language_model
from resources.models.model_source import model_folder
from resources.models.tokens import Tokens
from resources.models.weight_files import ModelNotFoundError
from resources.settings.profile import Model

LENGTHS = (45, 9, 130, 24, 77, 24, 1)
"""Tokens of the filings: some need several windows, some padding, and two share a length."""
READING = WindowSettings(window_tokens=48, overlap_tokens=9, batch_tokens=128, length_multiple=8)
ROUNDINGS = 12
"""Of the stream in a block: six on the way through either half (norm, two products, what is between, output, sum)."""
SAFETY = 4
"""Standard deviations: roundings are independent, so that their sum grows as the root of their number."""


def allowed(dtype: torch.dtype, block: int, longest_sum: int) -> float:
    """Return the relative error of a token's stream after a block that rounding explains.

    Parameters
    ----------
    longest_sum : terms of the longest product in a block, which are added in float32 whatever the type
    """
    one_block = UNIT[dtype] * math.sqrt(ROUNDINGS) + UNIT[torch.float32] * math.sqrt(longest_sum)
    return SAFETY * one_block * math.sqrt(block + 1)


@dataclass(frozen=True)
class Reader:
    """A model to be read on a device, with filings and their streams in float64."""

    name: str
    settings: Model
    models: Path
    dtype: torch.dtype
    filings: tuple[Filing, ...]
    streams: tuple[tuple[Tensor, ...], ...]
    """Per filing, per block `[tokens, d_model]`."""
    longest_sum: int
    """Terms of the longest product in a block."""
    overflowing: frozenset[int] = frozenset()
    """Blocks after which values are beyond float16."""

    def _allowed(self, block: int) -> float:
        return allowed(self.dtype, block, self.longest_sum)

    def on(self, device: str) -> Iterator[Finding]:
        """Read on a device; what the model hands over, and what the harvester stores."""
        model = self._opened(device)
        yield from self._handed_over(model)
        yield from self._stored(model)

    def _opened(self, device: str) -> LanguageModel:
        name = str(self.dtype).removeprefix("torch.")
        sizes = {"batch_tokens": READING.batch_tokens, "shard_tokens": 1 << 20}
        there = Device(device, name, free_bytes=1 << 40, length_multiple=READING.length_multiple, **sizes)
        return open_language_model(self.settings, self.models, [there])

    def _handed_over(self, model: LanguageModel) -> Iterator[Finding]:
        """Compare all blocks of the first filing, read alone."""
        found: dict[int, Tensor] = {}
        blocks = range(model.n_blocks)
        model.read(self.filings[0].tokens.ids[None], blocks, lambda block, stream: found.update({block: stream[0]}))
        errors = {block: largest_row_error(found[block], self.streams[0][block]) for block in blocks}
        yield from self._worst("read", errors)

    def _stored(self, model: LanguageModel) -> Iterator[Finding]:
        """Compare all filings at all blocks, read in padded batches and stored in 16 bits."""
        parts = Harvester(model, range(model.n_blocks), READING).parts(self.filings)
        worst: dict[int, float] = dict.fromkeys(range(model.n_blocks), 0.0)
        order = {filing.accession: number for number, filing in enumerate(self.filings)}
        for document in (one for part in parts for one in part.documents()):
            for block, stream in document.streams.items():
                expected = self.streams[order[document.accession]][block]
                error = largest_row_error(torch.from_numpy(np.array(stream, dtype=np.float64)), expected)
                worst[block] = max(worst[block], error)
        kinds = {block: torch.bfloat16 if block in self.overflowing else torch.float16 for block in worst}
        yield from self._worst("stored", worst, {block: UNIT[kind] for block, kind in kinds.items()})
        yield self._types(parts)

    def _worst(self, how: str, errors: dict[int, float], stored: dict[int, float] | None = None) -> Iterator[Finding]:
        """Yield the first block, and the one that comes closest to what is allowed, or is the furthest beyond it."""
        allowed = {block: self._allowed(block) + (stored or {}).get(block, 0.0) for block in errors}
        for block in sorted({0, max(errors, key=lambda block: errors[block] / allowed[block])}):
            yield Finding(f"{self.name}, {how}, block {block}", errors[block], allowed[block])

    def _types(self, parts: Sequence[Part]) -> Finding:
        wrong = [
            block
            for part in parts
            for block, dtype in part.dtypes.items()
            if dtype != ("bfloat16" if block in self.overflowing else "float16")
        ]
        return Finding(f"{self.name}, blocks stored in the wrong type", len(set(wrong)), 0)


def reading_checks(folder: Path, seed: int, *, smollm2: bool = False) -> list[Check]:
    """Make the models, filings and references of all checks of reading, in an empty folder.

    Parameters
    ----------
    smollm2 : whether SmolLM2 is read too, where its wheel is installed
    """
    real = _smollm2(folder) if smollm2 else None
    small = save_llama(folder / "small", SMALL, seed)
    wide = save_llama(folder / "wide", SMALL, seed + 1, overflows=True)
    readers = []
    for dtype in (torch.float32, torch.bfloat16):
        beyond = frozenset(range(OVERFLOWS_AFTER, SMALL["num_hidden_layers"]))
        readers += [_reader("small Llama", small, folder, dtype, seed)]
        readers += [_reader("Llama beyond float16", wide, folder, dtype, seed, beyond)]
        if real is not None:
            readers += [_reader("SmolLM2-135M", real, folder, dtype, seed)]
    return [Check(one.name, one.on) for one in readers]


def _smollm2(folder: Path) -> Path | None:
    try:
        return model_folder(Model(), folder / "models")
    except ModelNotFoundError:
        return None


def _reader(
    name: str, model: Path, models: Path, dtype: torch.dtype, seed: int, overflowing: frozenset[int] = frozenset()
) -> Reader:
    settings = Model(id=name.replace(" ", "-"), source="folder", path=model, context_length=64, overlap_tokens=9)
    reference, random = Float64Llama(model, dtype), np.random.default_rng(seed)
    filings = [_filing(number, n, reference.config.vocab_size, random) for number, n in enumerate(LENGTHS)]
    front = [] if "SmolLM2" in name else [reference.config.bos_token_id]
    streams = tuple(_streams(reference, filing.tokens.ids.tolist(), front) for filing in filings)
    longest = reference.config.intermediate_size
    title = f"{name} in {str(dtype).removeprefix('torch.')}"
    return Reader(title, settings, models, dtype, tuple(filings), streams, longest, overflowing)


def _filing(number: int, n: int, vocabulary: int, random: np.random.Generator) -> Filing:
    ids, positions = random.integers(3, vocabulary, n, dtype=np.int32), np.arange(n, dtype=np.int32)
    return Filing(f"filing {number}", "random", Tokens(ids, positions, positions + 1))


def _streams(reference: Float64Llama, ids: Sequence[int], front: list[int]) -> tuple[Tensor, ...]:
    """Return the streams of a filing, window by window, as they are stored."""
    pieces = []
    for window in windows(len(ids), READING):
        read = reference.streams([*front, *ids[window.first : window.end]])
        pieces.append([stream[len(front) + window.stored - window.first :] for stream in read])
    return tuple(torch.cat(blocks) for blocks in zip(*pieces, strict=True))
