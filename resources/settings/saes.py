"""Settings of the sparse autoencoders: training, transfer, downloads and scores."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from resources.settings.section import (
    Block,
    LearningRate,
    Place,
    Positive,
    Real,
    Section,
    Seed,
    ShareBelowOne,
    Tokens,
    Whole,
)

Activation = Literal["topk", "batch_topk", "jump_relu"]
Direction = Literal["forward", "backward", "tree"]


class Transfer(Section):
    """Training by transfer from another entry (paper C)."""

    direction: Direction = "forward"
    """`forward`: from the group before; `backward`: from the group after; `tree`: every block of a group gets one of
    its own that starts from the group's."""
    entries: Annotated[Whole, Field(ge=0, le=1000)] = 1
    """How many groups start from a neighbour, counted from the first (backward: the last) that has one; of `tree`, how
    many groups are split into their blocks."""
    tokens: Positive = 60_000
    """Training tokens of a transferred entry, at the most."""
    learning_rate: LearningRate = 4e-3
    """Adam's learning rate at its peak; the paper's is a third of that from scratch."""


class Download(Section):
    """A sparse autoencoder that others trained."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
    """Its entry; those that are trained here are called `block-08`, `blocks-08-11`."""
    path: Place
    """Folder with cfg.json and sae.safetensors (sparsify, Group-SAE) or sae_weights.safetensors (SAELens 6)."""
    block: Block
    """Zero-based block whose residual stream it reads."""
    scale: Annotated[Real, Field(gt=0, le=1e12)] | None = None
    """What activations are multiplied by before it reads them, where it was trained so; empty: 1."""

    @field_validator("name")
    @classmethod
    def _not_of_ours(cls, name: str) -> str:
        if re.match(r"blocks?-\d", name):
            raise ValueError("what is trained here is called like that; choose another name")
        return name


class Saes(Section):
    """Sparse autoencoders."""

    train: bool = True
    """Whether one is trained for each group of blocks; false: only `downloads` are there."""
    activation: Activation = "topk"
    """Which latents are active: the k strongest of a token, of a batch, or those above a threshold of their own."""
    block_biases: bool = True
    """Whether the blocks that share an autoencoder have biases of their own; false is the paper's."""
    expansion: Annotated[Whole, Field(gt=0, le=1024)] = 4
    """Latents per dimension of the residual stream."""
    k: Annotated[Whole, Field(gt=0, le=10**6)] = 32
    """Latents active per token; of batch_topk and jump_relu, on average."""
    tokens: Positive = 300_000
    """Training tokens of each entry trained from scratch, at the most, in as many passes as it takes."""
    stop_gain: ShareBelowOne = 0.01
    """Training winds down where validation FVU fell by less than this share over its last fifth; 0: never early."""
    batch_tokens: Tokens = 512
    """Tokens per step."""
    learning_rate: LearningRate = 4e-3
    """Adam's learning rate at its peak."""
    aux_weight: Annotated[Real, Field(ge=0, le=1000)] = 1 / 32
    """Weight of the auxiliary loss that revives dead latents."""
    dead_after_tokens: Positive = 30_000
    """A latent silent for this many tokens is dead."""
    sparsity_weight: Annotated[Real, Field(ge=0, le=1000)] = 1.0
    """Of jump_relu: weight of ((active latents) / k - 1)^2 beside FVU."""
    seed: Seed = 0
    """Seed of initial weights and batches."""
    transfer: Transfer = Transfer()
    """Which entries are trained by transfer."""
    downloads: list[Download] = []
    """Sparse autoencoders that others trained: entries beside those trained here."""

    @field_validator("downloads")
    @classmethod
    def _each_by_its_name(cls, downloads: list[Download]) -> list[Download]:
        names = [one.name for one in downloads]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"more than one is called {', '.join(twice)}; give each a name of its own")
        return downloads


class Scores(Section):
    """Scores of the sparse autoencoders."""

    ce_tokens: Annotated[Whole, Field(gt=0, le=100_000)] = 500
    """Held-out tokens for the cross-entropy score."""
