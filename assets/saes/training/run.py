"""A training run over the corpus: all entries of a wave in one pass, with checkpoints on disk."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from assets.activations.shards.shards import Shards
from assets.saes.corpus.batches import Batch, CorpusTooSmallError, MemberDraw
from assets.saes.corpus.block_statistics import BlockStatistics, statistics_of
from assets.saes.corpus.draw import kept_sample
from assets.saes.corpus.training_rows import TrainingRows
from assets.saes.metrics import fvu_of
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from assets.saes.training.curve import TrainingDivergedError, write_curve
from assets.saes.training.entries import Entry
from assets.saes.training.random_start import random_sae
from assets.saes.training.step import SaeTraining, train_together
from assets.saes.training.transfer import warm_start
from resources.compute.devices import reused_memory
from resources.settings.saes import Saes

CHECKPOINT_SECONDS = 120.0
RATES = "saes.learning_rate, or saes.transfer.learning_rate where it starts from another"
"""Settings that a person lowers where training diverges."""
Start = Callable[[tuple[int, ...]], Sae]
"""Returns the untrained weights of an entry that has no parent, from its blocks."""
POOL_BYTES = 2 << 30
"""Bytes of activations, of all blocks of the corpus, that are shuffled at once."""
VALIDATION_TOKENS = 2048
"""Of all blocks of an entry together, at least `MIN_VALIDATION_TOKENS` of each."""
MIN_VALIDATION_TOKENS = 128


@dataclass(frozen=True)
class TrainingCorpus:
    """Activations to train on, and samples to validate on."""

    rows: TrainingRows
    """Of training documents."""
    statistics: Mapping[int, BlockStatistics]
    """Per block that is trained on."""
    validation: Mapping[int, NDArray[np.floating]]
    """Per block: activations of validation documents, massive ones left out."""


def validation_samples(
    shards: Shards, index: pl.DataFrame, blocks: Sequence[int], massive_norm: float
) -> dict[int, NDArray[np.floating]]:
    """Return per block at most 2,048 tokens of validation documents (rows first_row, tokens).

    Raises CorpusTooSmallError where they have no FVU: fewer than two, or all alike.
    """
    samples = {block: kept_sample(shards, index, block, massive_norm, VALIDATION_TOKENS) for block in blocks}
    for block, x in samples.items():
        if len(x) < 2 or (x == x[0]).all():
            raise CorpusTooSmallError(
                f"block {block}: {len(x)} tokens of {index.height} validation documents differ too little to stop "
                "training by: raise corpus.validation_share or corpus.max_tokens"
            )
    return samples


def training_corpus(
    shards: Shards,
    index: pl.DataFrame,
    blocks: Sequence[int],
    validation: Mapping[int, NDArray[np.floating]],
    massive_norm: float,
) -> TrainingCorpus:
    """Read each block once for its statistics; raises InvalidActivationsError where a block cannot be trained on."""
    statistics = {block: statistics_of(shards, index, block, massive_norm) for block in blocks}
    return TrainingCorpus(shards, statistics, validation)


class Run:
    """Entries that are trained together.

    Parameters
    ----------
    entries : sequence of Entry
        Each comes out the same whatever is trained beside it.
    parents : mapping
        Finished autoencoders by entry name.
    corpus : TrainingCorpus
        Has all blocks of the entries.
    settings : Saes
        How all are trained.
    device : str
        Where the weights are, such as `cpu` or `cuda:0`.
    start : Start or None
        Where an entry without a parent starts; None: from random weights, `settings.expansion` wide.
    rates : str
        Settings that a person lowers where training diverges.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        parents: Mapping[str, Sae],
        corpus: TrainingCorpus,
        settings: Saes,
        device: str = "cpu",
        *,
        start: Start | None = None,
        rates: str = RATES,
    ) -> None:
        self._corpus, self._settings, self._rates = corpus, settings, rates
        self._blocks = {entry.name: entry.blocks for entry in entries}
        self.trainings: dict[str, SaeTraining] = {}
        self._draws: dict[str, MemberDraw] = {}
        for entry in entries:
            if entry.parent:
                sae = warm_start(parents[entry.parent], self._config(entry.blocks))
            else:
                sae = (start or self._random)(entry.blocks)
            own, held_out = self._settings_of(entry), self._held_out(entry.blocks)
            steps = math.ceil(entry.tokens / settings.batch_tokens)
            self.trainings[entry.name] = SaeTraining(sae.on(device), own, steps, held_out)
            self._draws[entry.name] = MemberDraw(entry.blocks, sae.config.scales, settings.seed)

    def train(self, checkpoint: Path, progress: Callable[[int], None], log: Callable[[str], None]) -> None:
        """Train to the end, from the checkpoint where there is one; the same weights as without an interruption.

        On a GPU to rounding: sums by latent have no fixed order there.

        Raises
        ------
        CorpusTooSmallError
            There are fewer tokens than in a batch.
        TrainingDivergedError
            A loss or a held-out FVU is not finite; the curve up to there is in a file that the message names.
        """
        steps = self._resumed(checkpoint, log)
        progress(sum(training.tokens for training in self.trainings.values()))
        save = _Every(CHECKPOINT_SECONDS, lambda: save_checkpoint(checkpoint, self.trainings, self._draws))
        try:
            with reused_memory():
                train_together(self.trainings, self._batches(steps), progress=progress, after_step=save.when_due)
        except TrainingDivergedError as error:
            file = checkpoint.with_name("diverged.csv")
            write_curve(file, error.curve)
            raise TrainingDivergedError(f"{error} ({self._rates}); its curve is in {file}", error.curve) from error
        save_checkpoint(checkpoint, self.trainings, self._draws)
        for name, training in self.trainings.items():
            fvu = training.curve[-1].held_out_fvu
            if fvu is not None and fvu >= 1:
                said = f"{name} explains nothing of the validation documents (FVU {fvu:.2f})"
                log(f"{said}: lower its rate ({self._rates})")

    def _resumed(self, checkpoint: Path, log: Callable[[str], None]) -> int:
        if not checkpoint.is_file():
            return 0
        try:
            steps = load_checkpoint(checkpoint, self.trainings, self._draws)
        except CheckpointError as error:
            log(f"{error}; training starts from its beginning")
            return 0
        log(f"training goes on after step {steps:,}")
        return steps

    def _batches(self, skipped: int) -> Iterator[Callable[[str], Batch]]:
        """Yield what the stream draws, as a function that gives each entry its own batch of it."""
        corpus, n = self._corpus.rows, self._settings.batch_tokens
        if n > corpus.rows:
            raise CorpusTooSmallError(
                f"the corpus has {corpus.rows} tokens to train on, less than one batch of {n}: "
                "lower saes.batch_tokens or raise corpus.max_tokens"
            )
        blocks = sorted({block for blocks in self._blocks.values() for block in blocks})
        narrow = all(set(corpus.dtypes(block)) == {"float16"} for block in corpus.blocks)
        pool = max(2 * n, POOL_BYTES // ((2 if narrow else 4) * corpus.d_model * len(corpus.blocks)))
        stream = corpus.sample_tokens(n, self._settings.seed, blocks, max_bytes=1 << 40, pool_rows=pool)
        keep = {block: self._corpus.statistics[block].keep for block in blocks}

        def batch(name: str, rows: NDArray[np.int64], take: Callable[..., NDArray[np.floating]]) -> Batch:
            kept = np.stack([keep[block][rows] for block in self._blocks[name]], axis=1)
            return self._draws[name].batch(kept, take)

        for sample in islice(stream, skipped, None):
            yield partial(batch, rows=sample.rows, take=sample.take)

    def _settings_of(self, entry: Entry) -> Saes:
        rate = self._settings.transfer.learning_rate if entry.parent else self._settings.learning_rate
        return self._settings.model_copy(update={"learning_rate": rate})

    def _config(self, blocks: tuple[int, ...]) -> SaeConfig:
        settings, d_model = self._settings, self._corpus.rows.d_model
        scales = {block: self._corpus.statistics[block].scale for block in blocks}
        shape = (d_model, d_model * settings.expansion, settings.k)
        return SaeConfig(*shape, blocks, scales, settings.activation, settings.block_biases)

    def _random(self, blocks: tuple[int, ...]) -> Sae:
        config = self._config(blocks)
        means = np.stack([self._corpus.statistics[block].mean for block in config.blocks])
        return random_sae(config, torch.from_numpy(means).float(), self._settings.seed)

    def _held_out(self, blocks: Sequence[int]) -> Callable[[Sae], float]:
        most = max(MIN_VALIDATION_TOKENS, VALIDATION_TOKENS // len(blocks))
        whole = self._corpus.validation
        samples = {block: whole[block][:: max(1, len(whole[block]) // most)] for block in blocks}
        return lambda sae: float(np.mean([fvu_of(sae, block, x) for block, x in samples.items()]))


class _Every:
    """Call a function at most once in so many seconds."""

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self._seconds, self._act, self._last = seconds, act, time.monotonic()

    def when_due(self) -> None:
        if time.monotonic() - self._last >= self._seconds:
            self._act()
            self._last = time.monotonic()
