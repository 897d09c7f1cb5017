"""How strongly latents are active in stretches of text: over vectors as they are, or over the tokens of a stretch."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from assets.features.encoding import encode_stream
from assets.saes.model.sae import Sae

Activations = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Activations, 0 where a latent is not active, and pre-activations: twice [windows, latents]."""


@torch.inference_mode()
def pre_activations(sae: Sae, x: NDArray[np.floating], block: int) -> NDArray[np.float32]:
    """Return what latents are chosen by [rows, latents]: how near each is to being active."""
    one = sae.at(block)
    pre = torch.addmm(one.encoder.bias, one.scaled(x, block) - one.b_dec, one.encoder.weight.T)
    return np.asarray(pre.numpy())


def strongest_in(
    stream: NDArray[np.floating],
    ranges: Sequence[tuple[int, int]],
    sae: Sae,
    block: int,
    massive_norm: float,
) -> Activations:
    """Return the largest activation and pre-activation of each latent over the tokens of each range.

    Parameters
    ----------
    stream : [tokens, d_model], the residual stream of one document
    ranges : tokens `[first, end)`
    sae, block : the autoencoder, and which block the stream is of
    massive_norm : tokens above so many medians are left out
    """
    values, indices, keep = encode_stream(stream, sae, block, massive_norm)
    active = np.zeros((len(stream), sae.config.n_latents), dtype=np.float32)
    np.put_along_axis(active, indices, values * keep[:, None], axis=1)
    near = np.where(keep[:, None], pre_activations(sae, stream, block), -np.inf)
    # A range can be empty: its passage shares its only token with the next. It wakes nothing.
    tops = [(active[a:b].max(axis=0, initial=0), near[a:b].max(axis=0, initial=-np.inf)) for a, b in ranges]
    strongest, nearest = (np.stack(rows) for rows in zip(*tops, strict=True))
    return strongest, nearest.astype(np.float32)
