"""What grouped sparse autoencoders are predicted to cost, in FLOP (Group-SAE; docs/method.md)."""

from dataclasses import dataclass


def harvest_flop(tokens: float, n_layers: int, d_model: int, context: int) -> float:
    """Return the FLOP of running `n_layers` blocks over `tokens`: N (24 L d^2 + 4 L n d) (docs/method.md)."""
    return tokens * (24 * n_layers * d_model**2 + 4 * n_layers * context * d_model)


def sae_flop(tokens: float, d_model: int, expansion: float) -> float:
    """Return the FLOP of training one sparse autoencoder on `tokens`: 10 c d^2 N (docs/method.md)."""
    return 10 * expansion * d_model**2 * tokens


@dataclass(frozen=True)
class CostModel:
    """FLOP of reading and of training (docs/method.md)."""

    d_model: int
    """Width of the residual stream."""
    expansion: int
    """Latents per dimension of it."""
    context: int = 1024
    """Tokens read at once."""
    passes: float = 1.0
    """Tokens that an autoencoder is trained on, per token that the model reads."""

    def ratio(self, n_groups: int, n_layers: int, depth: int = 0) -> float:
        """Return (A + (G + 1) T) / (A + L T): groups and the last block against one sparse autoencoder per block.

        `depth` is how many blocks the model runs through to reach them; 0: `n_layers`.
        """
        harvest = harvest_flop(1, depth or n_layers, self.d_model, self.context)
        training = sae_flop(self.passes, self.d_model, self.expansion)
        return (harvest + (n_groups + 1) * training) / (harvest + n_layers * training)
