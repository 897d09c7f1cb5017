"""Labels of all entries of the two views."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from assets import schemas
from assets.activations.source import CorpusReader
from assets.features.explaining import with_explanations
from assets.features.labels.bundled import with_bundled_labels
from assets.features.labels.explained import Explaining, explained
from assets.features.labels.label import label_latents
from assets.features.labels.sources import passage_windows, token_windows
from assets.features.labels.windows import Windows
from assets.saes.stored import StoredSaes
from resources.settings.features import Labels, View

SPLITS = ("train", "validation", "held_out")


def label_passages(
    corpus: pl.DataFrame,
    entries: pl.DataFrame,
    saes: StoredSaes,
    settings: Labels,
    explaining: Explaining | None,
    progress: Callable[[int], None],
    bundled: Path | None = None,
) -> pl.DataFrame:
    """Return rows of `latent_labels` of the autoencoders over passages (rows entry, block); `progress` by entries.

    `bundled` is the folder of the bundled autoencoder, where it is in use: its labels come with it.
    """
    rows = [schemas.LATENT_LABELS.empty()]
    for entry, block in entries.select("entry", "block").iter_rows():
        windows = passage_windows(corpus, saes.load(entry), block)
        rows.append(_labelled(windows, "passages", entry, block, settings, explaining, bundled))
        progress(1)
    return pl.concat(rows)


def label_tokens(
    corpus: CorpusReader,
    passages: pl.DataFrame,
    entries: pl.DataFrame,
    saes: StoredSaes,
    settings: Labels,
    explaining: Explaining | None,
    *,
    massive_norm: float,
    progress: Callable[[int], None],
) -> pl.DataFrame:
    """Return rows of `latent_labels` of the autoencoders over tokens; one is in memory at a time.

    The three sets of companies cut through all splits of the corpus: labels are no part of training.

    Parameters
    ----------
    passages : DataFrame
        Rows of `passages` of kind text, of the filings of the corpus.
    entries : DataFrame
        Rows entry, block.
    """
    pairs = entries.select("entry", "block").rows()
    parts: dict[tuple[str, int], list[Windows]] = {pair: [] for pair in pairs}
    for split in SPLITS:
        with corpus.open(split) as (index, shards):
            for entry, block in pairs:
                sae = saes.load(entry)
                parts[entry, block].append(token_windows(index, shards, passages, sae, block, massive_norm))
    rows = [schemas.LATENT_LABELS.empty()]
    for entry, block in pairs:
        windows = Windows.joined(parts.pop((entry, block)))
        rows.append(_labelled(windows, "tokens", entry, block, settings, explaining))
        progress(1)
    return pl.concat(rows)


def _labelled(
    windows: Windows,
    view: View,
    entry: str,
    block: int,
    settings: Labels,
    explaining: Explaining | None,
    bundled: Path | None = None,
) -> pl.DataFrame:
    columns: Sequence[str] = schemas.LATENT_LABELS.empty().columns
    labels = label_latents(windows, settings)
    if bundled:
        labels = with_bundled_labels(labels, bundled)
    phrases = explained(windows, labels, explaining) if explaining else None
    where = {"view": pl.lit(view), "entry": pl.lit(entry), "block": pl.lit(block, pl.Int32)}
    return with_explanations(labels, phrases).with_columns(**where).select(columns)
