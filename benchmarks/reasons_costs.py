"""What passages, themes, labels and `why` take: seconds, and those of the processor, which others do not add to."""

import os
import time
from pathlib import Path
from typing import Self

import numpy as np
from passage_texts import read_texts
from passage_training import training_time
from reasons_speed import why_seconds
from reasons_texts import profile_of

from assets.activations.harvest.reader import Reader, Text
from assets.features.labels.label import label_latents
from assets.features.labels.windows import Windows
from assets.passages.finding import find_passages
from assets.passages.repeated import mark_repeated
from assets.passages.vectors import passage_vector_rows
from assets.texts_read import texts_read
from resources.lake.progress import no_bar
from resources.settings.features import Labels

PASSAGES, LATENTS = 50_000, 512
TEXTS, MOST = 6, 120
"""Filings of which a pass is timed, and passages of each that are read."""
COMPANIES = (500, 6_000)


class Clock:
    """Seconds of a `with` block, on the wall and of the processor."""

    wall = processor = 0.0

    def __enter__(self) -> Self:
        """Start."""
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self.wall, self.processor = (
            now - then for now, then in zip((time.perf_counter(), time.process_time()), self._started, strict=True)
        )


def cost_rows(windows: Windows, models: Path) -> list[dict[str, str]]:
    """Return a row for every claim about cost.

    Parameters
    ----------
    windows : real passages, and what an autoencoder finds in them; they are laid out again and again, each time as
        those of other companies, until there are 50,000
    models : folder of converted models
    """
    reading, passages = pass_seconds(models)
    training, labels = training_time(PASSAGES), label_seconds(windows)
    title = f"{windows.values.shape[1]} latents on {PASSAGES:,} passages"
    rows = [
        _row(f"pass of the model over {TEXTS} filings", reading.wall, reading.processor),
        _row("splitting, kinds and means of these", passages.wall, passages.processor),
        {"what": "share of the pass", "processor seconds": f"{passages.processor / reading.processor:.1%}"},
        _row(f"training {LATENTS} latents on {PASSAGES:,} passages", training.seconds, training.processor_seconds),
        _row(f"labels of {title}", labels.wall, labels.processor),
    ]
    return rows + [_row(f"why at {n:,} companies", why_seconds(n), None) for n in COMPANIES]


def pass_seconds(models: Path) -> tuple[Clock, Clock]:
    """Time the model's pass over some filings, and what passages add to it."""
    profile = profile_of(MOST)
    reader = Reader(profile, models, no_bar, lambda sentence: None)
    data = Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data"))
    filings = read_texts(data / "tenk90s" / "item1.parquet")[:TEXTS]
    with Clock() as finding:
        found = find_passages(filings, reader.tokenize, MOST)
        found = mark_repeated(found, filings, profile.passages.repeated_in)
    shown = texts_read(filings, found)
    texts = [Text(accession, text, accession) for accession, text in shown.select("accession", "text").iter_rows()]
    groups = reader.groups(texts, profile.passages.blocks)
    assert reader.model  # is opened before the clock starts
    with Clock() as reading:
        documents = [document for parts in reader.read(groups) for part in parts for document in part.documents()]
    with Clock() as averaging:
        whole = dict(filings.select("accession", "text").iter_rows())
        passage_vector_rows(documents, found, whole, profile.passages.blocks, profile.activations.massive_norm)
    finding.wall, finding.processor = finding.wall + averaging.wall, finding.processor + averaging.processor
    return reading, finding


def label_seconds(windows: Windows) -> Clock:
    """Time the labels of all latents over 50,000 passages."""
    times = -(-PASSAGES // len(windows.texts))
    rows = np.tile(np.arange(len(windows.texts)), times)[:PASSAGES].tolist()
    copy = [i // len(windows.texts) for i in range(PASSAGES)]
    tiled = Windows(
        [windows.texts[row] for row in rows],
        [f"{windows.owners[row]}-{of}" for row, of in zip(rows, copy, strict=True)],
        [f"{windows.documents[row]}-{of}" for row, of in zip(rows, copy, strict=True)],
        windows.values[rows],
        windows.nearness[rows],
    )
    with Clock() as clock:
        label_latents(tiled, Labels())
    return clock


def _row(what: str, seconds: float, processor: float | None) -> dict[str, str]:
    return {"what": what, "seconds": f"{seconds:.3g}", "processor seconds": f"{processor:.3g}" if processor else ""}
