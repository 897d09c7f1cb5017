"""Training over passages: standardise them, start from their clusters, train as on tokens, and fold the standard in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from assets.saes.corpus.block_statistics import BlockStatistics
from assets.saes.corpus.training_rows import VectorRows
from assets.saes.model.sae import Sae, SaeConfig
from assets.saes.model.standard import Standard
from assets.saes.over_passages.plan import PassageEntry, Size, training_settings
from assets.saes.over_passages.vectors import PassageVectors
from assets.saes.training.clusters_start import clusters_sae, spaced
from assets.saes.training.curve import CurvePoint
from assets.saes.training.entries import Entry
from assets.saes.training.run import Run, TrainingCorpus
from resources.compute.threads import one_thread
from resources.settings.passages import PassageSaes

RATES = "passage_saes.learning_rate"
VALIDATION_PASSAGES = 2048
"""On which the learning curve is measured, evenly spaced."""


class Trained(NamedTuple):
    """An autoencoder of raw vectors, and how it was trained."""

    sae: Sae
    standardised: Sae
    """The same of standardised vectors, which other texts can be standardised for."""
    curve: list[CurvePoint]
    seconds: float


def train_passage_sae(
    entry: PassageEntry,
    passages: PassageVectors,
    settings: PassageSaes,
    checkpoint: Path,
    *,
    progress: Callable[[int], None] = lambda n: None,
    log: Callable[[str], None] = lambda sentence: None,
) -> Trained:
    """Train one autoencoder on the training passages of a block, from its checkpoint where there is one.

    A second one sees other companies, too: the start is not drawn at random, so another seed alone tells little.

    On one thread of the processor, whatever there is: then the same vectors give the same weights on as many threads
    as a machine has, as long as its instructions and libraries are the same.

    Returns
    -------
    Trained
        The autoencoder takes vectors as they are; its latents are those of the standardised ones (`Standard.folded`).
    """
    if entry.is_second:
        passages = passages.without_a_tenth(entry.seed)
    size = passages.size(settings)
    if size.latents < settings.latents:
        log(
            f"{entry.name} has {size.latents:,} latents and k = {size.k}, not {settings.latents:,}: there are only "
            f"{passages.texts:,} passages of different wording to train on"
        )
    standard = Standard.measured(passages.train)
    with one_thread():
        run = _run(entry, passages, standard, size, settings)
        run.train(checkpoint, progress, log)
    training = run.trainings[entry.name]
    sae = training.sae.eval()
    return Trained(standard.folded(sae), sae, training.curve, training.seconds)


def _run(entry: PassageEntry, passages: PassageVectors, standard: Standard, size: Size, settings: PassageSaes) -> Run:
    block, x = passages.block, standard.of(passages.train)
    held_out = standard.of(spaced(passages.validation, VALIDATION_PASSAGES))
    config = SaeConfig(x.shape[1], size.latents, size.k, (block,), {block: 1.0}, settings.activation)
    plan = Entry(entry.name, (block,), None, size.passages, {})
    corpus = TrainingCorpus(VectorRows({block: x}), _unscaled(block, x), {block: held_out})
    own = training_settings(size, settings, entry.seed)
    return Run([plan], {}, corpus, own, start=lambda blocks: clusters_sae(config, x), rates=RATES)


def _unscaled(block: int, x: np.ndarray) -> Mapping[int, BlockStatistics]:
    """Return statistics that leave out no row and scale none: standardised vectors are of one size already."""
    return {block: BlockStatistics(np.ones(len(x), dtype=np.bool_), 1.0, np.zeros(x.shape[1]))}
