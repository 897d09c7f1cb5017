"""How long an autoencoder over passages takes to train: 512 latents on 50,000 passages.

`python benchmarks/passage_training.py` makes synthetic vectors of 576 dimensions (three of 600 themes each, noise, a
few dimensions far larger than all others), and trains on them as `passage_saes` does with its default settings:
standardise, clusters, 600 steps, fold. All of it is on one thread, so its seconds of the processor are about those of a
machine that does nothing else. The last line is JSON.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import machine, warn_if_busy
from numpy.typing import NDArray

from assets.saes.over_passages.plan import PassageEntry
from assets.saes.over_passages.training import train_passage_sae
from assets.saes.over_passages.vectors import PassageVectors
from resources.settings.passages import PassageSaes

PASSAGES, D_MODEL, THEMES, LARGE = 50_000, 576, 600, 6
VALIDATION = 0.05


@dataclass(frozen=True)
class TrainingTime:
    """Of one autoencoder, from vectors to folded weights."""

    seconds: float
    processor_seconds: float
    fvu: float
    """On validation passages, so that speed is not bought by training nothing."""


def synthetic_passages(passages: int, seed: int = 0) -> PassageVectors:
    """Return vectors with the shape of real ones: themes of unequal frequency, and dimensions of very unequal size."""
    random = np.random.default_rng(seed)
    directions = random.normal(size=(THEMES, D_MODEL)).astype(np.float32)
    frequency = 1 / np.arange(1, THEMES + 1)
    themes = random.choice(THEMES, size=(passages, 3), p=frequency / frequency.sum())
    x: NDArray[np.float32] = sum((directions[themes[:, i]] / (i + 1) for i in range(3)), np.zeros(1, np.float32))
    x = x + 0.7 * random.normal(size=x.shape).astype(np.float32)
    x[:, :LARGE] = 200 + 50 * x[:, :LARGE]
    companies = np.char.mod("%06d", np.arange(passages) // 100)
    is_train = np.arange(passages) < (1 - VALIDATION) * passages
    return PassageVectors(24, companies, is_train, x.astype(np.float16), passages)


def training_time(passages: int = PASSAGES, settings: PassageSaes | None = None) -> TrainingTime:
    """Train one autoencoder on synthetic passages, and return how long it took."""
    vectors, entry = synthetic_passages(passages), PassageEntry("passages-24", 0, is_second=False)
    with tempfile.TemporaryDirectory() as folder:
        started, processor = time.perf_counter(), time.process_time()
        trained = train_passage_sae(entry, vectors, settings or PassageSaes(), Path(folder) / "checkpoint")
        seconds, of_processor = time.perf_counter() - started, time.process_time() - processor
    return TrainingTime(seconds, of_processor, float(trained.curve[-1].held_out_fvu or np.nan))


def main() -> None:
    """Print the table and the claim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", type=int, default=PASSAGES)
    options = parser.parse_args()
    warn_if_busy()
    found = training_time(options.passages)
    print(f"{machine(1)}\n512 latents on {options.passages:,} passages of {D_MODEL} dimensions, one thread")
    print(f"{'seconds':>10} {'of the processor':>17} {'validation FVU':>15}")
    print(f"{found.seconds:10.1f} {found.processor_seconds:17.1f} {found.fvu:15.3f}")
    print(
        json.dumps({"train_seconds": round(found.seconds, 1), "processor_seconds": round(found.processor_seconds, 1)})
    )


if __name__ == "__main__":
    main()
