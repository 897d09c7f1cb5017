"""Settings of passages, and of the autoencoders over them."""

from typing import Annotated, Literal

from pydantic import Field

from resources.settings.section import Block, Once, Positive, Section, Seed, Whole


class Passages(Section):
    """The units in which a description is read."""

    blocks: Annotated[list[Block], Field(min_length=1), Once] = [24]
    """Blocks whose residual streams are averaged over each passage."""
    max_per_filing: Positive = 400
    """A description is read up to this many passages."""
    repeated_in: Annotated[Whole, Field(ge=2, le=10_000)] = 3
    """Wording that so many other companies had, in filings of the year up to this one, is boilerplate."""
    corpus_passages: Positive = 50_000
    """Passages that autoencoders are trained on, at the most: whole filings up to `corpus.cutoff`, pinned."""


class PassageSaes(Section):
    """Autoencoders over passages."""

    source: Literal["train", "bundled"] = "train"
    """`train`: on the pinned passages of this profile; `bundled`: the one that comes with peerlens."""
    latents: Positive = 512
    """Themes."""
    k: Positive = 12
    """Latents active per passage."""
    activation: Literal["topk", "batch_topk"] = "topk"
    """How the active ones are chosen."""
    passages: Positive = 460_800
    """Passages seen in training, at the most; the corpus is passed over as often as it takes."""
    batch: Positive = 512
    """Passages per step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    """Of Adam."""
    seed: Seed = 0
    """Of the start and of the order of batches."""
    second_seed: Seed | None = 1
    """Another one is trained from it, to see whether it finds the same; empty for none."""
