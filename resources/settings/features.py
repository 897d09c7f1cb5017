"""Settings of company features and of the labels of latents."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Block, Once, Real, Section, Whole

View = Literal["passages", "tokens"]
Pooling = Literal["mean", "max", "sum", "log1p_sum"]
Weighting = Literal["excess", "idf", "sqrt_idf", "log_idf", "none"]
Quality = Literal["ok", "short", "disagree"]


class Views(Section):
    """What share of a similarity each way to describe a company has; a share of 0 leaves it out."""

    passages: Annotated[Real, Field(ge=0, le=1)] = 0.95
    """Themes: latents of whole passages."""
    tokens: Annotated[Real, Field(ge=0, le=1)] = 0.05
    """Words: latents of tokens, the paper's way."""

    @model_validator(mode="after")
    def _one_counts(self) -> Self:
        if self.passages == self.tokens == 0:
            raise ValueError("passages and tokens are both 0, and nothing describes a company; give one a share")
        return self


class Features(Section):
    """Company features."""

    views: Views = Views()
    """The two ways to describe a company, in shares of the similarity of method sae."""
    blocks: Annotated[list[Block], Field(min_length=1), Once] = [8, 27]
    """Blocks whose token latents describe a company."""
    pooling: Pooling = "mean"
    """How token activations become one number; `sum` is the paper's."""
    weighting: Weighting = "sqrt_idf"
    """Of tokens. `excess`: standard deviations above the mean company; `idf`: the value, down with the number of
    companies that have it; `sqrt_idf` and `log_idf`: so of its root or of ln(1 + value)."""
    told_weight: Annotated[Real, Field(ge=1, le=10)] = 2.0
    """How much more a latent counts whose label tells it (detection score of at least .7); 1: all count alike."""
    min_quality: Quality = "short"
    """Least quality of a text that describes a company; a text in doubt (`disagree`) is used only by choice."""


class Labels(Section):
    """Labels of latents."""

    words: Annotated[Whole, Field(gt=0, le=1000)] = 24
    """Words and phrases kept per latent, besides those of its label: by these a text can say a theme."""
    examples: Annotated[Whole, Field(gt=0, le=1000)] = 3
    """Example passages kept per latent, each of another company."""
