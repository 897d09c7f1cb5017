"""The plan of `saes`: which autoencoders are trained, in which order, and from which parent."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from assets.saes.names import group_name
from assets.saes.training.transfer import parents
from resources.settings.saes import Saes


@dataclass(frozen=True)
class Entry:
    """One autoencoder of the plan, and all that it depends on."""

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

    Nothing where `settings.train` is false.

    Parameters
    ----------
    groups : DataFrame
        Rows of `layer_groups`.
    settings : Saes
        Who starts from whom, and for how long each is trained.
    corpus : str
        Digest of the corpus; a child's recipe holds its parent's, so that a changed parent retrains its children.
    """
    if not settings.train:
        return []
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
    """Return the fresh entries in waves of at most so many, trained together; a parent's is before its children's."""
    by_name = {entry.name: entry for entry in entries}

    def depth(entry: Entry) -> int:
        return 1 + depth(by_name[entry.parent]) if entry.parent else 0

    by_depth: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry in fresh:
            by_depth.setdefault(depth(entry), []).append(entry)
    return [wave[i : i + most] for _, wave in sorted(by_depth.items()) for i in range(0, len(wave), most)]
