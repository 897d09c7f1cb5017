"""Settings of the activation cache."""

from typing import Literal

from resources.settings.section import Positive, Section


class Activations(Section):
    """The activation cache."""

    blocks: list[int] | None = None
    """Zero-based blocks whose residual streams are read; empty for all."""
    keep: Literal["all", "corpus", "none"] = "all"
    """What stays on disk: every filing, only the SAE corpus, or nothing; results are the same."""
    batch_tokens: Positive | None = None
    """Tokens that a GPU reads at once, over all windows of a batch; empty: what suits it. A CPU reads windows alone."""
    shard_tokens: Positive | None = None
    """Tokens of a part, held in memory (at most 512 MiB) and lost by a crash; empty: what suits the hardware."""
    massive_norm: float = 10.0
    """Tokens whose norm is above this many medians of their block are left out of everything."""
