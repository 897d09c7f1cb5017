"""Settings of company features and of the labels of latents."""

from typing import Annotated, Literal

from pydantic import Field

from resources.settings.section import Block, Once, Section, Whole

Pooling = Literal["mean", "max", "sum", "log1p_sum"]
Weighting = Literal["excess", "idf", "none"]
Quality = Literal["ok", "short", "disagree"]


class Features(Section):
    """Company features."""

    blocks: Annotated[list[Block], Field(min_length=1), Once] = [24]
    """Blocks whose latents describe a company."""
    pooling: Pooling = "mean"
    """How token activations become one number; `sum` is the paper's."""
    weighting: Weighting = "excess"
    """`excess`: standard deviations above the mean company; `idf`: down with the number of companies that have it."""
    min_quality: Quality = "short"
    """Least quality of a text that describes a company; a text in doubt (`disagree`) is used only by choice."""


class Labels(Section):
    """Labels of latents."""

    top_tokens: Annotated[Whole, Field(gt=0, le=10_000)] = 24
    """Strongest tokens looked at per latent."""
    examples: Annotated[Whole, Field(gt=0, le=1000)] = 3
    """Example windows kept per latent."""
