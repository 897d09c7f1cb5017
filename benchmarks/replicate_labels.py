"""Detection scores of replicate.py: whether a latent of a shared autoencoder is as easily told as one of a block's own.

A label is a rule of words, made, chosen and scored on three sets of descriptions by the product's code; its window is
a passage, in which a latent is as active as on its strongest token. Group-SAE (arXiv:2410.21508) asks a language model
to explain and to detect, so levels are not alike: what can be compared is the difference between rows.

It is kept cheap: `TEXTS` descriptions, the blocks on which transfer is tried, and `LATENTS` latents of each
autoencoder, drawn among those active in enough passages. The autoencoders may have been trained on these descriptions;
what is kept apart is who makes a label and who scores it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from passage_texts import UNDATED
from replicate_runs import Laboratory, Variant
from scipy.stats import norm
from tables import show

from assets.activations.shards.shards import Shards
from assets.features.labels.label import label_latents
from assets.features.labels.sources import token_windows
from assets.passages.finding import find_passages
from assets.passages.repeated import mark_repeated
from assets.saes.model.sae import Sae
from assets.saes.names import group_name
from resources.lake.digests import digest_of
from resources.models.tokenizer import open_tokenizer

if TYPE_CHECKING:
    from replicate import Plan

TEXTS, LATENTS, LEAST_ACTIVE = 300, 300, 20
"""Descriptions; latents of an autoencoder at a block; passages in which one of these must be active."""
PAPER = {"chosen groups": "70.9 / 66.2 / 65.9", "one group": "61.5 / 61.5 / 60.4"}
"""Detection in percent, of Pythia 160M, 410M and 1B (Group-SAE)."""
NORMAL = float(norm.ppf(0.975))
"""Standard errors in half of a 95 % interval."""


class Tally(NamedTuple):
    """A mean over latents, with half of its 95 % interval."""

    mean: float
    half_width: float

    def __sub__(self, other: "Tally") -> "Tally":
        """Return the difference of the means of two sets of autoencoders, none of which is in both."""
        return Tally(self.mean - other.mean, float(np.hypot(self.half_width, other.half_width)))

    def __str__(self) -> str:
        """In percent, or points."""
        return f"{100 * self.mean:.1f} ± {100 * self.half_width:.1f}"


def tally(scores: pl.DataFrame) -> Tally:
    """Return the mean of a column `score`, the interval by autoencoders' latents (column `latent_of`).

    A latent of a shared autoencoder may be drawn at several blocks, and is then no new evidence each time: what is
    summed over a latent's blocks before it is squared is the sandwich estimate for clusters, with their n / (n - 1).
    Of fewer than two latents, nothing is known.
    """
    if scores["latent_of"].n_unique() < 2:
        return Tally(float("nan"), float("nan"))
    off = scores.select("latent_of", off=pl.col("score") - pl.col("score").mean())
    sums = off.group_by("latent_of").agg(pl.col("off").sum())["off"]
    variance = float((sums**2).sum()) / scores.height**2 * len(sums) / (len(sums) - 1)
    return Tally(float(scores["score"].mean()), NORMAL * variance**0.5)


def show_detection(laboratory: Laboratory, plan: "Plan", seeds: int) -> None:
    """Print a table of per-layer autoencoders, the chosen groups and one group for all, and one of differences."""
    passages = _Passages(laboratory)
    found = {name: _all_labels(passages, variant, plan.targets, seeds) for name, variant in plan.detection.items()}
    title = f"Labels of words, blocks {plan.targets}, seeds: {seeds}; the paper's detection is a language model's"
    names = {name: f"{name} ({variant.name})" for name, variant in plan.detection.items()}
    show(title, pl.DataFrame([{"autoencoders": names[name]} | counts(rows) for name, rows in found.items()]))
    rows = [detection(rows) | {"paper": PAPER.get(name, "")} for name, rows in found.items()]
    show(
        "Detection in percent, mean and 95 % interval over latents: of those scored; of all, no label counting as 50",
        pl.DataFrame([{"autoencoders": name} | row for name, row in zip(found, rows, strict=True)]),
    )
    pairs = [("chosen groups", "one group"), ("chosen groups", "per layer"), ("one group", "per layer")]
    show(
        "Differences in points",
        pl.DataFrame([{"difference": f"{a} - {b}"} | difference(found[a], found[b]) for a, b in pairs]),
    )


def counts(labels: pl.DataFrame) -> dict[str, object]:
    """Return how many latents there are, how many have a label, and how many a score, at a block and seed each."""
    scored = labels["detection_score"].drop_nulls()
    return {
        "latents": labels.height,
        "labelled": labels["label"].count(),
        "scored": len(scored),
        "share labelled": f"{labels['label'].is_not_null().mean():.1%}",
        ".7 or more of the scored": f"{(scored >= 0.7).mean():.1%}" if len(scored) else "",
    }


def detection(labels: pl.DataFrame) -> dict[str, object]:
    """Return the detection of those scored, by seed and block, and of all latents."""
    scored, every = scores_of(labels)
    by = {f"by {key}": " ".join(f"{mean:.1f}" for mean in _means(scored, key)["mean"]) for key in ("seed", "block")}
    return {"scored": str(tally(scored)), **by, "all": str(tally(every))}


def difference(ours: pl.DataFrame, theirs: pl.DataFrame) -> dict[str, object]:
    """Return what one set of autoencoders has over another: scored, by seed, all."""
    (scored, every), (others, others_all) = scores_of(ours), scores_of(theirs)
    by_seed = _means(scored, "seed").join(_means(others, "seed"), on="seed").sort("seed")
    return {
        "scored": str(tally(scored) - tally(others)),
        "by seed": " ".join(f"{ours - theirs:+.1f}" for _, ours, theirs in by_seed.iter_rows()),
        "all": str(tally(every) - tally(others_all)),
    }


def scores_of(labels: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return rows with a column `score`: latents with a score, and these with those that have no label.

    Only what tells a latent where it was made and chosen becomes a label, so the scored ones are a choice, and a way
    whose latents are harder to label may lose nothing but their number. A rule that says nothing would score .5.
    """
    scored = labels.filter(pl.col("detection_score").is_not_null()).with_columns(score="detection_score")
    unlabelled = labels.filter(pl.col("label").is_null()).with_columns(score=pl.lit(0.5))
    return scored, pl.concat([scored, unlabelled])


def _means(scored: pl.DataFrame, key: str) -> pl.DataFrame:
    return scored.group_by(key).agg(mean=100 * pl.col("score").mean()).sort(key)


def _all_labels(passages: "_Passages", variant: Variant, blocks: list[int], seeds: int) -> pl.DataFrame:
    return pl.concat(passages.labels(variant, block, seed) for seed in range(seeds) for block in blocks)


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

    def labels(self, variant: Variant, block: int, seed: int) -> pl.DataFrame:
        """Return label and score of latents drawn among those of the block's autoencoder; kept beside it."""
        group = next(group for group in variant.groups if block in group)
        asked = digest_of([TEXTS, LATENTS, LEAST_ACTIVE, self._laboratory.profile.labels.model_dump(mode="json")])
        file = self._laboratory.file(variant.name, seed, group).with_name(f"labels-{block}-{asked[:8]}.parquet")
        if not file.is_file():
            sae = self._laboratory.sae(variant.name, seed, group).eval()
            rows = self._labelled(sae, block).select("latent", "label", "detection_score")
            rows.write_parquet(file)
        of = pl.format(f"{seed} {group_name(group)} {{}}", "latent")
        return pl.read_parquet(file).with_columns(seed=pl.lit(seed), block=pl.lit(block), latent_of=of)

    def _labelled(self, sae: Sae, block: int) -> pl.DataFrame:
        """Return rows of `latent_labels`."""
        profile = self._laboratory.profile
        windows = token_windows(self._index, self._shards, self._prose, sae, block, profile.activations.massive_norm)
        often = np.flatnonzero((windows.values > 0).sum(axis=0) >= LEAST_ACTIVE)
        drawn = np.sort(np.random.default_rng(block).permutation(often)[:LATENTS])
        values, nearness = (part[:, drawn] for part in (windows.values, windows.nearness))
        labels = label_latents(replace(windows, values=values, nearness=nearness), profile.labels)
        return labels.with_columns(latent=pl.Series(drawn)[labels["latent"].to_list()])  # not numbered by the draw
