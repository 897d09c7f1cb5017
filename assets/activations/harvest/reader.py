"""The model at work: texts become parts; the cost is logged first, and a bar of tokens shows the progress."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from assets.activations.harvest.harvester import Harvester
from assets.activations.harvest.meter import Meter
from assets.activations.harvest.windows import WindowSettings, padding_share, parts, windows
from assets.activations.shards.part import Filing, Part
from resources.compute.devices import Device, devices
from resources.lake.digests import digest_of
from resources.models.language_model import LanguageModel, open_language_model
from resources.models.limits import ModelShape, model_shape
from resources.models.model_source import model_identity
from resources.models.tokenizer import Tokenizer, open_tokenizer
from resources.models.tokens import Tokens
from resources.settings.model import Model
from resources.settings.profile import Profile

PART_BYTES = 1 << 29
"""Of a part, unless one filing alone is longer; three are in memory at once: being read, waiting, being written."""
_COLUMNS_BYTES = 24


@dataclass(frozen=True)
class Text:
    """The text of a filing; `input_digest` is the digest of all that its activations depend on."""

    accession: str
    text: str
    input_digest: str


@dataclass(frozen=True)
class Group:
    """Filings that make one part, and the blocks after which they are read."""

    filings: tuple[Filing, ...]
    blocks: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens of all filings."""
        return sum(len(filing.tokens) for filing in self.filings)


def text_digest(settings: Model, identity: str, text: str) -> str:
    """Return the digest of all that activations depend on beside the code that reads: text, model, type and windows.

    Of the machine only the number type counts, which a GPU may change: filings read in two types are never mixed.
    """
    windows = [settings.context_length, settings.overlap_tokens]
    return digest_of([devices_of(settings)[0].dtype, identity, *windows, text])[:32]


def input_digest(of_text: str, reading: str) -> str:
    """Return the digest of all that activations depend on: `text_digest`, and the version of the code that reads."""
    return digest_of([of_text, reading])[:32]


@cache
def devices_of(settings: Model) -> tuple[Device, ...]:
    """Return the devices that read under these settings; they are looked up once."""
    return devices(settings.dtype)


class Reader:
    """Reads texts with the profile's model; its weights are opened only when a text has to be read.

    Parameters
    ----------
    profile : the settings `model` and `activations`
    models : folder of converted models
    progress : opens a progress bar over a total of a unit
    log : takes a sentence for the log
    """

    def __init__(
        self,
        profile: Profile,
        models: Path,
        progress: Callable[[int, str], AbstractContextManager[Callable[[int], None]]],
        log: Callable[[str], None],
    ) -> None:
        self._settings, self._models = profile.model, models
        self._activations, self._progress, self.log = profile.activations, progress, log
        self.metadata: dict[str, Any] = {}

    @cached_property
    def model(self) -> LanguageModel:
        """The model, opened."""
        return open_language_model(self._settings, self._models)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return open_tokenizer(self._settings, self._models)

    @cached_property
    def _shape(self) -> ModelShape:
        return model_shape(self._settings, self._models)

    @property
    def blocks(self) -> tuple[int, ...]:
        """Blocks that the profile asks for; all where it names none."""
        blocks = self._activations.blocks
        return tuple(range(self._shape.n_blocks) if blocks is None else blocks)

    def tokenize(self, text: str) -> Tokens:
        """Return the tokens of a text, without a BOS token."""
        return self._tokenizer.tokenize(text)

    def about(self) -> dict[str, str]:
        """Return what every shard states about how it was read."""
        return {
            "model": model_identity(self._settings, self._models),
            "tokenizer": self._tokenizer.hash,
            "bos": "none" if self._tokenizer.bos is None else str(self._tokenizer.bos),
            "context_length": str(self._settings.context_length),
            "overlap_tokens": str(self._settings.overlap_tokens),
            "computed_in": devices_of(self._settings)[0].dtype,
        }

    def group(self, texts: Sequence[Text], blocks: Sequence[int]) -> Group:
        """Return texts as the one part they are read in."""
        return Group(tuple(Filing(t.accession, t.input_digest, self.tokenize(t.text)) for t in texts), tuple(blocks))

    def groups(self, texts: Sequence[Text], blocks: Sequence[int]) -> list[Group]:
        """Share texts out over parts, longest first."""
        filings = self.group(texts, blocks).filings
        members = parts([len(filing.tokens) for filing in filings], self.part_tokens(len(blocks)))
        return [Group(tuple(filings[i] for i in group), tuple(blocks)) for group in members]

    def part_tokens(self, n_blocks: int) -> int:
        """Return the tokens of a part of so many blocks."""
        limit = self._activations.shard_tokens or devices_of(self._settings)[0].shard_tokens
        return max(1, min(limit, PART_BYTES // (2 * self._shape.d_model * n_blocks)))

    def bytes(self, tokens: int, blocks: int) -> int:
        """Return the bytes on disk of so many tokens after so many blocks, columns beside the payload included."""
        return tokens * blocks * (2 * self._shape.d_model + _COLUMNS_BYTES)

    def read(self, groups: Sequence[Group]) -> Iterator[list[Part]]:
        """Yield the parts of each group, in order: see `Harvester.parts`."""
        tokens = sum(group.tokens for group in groups)
        size = sum(self.bytes(group.tokens, len(group.blocks)) for group in groups)
        meter = Meter(tokens, size, self.log)
        with self._progress(tokens, "tokens") as advance:

            def count(n: int) -> None:
                advance(n)
                meter.advance(n)

            choices = {group.blocks for group in groups}
            harvesters = {blocks: Harvester(self.model, blocks, self._window_settings, count) for blocks in choices}
            meter.start()
            for group in groups:
                yield harvesters[group.blocks].parts(group.filings)
        self.metadata |= meter.metadata() | {"padding_share": round(self._padding(groups), 4)}

    def _padding(self, groups: Sequence[Group]) -> float:
        filings = [filing for group in groups for filing in group.filings]
        lengths = [len(window) for filing in filings for window in windows(len(filing.tokens), self._window_settings)]
        return padding_share(lengths, self._window_settings)

    @cached_property
    def _window_settings(self) -> WindowSettings:
        device, settings = self.model.devices[0], self._settings
        return WindowSettings(
            window_tokens=self.model.window_tokens(settings.context_length),
            overlap_tokens=settings.overlap_tokens,
            batch_tokens=device.tokens_at_once(self._activations.batch_tokens),
            length_multiple=device.length_multiple,
        )
