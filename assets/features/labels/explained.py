"""Gives the windows of an autoencoder's latents to the explainer: those that made and scored their labels."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from assets.features.explainer_prompts import marked
from assets.features.explaining import Client, LatentWindows, explain
from assets.features.labels.windows import Windows, draw
from assets.marked_words import word_pattern
from resources.lake.progress import OpenBar
from resources.settings.explainer import Explainer


class Explaining(NamedTuple):
    """A language model, what it is to be asked, and where that is shown."""

    client: Client
    settings: Explainer
    open_bar: OpenBar
    log: Callable[[str], None]


def explained(windows: Windows, labels: pl.DataFrame, by: Explaining) -> pl.DataFrame:
    """Return rows of `explain` for the latents of an autoencoder; `labels` are their rows of `label_latents`."""
    latents = latent_windows(windows, labels)
    with by.open_bar(len(latents), "latents explained") as progress:
        return explain(latents, by.client, by.settings, progress, by.log)


def latent_windows(windows: Windows, labels: pl.DataFrame) -> dict[int, LatentWindows]:
    """Return the windows that make and score explanations, by latent, the latent with most activation first.

    They are drawn as for labels, from the label's level on, with its words and terms marked.
    """
    mass = windows.values.sum(axis=0, dtype=np.float64)
    rows = labels.select("latent", "level", "words", "terms").rows()
    ordered = sorted(rows, key=lambda row: (-mass[row[0]], row[0]))
    return {
        latent: _windows_of(windows, latent, level or 0.0, [*terms, *words]) for latent, level, words, terms in ordered
    }


def _windows_of(windows: Windows, latent: int, level: float, words: list[str]) -> LatentWindows:
    made, _, scored = windows.sets
    pattern = word_pattern(words)
    of_made, of_scored = (
        draw(windows.values[:, latent], windows.nearness[:, latent], rows, level, latent) for rows in (made, scored)
    )
    kinds = (of_made.active, of_scored.active, of_scored.inactive)
    return LatentWindows(*([marked(windows.texts[row], pattern) for row in kind] for kind in kinds))
