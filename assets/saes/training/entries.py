"""Entries of `saes`: which autoencoders there are to be, in which order, from which parent, and their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from assets.saes.grouping.flop import sae_flop
from assets.saes.grouping.layer_groups import group_name
from assets.saes.model.sae import SaeConfig
from assets.saes.training.step import CurvePoint
from assets.saes.training.transfer import parents
from resources.settings.saes import Saes

LAST_POINTS = 10


@dataclass(frozen=True)
class Entry:
    """One autoencoder to be trained, and all that it depends on."""

    name: str
    """`blocks-08-11`."""
    blocks: tuple[int, ...]
    """Blocks it reads."""
    parent: str | None
    """Entry whose weights it starts from; None: from scratch."""
    tokens: int
    """Tokens it is trained on at the most."""
    recipe: dict[str, Any]
    """All that it depends on beside code and settings."""


def planned_entries(groups: pl.DataFrame, settings: Saes, corpus: str) -> list[Entry]:
    """Return what is trained: an entry per group, by first block, and after them the children of `transfer: tree`.

    Parameters
    ----------
    groups : DataFrame
        Rows of `layer_groups`.
    settings : Saes
        Who starts from whom, and for how long each is trained.
    corpus : str
        Digest of the corpus; a child's recipe holds its parent's, so that a changed parent retrains its children.
    """
    members = groups.sort("block").group_by("group", maintain_order=True).agg("block")
    transfer = settings.transfer
    planned = parents(members["block"].to_list(), transfer.direction, transfer.entries)
    names = [*members["group"], *(group_name(blocks) for blocks, _ in planned[members.height :])]

    @cache
    def entry(i: int) -> Entry:
        (blocks, of), name = planned[i], names[i]
        parent = None if of is None else entry(of)
        tokens, rate = settings.tokens, settings.learning_rate
        if parent:
            tokens, rate = transfer.tokens, transfer.learning_rate
        recipe = {"blocks": list(blocks), "corpus": corpus, "tokens": tokens, "learning_rate": rate}
        recipe["parent"] = parent.recipe if parent else None
        return Entry(name, blocks, parent.name if parent else None, tokens, recipe)

    return [entry(i) for i in range(len(planned))]


def training_waves(entries: Sequence[Entry], fresh: Sequence[Entry], most: int) -> list[list[Entry]]:
    """Return the fresh ones in turns of at most so many, trained together; a parent's turn is before its children's."""
    of = {entry.name: entry for entry in entries}

    def depth(entry: Entry) -> int:
        return 1 + depth(of[entry.parent]) if entry.parent else 0

    by_depth: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry in fresh:
            by_depth.setdefault(depth(entry), []).append(entry)
    return [due[i : i + most] for _, due in sorted(by_depth.items()) for i in range(0, len(due), most)]


def sae_row(
    name: str, config: SaeConfig, parent: str | None, curve: Sequence[CurvePoint], sha256: str
) -> dict[str, Any]:
    """Row of `saes`; its FVU is the mean over the last points of the curve. A downloaded one has no curve."""
    last = curve[-LAST_POINTS:]
    held_out = [point.held_out_fvu for point in curve if point.held_out_fvu is not None]
    tokens = curve[-1].tokens if curve else 0
    return {
        "entry": name,
        "blocks": list(config.blocks),
        "d_model": config.d_model,
        "n_latents": config.n_latents,
        "activation": config.activation,
        "k": config.k,
        "parent": parent,
        "tokens": tokens,
        "flop": sae_flop(tokens, config.d_model, config.n_latents / config.d_model),
        "fvu": sum(point.fvu for point in last) / len(last) if last else None,
        "validation_fvu": held_out[-1] if held_out else None,
        "sha256": sha256,
    }


def curve_rows(name: str, curve: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    """Rows of `sae_curves`."""
    return [{"entry": name, **point._asdict()} for point in curve]
