"""Standardised inputs: every dimension about its mean in units of its spread, and how an autoencoder of them is stored.

A few dimensions of a residual stream are far larger than all others. Without this, mean squared error and cosine are
about these alone.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from assets.saes.model.sae import Sae, SaeConfigError

LEAST_SPREAD = 1e-6
"""Of a dimension, as a share of its largest number: under it the dimension counts as constant."""


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of every dimension."""

    mean: NDArray[np.float64]
    """[d_model]"""
    spread: NDArray[np.float64]
    """[d_model], above 0; 1 for a dimension that is constant."""

    @classmethod
    def measured(cls, x: NDArray[np.floating[Any]]) -> Self:
        """Return those of `x: [rows, d_model]`."""
        wide = x.astype(np.float64)
        mean, spread = wide.mean(axis=0), wide.std(axis=0)
        constant = spread <= LEAST_SPREAD * np.abs(wide).max(axis=0)
        return cls(mean, np.where(constant, 1.0, spread))

    def of(self, x: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return `x: [rows, d_model]`, standardised."""
        return ((x - self.mean) / self.spread).astype(np.float32)

    def folded(self, sae: Sae) -> Sae:
        """Return the autoencoder of raw rows that has the latents, value by value, that `sae` has of standardised ones.

        With x' = (x - m) / s, W (x' - b') + c = (W / s) (x - (m + s b')) + c, and what it rebuilds of x' is, times s
        plus m, (s D)^T z + (m + s b'). The rows of the new decoder s D are of any length.

        Raises
        ------
        SaeConfigError
            It reads more than one block, or scales its input.
        """
        if len(sae.config.blocks) != 1 or set(sae.config.scales.values()) != {1.0}:
            raise SaeConfigError("only an autoencoder of one block whose scale is 1 can be folded")
        weights = {name: tensor.detach().double() for name, tensor in sae.state_dict().items()}
        mean, spread = torch.from_numpy(self.mean), torch.from_numpy(self.spread)
        weights["encoder.weight"] = weights["encoder.weight"] / spread
        weights["W_dec"] = weights["W_dec"] * spread
        weights["b_dec"] = mean + spread * weights["b_dec"]
        raw = Sae(replace(sae.config))
        raw.load_state_dict(weights)
        return raw.eval()
