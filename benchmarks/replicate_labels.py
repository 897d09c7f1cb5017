"""Detection scores of replicate.py: whether a latent of a shared autoencoder is as easily told as one of a block's own.

A label is a rule of words, made, chosen and scored on three sets of descriptions by the product's code; its window is
a passage, in which a latent is as active as on its strongest token. Group-SAE (arXiv:2410.21508) asks a language model
to explain and to detect, so levels are not alike: what can be compared is the difference between rows.

It is kept cheap: `TEXTS` descriptions, the blocks on which transfer is tried, and `LATENTS` latents of each
autoencoder, drawn among those active in enough passages. The autoencoders may have been trained on these descriptions;
what is kept apart is who makes a label and who scores it.
"""

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from passage_texts import UNDATED
from replicate_runs import Laboratory, Variant

from assets.activations.shards.shards import Shards
from assets.features.labels.label import label_latents
from assets.features.labels.sources import token_windows
from assets.passages.finding import find_passages
from assets.passages.repeated import mark_repeated
from resources.models.tokenizer import open_tokenizer

if TYPE_CHECKING:
    from replicate import Plan

TEXTS, LATENTS, LEAST_ACTIVE = 300, 300, 20
"""Descriptions; latents of an autoencoder at a block; passages in which one of these must be active."""
PAPER = {"chosen groups": "70.9 / 66.2 / 65.9", "one group": "61.5 / 61.5 / 60.4"}
"""Detection in percent, of Pythia 160M, 410M and 1B (Group-SAE)."""


def detection_table(laboratory: Laboratory, plan: "Plan") -> pl.DataFrame:
    """Return a row for per-layer autoencoders, the chosen groups and one group for all: means over the same blocks."""
    passages = _Passages(laboratory)
    chosen, one = plan.groups(plan.knee), plan.groups(1)
    ways = {"per layer": plan.per_layer, "chosen groups": chosen, "one group": one}
    return pl.DataFrame([_row(name, passages, variant, plan.targets) for name, variant in ways.items()])


def _row(name: str, passages: "_Passages", variant: Variant, blocks: list[int]) -> dict[str, object]:
    found = [passages.labels(variant, block) for block in blocks]
    scores = [labels["detection_score"].drop_nulls() for labels in found]
    every = pl.concat(scores)
    return {
        "autoencoders": f"{name} ({variant.name})",
        "blocks": " ".join(map(str, blocks)),
        "latents": sum(labels.height for labels in found),
        "labelled": sum(labels["label"].count() for labels in found),
        "scored": len(every),
        "detection": f"{fmean(every):.1%}" if len(every) else "",
        "by block": " ".join(f"{100 * fmean(one):.1f}" if len(one) else "-" for one in scores),
        ".7 or more": f"{fmean(every >= 0.7):.0%}" if len(every) else "",
        "paper": PAPER.get(name, ""),
    }


class _Passages:
    """Prose passages of some descriptions of the laboratory, and what latents do in them."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory, profile = laboratory, laboratory.profile
        texts = [text for text in laboratory.texts if text.text.strip()][:TEXTS]
        rows = pl.DataFrame({"accession": [t.accession for t in texts], "text": [t.text for t in texts]})
        rows = rows.with_columns(company_id=pl.col("accession"), filed_at=pl.lit(UNDATED))
        tokenizer = open_tokenizer(profile.model, laboratory.models)
        found = find_passages(rows, tokenizer.tokenize, profile.passages.max_per_filing)
        self._prose = mark_repeated(found, rows, profile.passages.repeated_in).filter(kind="text")
        self._shards = Shards(laboratory.folder / "shards", order=rows["accession"].to_list())
        places = [(name, place.first_row, place.tokens) for name, place in self._shards.places.items()]
        index = pl.DataFrame(places, schema=["accession", "first_row", "tokens"], orient="row")
        self._index = index.join(rows.select("accession", "text"), on="accession", maintain_order="left")

    def labels(self, variant: Variant, block: int) -> pl.DataFrame:
        """Return rows of `latent_labels` of latents drawn among those of the block's autoencoder."""
        profile = self._laboratory.profile
        group = next(group for group in variant.groups if block in group)
        sae, massive = self._laboratory.sae(variant.name, 0, group).eval(), profile.activations.massive_norm
        windows = token_windows(self._index, self._shards, self._prose, sae, block, massive)
        often = np.flatnonzero((windows.values > 0).sum(axis=0) >= LEAST_ACTIVE)
        drawn = np.sort(np.random.default_rng(block).permutation(often)[:LATENTS])
        values, nearness = (part[:, drawn] for part in (windows.values, windows.nearness))
        return label_latents(replace(windows, values=values, nearness=nearness), profile.labels)
