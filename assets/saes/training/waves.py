"""Training of all the entries of an artefact, wave by wave: a parent's wave comes before its children's."""

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from assets.activations.source import CorpusReader, Progress
from assets.saes.training.entries import Entry, training_waves
from assets.saes.training.run import Run, TrainingCorpus, training_corpus, validation_samples
from assets.saes.writing import SaeWriter
from resources.compute.devices import devices
from resources.settings.saes import Saes

BYTES_IN_TRAINING = 32
"""Per latent and dimension: encoder and decoder, gradients, and Adam's two moments, float32."""
WAVE_BYTES = 8 << 30
"""Of all entries of a wave. A fixed number, not the memory of this machine, so that a training that is resumed
after a change of machine finds the same waves, and with them its checkpoint."""


def train_in_waves(
    entries: Sequence[Entry],
    kept: Collection[str],
    corpus: CorpusReader,
    written: SaeWriter,
    *,
    settings: Saes,
    massive_norm: float,
    checkpoints: Path,
    progress: Progress,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Train all entries but those kept, and save each; the entries of a wave share one pass over the corpus.

    Parameters
    ----------
    entries : all entries of the artefact
    kept : names of those that were carried over; as parents they are read from `written`
    corpus : opened for validation, then for training
    written : takes each entry when its wave is finished
    settings : how all are trained
    massive_norm : tokens above_threshold so many medians are left out
    checkpoints : folder from which an interrupted training resumes; removed at the end
    progress : opens a bar of tokens
    log : takes a sentence

    Returns
    -------
    dict
        `trained` (entries), `training_flop`, and where there were any `training_seconds` and `massive_activations`.
    """
    fresh = [entry for entry in entries if entry.name not in kept]
    blocks = sorted({block for entry in fresh for block in entry.blocks})
    measured: dict[str, Any] = {}
    if fresh:
        with corpus.open("validation") as (index, shards):
            samples = validation_samples(shards, index, blocks, massive_norm)
        total = sum(entry.tokens for entry in fresh)
        with corpus.open("train") as (index, shards), progress(total, "tokens") as advance:
            prepared = training_corpus(shards, index, blocks, samples, massive_norm)
            measured = {"massive_activations": _massive(prepared), "training_seconds": 0.0}
            for wave in training_waves(entries, fresh, _entries_at_once(shards.d_model, settings.expansion)):
                parents = {entry.parent: written.load(entry.parent) for entry in wave if entry.parent}
                run = Run(wave, parents, prepared, settings, devices()[0].name)
                run.train(checkpoints / f"{wave[0].name}.safetensors", advance, log)
                measured["training_seconds"] += _save(wave, run, written)
                del run, parents  # else two waves are in memory at once
    shutil.rmtree(checkpoints, ignore_errors=True)
    flop = sum(row["flop"] for row in written.rows if row["entry"] not in kept)
    return {"trained": len(fresh), "training_flop": flop, **measured}


def _save(wave: Sequence[Entry], run: Run, written: SaeWriter) -> float:
    """Save the entries of a finished wave; return the seconds that their training took."""
    for entry in wave:
        training = run.trainings[entry.name]
        written.save(entry.name, training.sae, entry.parent, training.curve)
    return sum(training.seconds for training in run.trainings.values())


def _entries_at_once(d_model: int, expansion: int) -> int:
    return max(1, WAVE_BYTES // (BYTES_IN_TRAINING * d_model * expansion * d_model))


def _massive(corpus: TrainingCorpus) -> int:
    """Return how many tokens are left out, counted at every block."""
    return sum(int((~statistics.keep).sum()) for statistics in corpus.statistics.values())
