"""Settings of the activation cache."""

from typing import Annotated, Literal

from pydantic import Field

from resources.settings.section import Block, Once, Real, Section, Tokens


class Activations(Section):
    """The activation cache."""

    blocks: Annotated[list[Block], Field(min_length=1), Once] | None = None
    """Zero-based blocks whose residual streams are read; empty for all."""
    keep: Literal["all", "corpus", "none"] = "all"
    """What stays on disk: every filing, only the SAE corpus, or nothing; results are the same."""
    batch_tokens: Tokens | None = None
    """Tokens that a GPU reads at once, over all windows of a batch; empty: what suits it. A CPU reads windows alone."""
    shard_tokens: Tokens | None = None
    """Tokens of a part, held in memory (at most 512 MiB) and lost by a crash; empty: what suits the hardware."""
    massive_norm: Annotated[Real, Field(gt=1, le=1e12)] = 10.0
    """Tokens whose norm is above this many medians of their block are left out of everything."""
