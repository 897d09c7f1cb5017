"""Settings of company features and of the labels of latents."""

from typing import Literal

from resources.settings.section import Positive, Section

Pooling = Literal["mean", "max", "sum", "log1p_sum"]
Weighting = Literal["excess", "idf", "none"]
Quality = Literal["ok", "short", "disagree"]


class Features(Section):
    """Company features."""

    blocks: list[int] = [24]
    """Blocks whose latents describe a company."""
    pooling: Pooling = "mean"
    """How token activations become one number; `sum` is the paper's."""
    weighting: Weighting = "excess"
    """`excess`: standard deviations above the mean company; `idf`: down with the number of companies that have it."""
    min_quality: Quality = "short"
    """Least quality of a text that describes a company; a text in doubt (`disagree`) is used only by choice."""


class Labels(Section):
    """Labels of latents."""

    top_tokens: Positive = 24
    """Strongest tokens looked at per latent."""
    examples: Positive = 3
    """Example windows kept per latent."""
