"""Entries of `saes`: which autoencoders are trained, in which order, from which parent, and their rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from assets.activations.shards import Shards
from assets.saes.corpus import kept_tokens
from assets.saes.sae import SaeConfig, TopKSae
from assets.saes.sampling import GroupSampler, layer_scales
from assets.saes.train import CurvePoint, train_sae
from assets.saes.transfer import warm_start
from resources.profile import Profile, Saes

LAST_POINTS = 10


@dataclass(frozen=True)
class Entry:
    """One autoencoder to be: its name, blocks, parent (None: from scratch), training tokens, and all it depends on."""

    name: str
    blocks: tuple[int, ...]
    parent: str | None
    tokens: int
    recipe: dict[str, Any]


def planned_entries(groups: pl.DataFrame, settings: Saes, corpus: str) -> list[Entry]:
    """Entries by first block; the `transfer.entries` after the first start from the entry before (paper C, forward).

    Parameters
    ----------
    groups : DataFrame
        Rows of `layer_groups`.
    corpus : str
        Digest of the corpus; a child's recipe holds its parent's, so that a changed parent retrains its children.
    """
    blocks = groups.sort("block").group_by("group", maintain_order=True).agg("block")
    entries: list[Entry] = []
    for number, (name, members) in enumerate(blocks.iter_rows()):
        parent = entries[-1] if 0 < number <= settings.transfer.entries else None
        tokens = settings.transfer.tokens if parent else settings.tokens
        recipe = {"blocks": list(members), "corpus": corpus, "tokens": tokens, "parent": parent and parent.recipe}
        entries.append(Entry(name, tuple(members), parent.name if parent else None, tokens, recipe))
    return entries


def train_entry(
    entry: Entry,
    shards: Shards,
    train: pl.DataFrame,
    profile: Profile,
    parent: TopKSae | None,
    progress: Callable[[int], None],
) -> tuple[TopKSae, list[CurvePoint]]:
    """Train one entry on the documents in `train` (first_row, tokens), massive activations left out."""
    streams = {block: shards.activations(block) for block in entry.blocks}
    keep = {block: kept_tokens(shards, train, block, profile.activations.massive_norm) for block in entry.blocks}
    scales = layer_scales(streams, keep)
    d_model, settings = shards.d_model, profile.saes
    config = SaeConfig(d_model, d_model * settings.expansion, settings.k, entry.blocks, scales)
    batches = GroupSampler(streams, keep, scales, settings.seed)
    start = warm_start(parent, config) if parent else None
    return train_sae(batches, config, settings, entry.tokens, start=start, progress=progress)


def sae_row(entry: Entry, config: SaeConfig, curve: Sequence[CurvePoint], weights: str) -> dict[str, Any]:
    """Row of `saes`; its FVU is the mean over the last points of the curve."""
    last = curve[-LAST_POINTS:]
    return {
        "entry": entry.name,
        "blocks": list(entry.blocks),
        "d_model": config.d_model,
        "n_latents": config.n_latents,
        "k": config.k,
        "parent": entry.parent,
        "tokens": curve[-1].tokens,
        "fvu": sum(point.fvu for point in last) / len(last),
        "sha256": weights,
    }


def curve_rows(entry: Entry, curve: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    """Rows of `sae_curves`."""
    return [{"entry": entry.name, **point._asdict()} for point in curve]
