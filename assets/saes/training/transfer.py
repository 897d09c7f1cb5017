"""Transfer between layers: start from another entry's finished autoencoder (Ghilardi et al. 2024; docs/method.md)."""

from collections.abc import Sequence

import torch

from assets.saes.model.sae import Sae, SaeConfig
from resources.settings.saes import Direction


class TransferMismatchError(ValueError):
    """Weights of one shape cannot start an autoencoder of another."""


@torch.no_grad()
def warm_start(parent: Sae, config: SaeConfig) -> Sae:
    """Return an autoencoder for `config` with all weights of `parent`, which is left as it is (paper C).

    Where the parent has biases per block, a block starts with those of the parent's block that is nearest to it. The
    [honest] rescaling by the ratio of the layers' norms is already in the scales: every block is multiplied by its own,
    1 / mean norm, before it is encoded, so parent and child both see inputs with a mean norm of 1.

    Raises
    ------
    TransferMismatchError
        The dimensions or the activation differ.
    """
    ours, theirs = _shape(config), _shape(parent.config)
    if ours != theirs:
        raise TransferMismatchError(
            f"cannot start [d_model, n_latents, activation] = {list(ours)} from {list(theirs)}: train it from scratch"
        )
    child = Sae(config)
    weights = parent.state_dict()
    for name in ("encoder.bias", "b_dec"):
        weights[name] = _biases(weights[name], parent.config, config)
    child.load_state_dict(weights)
    return child


def _shape(config: SaeConfig) -> tuple[int, int, str]:
    return config.d_model, config.n_latents, config.activation


def _biases(bias: torch.Tensor, parent: SaeConfig, child: SaeConfig) -> torch.Tensor:
    """Return rows of a parent's bias for the child's blocks; their mean where the child has one for all."""
    rows = bias.view(parent.bias_rows, -1)
    if parent.bias_rows > 1:
        rows = torch.stack([rows[nearest(block, parent.blocks)] for block in child.blocks])
    if child.bias_rows == 1:
        return rows.mean(dim=0)
    return rows.expand(child.bias_rows, -1)


def nearest(block: int, blocks: Sequence[int]) -> int:
    """Return the place in `blocks` of the one nearest to `block`; of two, the earlier one."""
    return min(range(len(blocks)), key=lambda i: abs(blocks[i] - block))


def parents(
    groups: Sequence[Sequence[int]], direction: Direction, entries: int
) -> list[tuple[tuple[int, ...], int | None]]:
    """Return what is trained, each with the place in the list of what it starts from; None: from scratch.

    Parameters
    ----------
    groups : sequence of blocks
        By first block.
    direction : Direction
        `forward`: the `entries` groups after the first start from the group before; `backward`: the `entries` groups
        before the last start from the group after; `tree`: every block of the first `entries` groups of more than one
        gets an autoencoder of its own that starts from its group's (parent to child along the partition tree).
    entries : int
        How many, 0 or more; more than there are means all.
    """
    blocks = [tuple(group) for group in groups]
    n = len(blocks)
    if direction == "forward":
        return [(group, i - 1 if 0 < i <= entries else None) for i, group in enumerate(blocks)]
    if direction == "backward":
        return [(group, i + 1 if n - 1 - entries <= i < n - 1 else None) for i, group in enumerate(blocks)]
    split = [i for i, group in enumerate(blocks) if len(group) > 1][:entries]
    return [*((group, None) for group in blocks), *(((block,), i) for i in split for block in blocks[i])]
