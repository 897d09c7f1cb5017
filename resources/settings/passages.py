"""Settings of passages, and of the autoencoders over them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Block, LearningRate, Once, Positive, Section, Seed, Whole


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
    latents: Annotated[Whole, Field(ge=2, le=10**6)] = 512
    """Themes; fewer where the corpus has not twelve passages of different wording for each."""
    k: Annotated[Whole, Field(gt=0, le=10**4)] = 12
    """Latents active per passage, half of all at the most; of batch_topk, on average."""
    activation: Literal["topk", "batch_topk"] = "topk"
    """How the active ones are chosen."""
    passages: Positive = 307_200
    """Passages seen in training, at the most; the corpus is passed over as often as it takes."""
    batch: Annotated[Whole, Field(ge=2, le=10**6)] = 512
    """Passages per step; the whole corpus where it has fewer."""
    learning_rate: LearningRate = 0.001
    """Adam's learning rate at its peak."""
    seed: Seed = 0
    """Of the order of batches; the start is clusters of the corpus."""
    second_seed: Seed | None = 1
    """Another one is trained from it, to see whether it finds the same; empty for none."""

    @model_validator(mode="after")
    def _two_seeds(self) -> Self:
        if self.second_seed == self.seed:
            raise ValueError(f"seed and second_seed are both {self.seed}, which says nothing of stability; change one")
        if 2 * self.k > self.latents:
            raise ValueError(f"k = {self.k} of {self.latents} latents is more than half of them; lower passage_saes.k")
        return self
