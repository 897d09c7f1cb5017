"""The TopK sparse autoencoder: x_hat = W_dec^T TopK(ReLU(W_enc (x - b_dec) + b_enc)) + b_dec."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag

warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")


class SaeConfigError(ValueError):
    """A sparse autoencoder cannot have these dimensions."""


class UnknownBlockError(KeyError):
    """The sparse autoencoder was not trained on this block."""


@dataclass(frozen=True)
class SaeConfig:
    """Dimensions of a sparse autoencoder and the blocks it reads."""

    d_model: int
    """Width of the residual stream."""
    n_latents: int
    """Width of the dictionary."""
    k: int
    """Latents active per token."""
    blocks: tuple[int, ...] = ()
    """Zero-based blocks whose residual streams it reads."""
    scales: Mapping[int, float] = field(default_factory=dict)
    """Per block: 1 / mean norm of its residual stream; inputs are multiplied by it."""

    def __post_init__(self) -> None:
        if min(self.d_model, self.n_latents, self.k) < 1:
            raise SaeConfigError(f"d_model {self.d_model}, n_latents {self.n_latents} and k {self.k} must be positive")
        if self.k > self.n_latents:
            raise SaeConfigError(f"k = {self.k} of {self.n_latents} latents: lower saes.k or raise saes.expansion")


class Reconstruction(NamedTuple):
    """What the forward pass returns."""

    x_hat: Tensor
    """[tokens, d_model], scaled like the input."""
    values: Tensor
    """[tokens, k], 0 or more."""
    indices: Tensor
    """[tokens, k] int64, latents in no order."""


class TopKSae(torch.nn.Module):
    """TopK sparse autoencoder (Gao et al. 2024; Group-SAE, section 2), named as in sparsify; starts all zero."""

    def __init__(self, config: SaeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = torch.nn.Linear(config.d_model, config.n_latents, device="meta").to_empty(device="cpu")
        self.W_dec = torch.nn.Parameter(torch.zeros(config.n_latents, config.d_model))
        self.b_dec = torch.nn.Parameter(torch.zeros(config.d_model))
        torch.nn.init.zeros_(self.encoder.weight)
        torch.nn.init.zeros_(self.encoder.bias)

    def scaled(self, x: Tensor | NDArray[np.generic], block: int) -> Tensor:
        """Return `x: [tokens, d_model]` of `block` as float32 times the block's own scale; raises UnknownBlockError."""
        x = x if isinstance(x, Tensor) else torch.from_numpy(x.astype(np.float32))
        return x.float() * self.scale(block)

    def scale(self, block: int) -> float:
        """Return 1 / mean norm of `block`; raises UnknownBlockError."""
        if block not in self.config.scales:
            raise UnknownBlockError(
                f"block {block} has no scale in this sparse autoencoder; it reads {sorted(self.config.scales)}"
            )
        return self.config.scales[block]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return values and indices, `[tokens, k]`, of the strongest latents for scaled `x: [tokens, d_model]`."""
        values, indices = self.encoder(x - self.b_dec).relu().topk(self.config.k, dim=1, sorted=False)
        return values, indices

    def decode(self, values: Tensor, indices: Tensor) -> Tensor:
        """Return `[tokens, d_model]`, scaled, from what `encode` returns."""
        return embedding_bag(indices, self.W_dec, per_sample_weights=values, mode="sum") + self.b_dec

    def forward(self, x: Tensor) -> Reconstruction:
        """Encode and decode scaled `x: [tokens, d_model]`; the backward pass touches only active latents."""
        weights = (self.encoder.weight, self.encoder.bias, self.W_dec, self.b_dec)
        sparse_pass: Callable[..., Any] = _SparsePass.apply
        return Reconstruction(*sparse_pass(x, *weights, self.config.k))

    @torch.no_grad()
    def normalise_decoder(self) -> None:
        """Make every decoder row one unit long."""
        self.W_dec.copy_(torch.nn.functional.normalize(self.W_dec, dim=1))


class _SparsePass(torch.autograd.Function):
    """Forward pass with closed-form gradients: of m latents only the k active ones cost anything in the backward pass.

    With z = TopK(ReLU(W_enc c + b_enc)), c = x - b_dec, and g the gradient at x_hat:
    dL/dz_i = W_dec[i] . g where z_i > 0, dL/dW_dec[i] = sum_t z_ti g_t, dL/dW_enc[i] = sum_t dL/dz_ti c_t,
    dL/db_enc_i = sum_t dL/dz_ti, dL/db_dec = sum_t g_t - sum_i dL/db_enc_i W_enc[i].
    """

    @staticmethod
    def forward(  # noqa: PLR0917 (the signature is autograd's)
        ctx: Any, x: Tensor, w_enc: Tensor, b_enc: Tensor, w_dec: Tensor, b_dec: Tensor, k: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        centred = x - b_dec
        values, indices = torch.addmm(b_enc, centred, w_enc.T).relu_().topk(k, dim=1, sorted=False)
        x_hat = embedding_bag(indices, w_dec, per_sample_weights=values, mode="sum") + b_dec
        ctx.save_for_backward(centred, values, indices, w_enc, w_dec)
        ctx.mark_non_differentiable(values, indices)
        return x_hat, values, indices

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        centred, values, indices, w_enc, w_dec = ctx.saved_tensors
        g = gradients[0].contiguous()
        d_values = _active_dots(g, w_dec, indices) * (values > 0)
        d_b_enc = w_enc.new_zeros(len(w_enc)).index_add_(0, indices.flatten(), d_values.flatten())
        d_w_enc, d_w_dec = _sums_by_latent(indices, len(w_enc), (d_values, centred), (values, g))
        d_x = (
            embedding_bag(indices, w_enc, per_sample_weights=d_values, mode="sum") if ctx.needs_input_grad[0] else None
        )
        return d_x, d_w_enc, d_b_enc, d_w_dec, g.sum(dim=0) - d_b_enc @ w_enc, None


def _active_dots(g: Tensor, rows: Tensor, indices: Tensor) -> Tensor:
    """Return `[tokens, k]`: the dot product of each token's `g` with the rows of its active latents."""
    tokens, k = indices.shape
    starts = torch.arange(0, tokens * k + 1, k, device=g.device)
    pattern = torch.sparse_csr_tensor(
        starts, indices.flatten(), g.new_zeros(tokens * k), (tokens, len(rows)), check_invariants=False
    )
    dots: Tensor = torch.sparse.sampled_addmm(pattern, g, rows.T).values()
    return dots.view(tokens, k)


def _sums_by_latent(indices: Tensor, n_latents: int, *pairs: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Return per pair (weights `[tokens, k]`, vectors `[tokens, d]`) the weighted sums by latent, `[n_latents, d]`."""
    latents = indices.flatten()
    order = latents.argsort(stable=True)
    starts = torch.bincount(latents, minlength=n_latents).cumsum(0).roll(1)
    starts[0] = 0
    tokens = order // indices.shape[1]
    return [embedding_bag(tokens, x, starts, per_sample_weights=w.flatten()[order], mode="sum") for w, x in pairs]
