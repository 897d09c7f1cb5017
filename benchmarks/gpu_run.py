"""A check of whole training runs: shards on the disk, held-out FVU, checkpoints.

Needs what the shards need: polars, pyarrow and xxhash, and scikit-learn, whose groups name the entries.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from gpu_findings import UNIT, Check, Finding
from torch import Tensor

from assets.activations.shards.part import Filing, Part
from assets.activations.shards.shard_files import write_part
from assets.activations.shards.shards import Shards
from assets.saes.model.sae import Sae
from assets.saes.training.entries import planned_entries
from assets.saes.training.run import (
    MIN_VALIDATION_TOKENS,
    VALIDATION_TOKENS,
    Run,
    TrainingCorpus,
    training_corpus,
    validation_samples,
)
from resources.models.tokens import Tokens
from resources.settings.saes import Saes, Transfer

BLOCKS, D_MODEL, TOKENS, VALIDATION = (0, 1, 2), 32, 4096, 512
GROUPS = pl.DataFrame({"group": ["blocks-00-01", "blocks-00-01", "block-02"], "block": list(BLOCKS)})
MASSIVE_NORM = 10.0
SETTINGS = Saes(
    k=4, expansion=8, tokens=8192, batch_tokens=512, stop_gain=0.0, dead_after_tokens=2048, transfer=Transfer(entries=0)
)
APART = 0.02
"""By how much the FVU of a run may differ from the CPU's: another latent now and then, and Adam makes a step of it."""


@dataclass(frozen=True)
class RunCase:
    """Activations on the disk, and the entries to train on them."""

    corpus: TrainingCorpus
    folder: Path

    def on(self, device: str) -> Iterator[Finding]:
        """Train on a device and on the CPU; compare held-out FVU with float64, both runs, and a resumed one."""
        run, reference = self._trained(device, "there"), self._trained("cpu", "here")
        for name, training in run.trainings.items():
            last = training.curve[-1].held_out_fvu or math.nan
            exact = self._fvu(training.sae)
            rounding = 4 * UNIT[torch.float32] * math.sqrt(VALIDATION_TOKENS)
            yield Finding(f"run of {name}: held-out FVU", abs(last - exact) / exact, rounding)
            other = self._fvu(reference.trainings[name].sae)
            yield Finding(f"run of {name}: FVU beside the CPU's", abs(exact - other) / other, APART)
        resumed = self._trained(device, "there")
        pairs = [(run.trainings[name].sae, resumed.trainings[name].sae) for name in run.trainings]
        differ = sum(
            not torch.equal(a, b) for one, two in pairs for a, b in zip(_weights(one), _weights(two), strict=True)
        )
        yield Finding("run: weights that a checkpoint changes", differ, 0)

    def _trained(self, device: str, where: str) -> Run:
        entries = planned_entries(GROUPS, SETTINGS, "corpus")
        run = Run(entries, {}, self.corpus, SETTINGS, device)
        run.train(self.folder / where / "checkpoint.safetensors", lambda n: None, lambda sentence: None)
        return run

    def _fvu(self, sae: Sae) -> float:
        """Return the mean FVU over the blocks, of TopK written out in float64."""
        most = max(MIN_VALIDATION_TOKENS, VALIDATION_TOKENS // len(sae.config.blocks))
        found = []
        for block in sae.config.blocks:
            whole = self.corpus.validation[block]
            x = torch.from_numpy(np.asarray(whole[:: max(1, len(whole) // most)], dtype=np.float64)) * sae.scale(block)
            found.append(float((x - _rebuilt(sae.at(block), x)).pow(2).sum() / (x - x.mean(dim=0)).pow(2).sum()))
        return float(np.mean(found))


@torch.no_grad()
def _rebuilt(sae: Sae, x: Tensor) -> Tensor:
    w_enc, b_enc, w_dec, b_dec = (one.detach().cpu().double() for one in _weights(sae))
    values, indices = ((x - b_dec) @ w_enc.T + b_enc).topk(sae.config.k, dim=1)
    return torch.zeros(len(x), len(w_enc), dtype=torch.float64).scatter(1, indices, values.relu()) @ w_dec + b_dec


def _weights(sae: Sae) -> tuple[Tensor, ...]:
    return sae.encoder.weight, sae.encoder.bias, sae.W_dec, sae.b_dec


def run_checks(folder: Path, seed: int) -> list[Check]:
    """Write random activations into an empty folder, and read their statistics."""
    random = np.random.default_rng(seed)
    index = pl.DataFrame({"first_row": [0], "tokens": [VALIDATION]})
    validation = validation_samples(_shards(folder / "validation", VALIDATION, random), index, BLOCKS, MASSIVE_NORM)
    train = _shards(folder / "train", TOKENS, random)
    index = pl.DataFrame({"first_row": [0], "tokens": [TOKENS]})
    corpus = training_corpus(train, index, BLOCKS, validation, MASSIVE_NORM)
    return [Check("training runs over shards", RunCase(corpus, folder).on)]


def _shards(folder: Path, tokens: int, random: np.random.Generator) -> Shards:
    """Write blocks that are each a bit unlike the one before, and ten times as long."""
    folder.mkdir(parents=True)
    rows = np.arange(tokens, dtype=np.int32)
    x = random.normal(1, 1, (tokens, D_MODEL))
    streams = {block: 10**block * (x + 0.3 * block * random.normal(size=x.shape)) for block in BLOCKS}
    bits = {block: stream.astype(np.float16).view(np.uint16) for block, stream in streams.items()}
    part = Part((Filing("random", "", Tokens(rows, rows, rows + 1)),), bits, dict.fromkeys(BLOCKS, "float16"))
    write_part(folder, 0, part, {"model": "none"})
    return Shards(folder)
