"""Transfer between layers: start from a neighbouring group's finished autoencoder (Ghilardi et al. 2024)."""

import torch

from assets.saes.sae import SaeConfig, TopKSae


class TransferMismatchError(ValueError):
    """Weights of one shape cannot start an autoencoder of another."""


@torch.no_grad()
def warm_start(parent: TopKSae, config: SaeConfig) -> TopKSae:
    """Return an autoencoder for `config` with all weights of `parent`, which is left as it is (paper C; METHOD.md C).

    The [honest] rescaling by the ratio of the layers' norms is already in the scales: every block is multiplied by its
    own, 1 / mean norm, before it is encoded, so parent and child both see inputs with a mean norm of 1. Raises
    TransferMismatchError where the dimensions differ.
    """
    ours, theirs = (config.d_model, config.n_latents), (parent.config.d_model, parent.config.n_latents)
    if ours != theirs:
        raise TransferMismatchError(
            f"cannot start [d_model, n_latents] = {list(ours)} from {list(theirs)}: train it from scratch"
        )
    child = TopKSae(config)
    child.load_state_dict(parent.state_dict())
    return child
